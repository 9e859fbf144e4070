"""Users and registrations for tests: each field has a value, a test names what matters to it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.runtime.clock import rfc3339
from users.accounts.models import User
from users.sessions.models import Family, RefreshToken

PASSWORD = "correct-horse-battery"
NEW_PASSWORD = "another-long-password"
SOURCE = "192.0.2.1"
_numbers = itertools.count(1)


def a_user(**values: Any) -> User:
    """An active customer, with a later `created_at` than the user before."""
    number = next(_numbers)
    return User(
        **{
            "id": f"user-{number}",
            "email": f"user-{number}@example.com",
            "full_name": "Ursula User",
            "role": "customer",
            "is_active": True,
            "created_at": rfc3339(datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=number)),
            **values,
        }
    )


def a_registration(**values: str) -> dict[str, str]:
    """The body of a registration."""
    return {
        "email": f"user-{next(_numbers)}@example.com",
        "full_name": "Ursula User",
        "password": PASSWORD,
        **values,
    }


def a_family(
    *, user_id: str = "a" * 32, at: datetime = datetime(2030, 1, 1, tzinfo=UTC)
) -> tuple[Family, RefreshToken]:
    """A family of refresh tokens, and its newest token."""
    return Family.start(a_user(id=user_id), at=at, client="curl")

"""Users, registrations and the like for tests: everything has a value, what matters is said."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from users.accounts.models import User
from users.accounts.schemas import Registration
from users.sessions.models import Family, RefreshToken

PASSWORD = "correct-horse-battery"
SOURCE = "192.0.2.1"
_numbers = itertools.count(1)


def a_user(**values: Any) -> User:
    """An active customer; each one's `created_at` is later than the last one's."""
    number = next(_numbers)
    created_at = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=number)
    return User(
        **{
            "id": f"user-{number}",
            "email": f"user-{number}@example.com",
            "full_name": "Ursula User",
            "password_hash": f"hash of {PASSWORD}",
            "role": "customer",
            "is_active": True,
            "created_at": created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **values,
        }
    )


def a_registration(**values: str) -> Registration:
    return Registration(**registration_body(**values))


def registration_body(**values: str) -> Mapping[str, str]:
    """As JSON."""
    return {
        "email": f"user-{next(_numbers)}@example.com",
        "full_name": "Ursula User",
        "password": PASSWORD,
        **values,
    }


def a_family() -> tuple[Family, RefreshToken]:
    """A family of somebody's, and its newest token."""
    return Family.begun(a_user(), at=1_900_000_000)

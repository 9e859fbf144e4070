"""The rules of refresh tokens and their families."""

import pytest

from tests.users.builders import a_user
from users.accounts.models import User
from users.sessions.models import Family, RefreshToken


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", ".", "a" * 32, "\ud800", f"{'0' * 32}.{'a' * 43}"),
        f"{'g' * 32}.{'a' * 43}.{'0' * 32}",
        f"{'0' * 32}.{'a' * 43}.{'0' * 32}\n",
    ],
)
def test_parse_refuses_a_text_of_another_form(text: str) -> None:
    assert RefreshToken.parse(text) is None


@pytest.mark.parametrize(
    ("user", "at", "is_valid"),
    [
        (a_user(id="alice", session_epoch=4), 99, True),
        (a_user(id="alice", session_epoch=4), 100, False),
        (a_user(id="alice", session_epoch=5), 99, False),
        (a_user(id="alice", session_epoch=4, is_active=False), 99, False),
        (a_user(id="bob", session_epoch=4), 99, False),
    ],
    ids=["valid", "expired", "sessions ended", "inactive", "another user"],
)
def test_family_is_valid_for_its_active_user_until_it_expires(
    user: User, at: int, *, is_valid: bool
) -> None:
    family = Family("family", "alice", session_epoch=4, digest="d", expires_at=100, key="00")
    assert family.is_valid_for(user, at=at) is is_valid

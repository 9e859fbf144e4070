"""The rules of users, refresh tokens and attempts at passwords."""

from dataclasses import replace

import pytest

from tests.users.builders import a_family, a_user
from users.login_throttle.models import Attempts
from users.sessions.models import Family, RefreshToken


def test_a_change_counts_the_version_and_leaves_what_is_not_named() -> None:
    before = a_user(version=3, session_epoch=2)
    after = before.changed(full_name="Ursula Changed")
    assert (after.full_name, after.version) == ("Ursula Changed", 4)
    assert (after.email, after.session_epoch) == (before.email, 2)


def test_a_change_to_what_is_there_already_is_none() -> None:
    user = a_user()
    assert user.changed() is user
    assert user.changed(email=user.email, role=user.role, is_active=True) is user


@pytest.mark.parametrize("change", [{"password_hash": "new"}, {"is_active": False}])
def test_a_new_password_and_a_deactivation_end_all_sessions(change: dict[str, object]) -> None:
    assert a_user(session_epoch=2).changed(**change).session_epoch == 3  # type: ignore[arg-type]  # one of the two


@pytest.mark.parametrize(
    "change", [{"email": "new@example.com"}, {"full_name": "New"}, {"role": "admin"}]
)
def test_other_changes_end_no_session(change: dict[str, str]) -> None:
    assert a_user(session_epoch=2).changed(**change).session_epoch == 2  # type: ignore[arg-type]  # one of the three


def test_a_user_does_not_show_the_password_hash() -> None:
    assert "secret-hash" not in repr(a_user(password_hash="secret-hash"))


def test_a_refresh_token_is_read_back_from_its_text() -> None:
    family, token = a_family()
    assert RefreshToken.parse(token.text) == token
    assert not any(secret in repr((family, token)) for secret in (token.secret, family.key))


def test_each_token_of_a_family_is_another_and_known_as_its_own() -> None:
    family, first = a_family()
    second = RefreshToken.drawn(family.id, family.key)
    assert first.family_id == second.family_id
    assert first.digest != second.digest
    assert family.gave(first)
    assert family.gave(second)


def test_a_family_knows_what_it_did_not_give() -> None:
    family, token = a_family()
    _, another = a_family()
    assert not family.gave(replace(token, secret=another.secret))
    assert not family.gave(replace(token, mark=another.mark))
    assert not family.gave(replace(another, family_id=family.id))


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", ".", "a" * 32, "\ud800", f"{'0' * 32}.{'a' * 43}"),
        f"{'g' * 32}.{'a' * 43}.{'0' * 32}",
        f"{'0' * 32}.{'a' * 43}.{'0' * 32}\n",
    ],
)
def test_what_cannot_be_a_token_of_ours_is_none(text: str) -> None:
    assert RefreshToken.parse(text) is None


@pytest.mark.parametrize(
    ("user", "at", "serves"),
    [
        (a_user(id="alice", session_epoch=4), 99, True),
        (a_user(id="alice", session_epoch=4), 100, False),
        (a_user(id="alice", session_epoch=5), 99, False),
        (a_user(id="alice", session_epoch=4, is_active=False), 99, False),
        (a_user(id="bob", session_epoch=4), 99, False),
    ],
    ids=["good", "expired", "sessions ended", "deactivated", "somebody else's"],
)
def test_a_family_serves_its_active_user_for_its_time(user: object, at: int, serves: bool) -> None:
    family = Family("family", "alice", session_epoch=4, digest="d", expires_at=100, key="00")
    assert family.serves(user, at=at) is serves  # type: ignore[arg-type]  # a User


@pytest.mark.parametrize(
    ("count", "wait"), [(0, 0), (4, 0), (5, 2), (6, 4), (7, 8), (13, 512), (14, 900), (9999, 900)]
)
def test_the_wait_doubles_from_the_fifth_attempt_up_to_its_limit(count: int, wait: int) -> None:
    assert Attempts(count, last_at=50).backoff(at=50, tolerated=5, longest=900) == wait


def test_the_wait_runs_from_the_last_attempt() -> None:
    attempts = Attempts(7, last_at=50)
    assert attempts.backoff(at=57, tolerated=5, longest=900) == 1
    assert attempts.backoff(at=58, tolerated=5, longest=900) == 0


@pytest.mark.parametrize(("at", "count"), [(149, 8), (150, 1)])
def test_attempts_are_forgotten_some_time_after_the_last(at: int, count: int) -> None:
    before = Attempts(7, last_at=50, trusted_until=999)
    after = before.with_another(at=at, forgotten_after=100)
    assert after == Attempts(count, last_at=at, trusted_until=999)

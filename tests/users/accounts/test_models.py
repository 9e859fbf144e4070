"""The rules of a user."""

import pytest

from tests.users.builders import a_user


@pytest.mark.parametrize(
    ("change", "epoch"),
    [
        ({"password_hash": "new"}, 3),
        ({"is_active": False}, 3),
        ({"email": "new@example.com"}, 2),
        ({"full_name": "New"}, 2),
        ({"role": "admin"}, 2),
    ],
)
def test_new_password_and_deactivation_alone_end_sessions(
    change: dict[str, object], epoch: int
) -> None:
    after = a_user(session_epoch=2).changed(**change)  # type: ignore[arg-type]  # one field
    assert after.session_epoch == epoch


def test_repr_of_a_user_has_no_password_hash() -> None:
    assert "secret-hash" not in repr(a_user(password_hash="secret-hash"))

"""The rules of a user."""

from dataclasses import replace

import pytest

from tests.users.builders import a_user
from users.accounts.errors import AccountErased

NOW = "2026-11-20T09:00:00.000Z"


@pytest.mark.parametrize(
    ("change", "epoch"),
    [
        ({"password_hash": "new"}, 3),
        ({"is_active": False}, 3),
        ({"full_name": "New"}, 2),
        ({"role": "admin"}, 3),
    ],
)
def test_new_password_role_and_deactivation_alone_end_sessions(
    change: dict[str, object], epoch: int
) -> None:
    user = a_user(session_epoch=2)
    after = user.changed(**change)  # type: ignore[arg-type]  # one field
    assert after == replace(user, **change, session_epoch=epoch, version=2)  # type: ignore[arg-type]  # one field
    assert after.changed(**change) is after  # type: ignore[arg-type]  # one field


def test_erased_user_has_no_personal_data_and_never_changes() -> None:
    user = a_user(role="admin")
    erased = user.erased(at=NOW)
    assert erased == replace(
        user,
        full_name="Erased",
        email=f"{user.id}@erased.invalid",
        password_hash="",
        is_active=False,
        version=2,
        session_epoch=1,
        erased_at=NOW,
    )
    assert erased.erased(at="later") is erased
    assert erased.changed(full_name="Erased") is erased
    with pytest.raises(AccountErased):
        erased.changed(is_active=True)
    with pytest.raises(AccountErased):
        erased.changed(full_name=user.full_name)


def test_repr_of_a_user_has_no_password_hash() -> None:
    assert "secret-hash" not in repr(a_user(password_hash="secret-hash"))

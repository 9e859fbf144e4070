"""Erasing accounts: what is left, and that it cannot be undone. The other services: tests/flows."""

import pytest

from shared.errors import Unauthenticated
from tests.users.builders import PASSWORD, a_user
from tests.users.service import Service, caller
from users.accounts.errors import AccountErased
from users.accounts.models import User
from users.sessions.errors import BadCredentials, BadRefreshToken

ANN = {"email": "ann@example.com", "full_name": "Ann Onymous"}


def erase(service: Service, user: User, by: User | None = None) -> User:
    return service.accounts.erase(caller(by or user), user.id)


def test_erased_account_holds_no_personal_data(service: Service) -> None:
    user = service.customer(**ANN)
    erase(service, user)
    stored = service.stored(user)
    assert (stored.full_name, stored.email) == ("Erased", f"{user.id}@erased.invalid")
    assert (stored.is_active, stored.password_hash, stored.session_epoch) == (False, "", 1)
    assert (stored.role, stored.created_at) == (user.role, user.created_at)
    assert stored.erased_at == "2026-11-20T12:00:01.000Z"
    assert service.accounts.totals() == {"total": 1, "active": 0}
    event = service.users.events(user.id)[-1]
    assert (event.id, event.type) == (f"{user.id}.2", "user.erased")
    assert event.data == {"user_id": user.id}
    for text in ANN.values():
        assert text not in repr((stored, service.users.events(user.id)))


def test_sessions_and_password_of_an_erased_account_are_void(service: Service) -> None:
    user = service.customer(**ANN)
    tokens = service.log_in(user.email)
    erased = erase(service, user)
    with pytest.raises(Unauthenticated):
        service.accounts.require_active(caller(user))
    with pytest.raises(BadRefreshToken):
        service.sessions.refresh(tokens.refresh_token)
    for email in (ANN["email"], erased.email):
        with pytest.raises(BadCredentials):
            service.log_in(email)
    assert not service.passwords.match(erased.password_hash, PASSWORD)


def test_erasure_is_done_once(service: Service) -> None:
    admin, user = service.admin(), service.customer(**ANN)
    erased = erase(service, user)
    service.clock.advance(hours=1)
    assert erase(service, user, admin) == erased
    assert service.accounts.deactivate(caller(admin), user.id) == erased
    assert service.event_types(user) == ["user.registered", "user.erased"]
    assert service.accounts.totals() == {"total": 2, "active": 1}


def test_admin_erases_an_inactive_account(service: Service) -> None:
    admin, user = service.admin(), service.customer(**ANN)
    assert service.deactivate(user).email == ANN["email"]
    erase(service, user, admin)
    assert service.event_types(user) == ["user.registered", "user.deactivated", "user.erased"]
    assert ANN["email"] not in repr(service.users.events(user.id))


def test_erased_account_cannot_be_changed(service: Service) -> None:
    admin, user = service.admin(), service.customer(**ANN)
    erased = erase(service, user)
    for change in ({"is_active": True}, {"full_name": "Ann"}, {"email": ANN["email"]}):
        with pytest.raises(AccountErased):
            service.change(admin, user, **change)
    assert service.change(admin, user, full_name="Erased") == erased


def test_erasing_an_erased_user_changes_nothing() -> None:
    user = a_user(erased_at="2026-11-20T09:00:00.000Z")
    assert user.erased(at="later") is user

"""What may be done with accounts, by whom, and which events it emits."""

import pytest

from shared.auth.tokens import Caller, Role
from shared.contracts.directory import UserNotFound
from shared.errors import Forbidden, ServiceUnavailable, Unauthenticated
from tests.users.builders import NEW_PASSWORD, PASSWORD
from tests.users.service import Service, caller
from users.accounts.errors import CurrentPasswordRequired
from users.login_throttle.errors import TooManyAttempts


class TestRegister:
    def test_register_stores_an_active_customer_with_its_event(self, service: Service) -> None:
        user = service.customer(email="alice@example.com", full_name="Alice")
        assert service.stored(user) == user
        assert (user.role, user.is_active) == ("customer", True)
        assert user.created_at == "2026-11-20T12:00:01.000Z"
        assert user.password_hash == service.passwords.hash(PASSWORD)
        [event] = service.users.events(user.id)
        assert (event.id, event.type, event.version) == (f"{user.id}.1", "user.registered", 1)
        assert event.data == {
            "user_id": user.id,
            "full_name": "Alice",
            "email": "alice@example.com",
        }


class TestRequireActive:
    @pytest.mark.parametrize(
        ("token", "account", "expected"),
        [
            ("admin", "admin", "admin"),
            ("admin", "customer", "customer"),
            ("customer", "admin", "customer"),
        ],
    )
    def test_caller_has_the_lower_role_of_token_and_account(
        self, service: Service, token: Role, account: Role, expected: Role
    ) -> None:
        user = service.admin() if account == "admin" else service.customer()
        assert service.accounts.require_active(Caller(user.id, token)) == (
            Caller(user.id, expected),
            user,
        )

    def test_inactive_and_missing_accounts_are_refused(self, service: Service) -> None:
        user = service.customer()
        service.deactivate(user)
        for refused in (caller(user), Caller("nobody", "admin")):
            with pytest.raises(Unauthenticated):
                service.accounts.require_active(refused)


class TestPermissions:
    def test_user_and_admin_see_an_account(self, service: Service) -> None:
        alice, admin = service.customer(), service.admin()
        for by in (alice, admin):
            assert service.accounts.get(caller(by), alice.id) == alice

    def test_another_account_looks_like_a_missing_one(self, service: Service) -> None:
        alice, bob, admin = service.customer(), service.customer(), service.admin()
        for by, user_id in ((alice, bob.id), (alice, "nobody"), (admin, "nobody")):
            with pytest.raises(UserNotFound):
                service.accounts.get(caller(by), user_id)

    def test_only_user_and_admin_change_an_account(self, service: Service) -> None:
        alice, bob = service.customer(), service.customer()
        with pytest.raises(UserNotFound):
            service.change(alice, bob, full_name="Taken Over")
        for use_case in (service.accounts.deactivate, service.accounts.erase):
            with pytest.raises(UserNotFound):
                use_case(caller(alice), bob.id)
        assert service.stored(bob) == bob

    def test_only_admin_lists_users(self, service: Service) -> None:
        with pytest.raises(Forbidden):
            service.accounts.list(caller(service.customer()), active=None, limit=2, after=None)

    @pytest.mark.parametrize(
        "change", [{"role": "admin"}, {"role": "customer"}, {"is_active": True}]
    )
    def test_only_admin_changes_role_and_is_active(
        self, service: Service, change: dict[str, object]
    ) -> None:
        user = service.customer()
        with pytest.raises(Forbidden):
            service.change(user, **change)


class TestChange:
    def test_change_keeps_what_it_does_not_name(self, service: Service) -> None:
        user = service.customer()
        after = service.change(user, full_name="Other")
        assert (after.full_name, after.email, after.version) == ("Other", user.email, 2)
        assert service.stored(user) == after

    def test_change_without_a_difference_writes_nothing(self, service: Service) -> None:
        user = service.customer()
        assert service.change(user, full_name=user.full_name) == user
        assert service.change(user) == user
        assert service.stored(user).version == 1

    def test_admin_changes_any_field_of_an_account(self, service: Service) -> None:
        admin, user = service.admin(), service.customer()
        values = {"full_name": "A", "email": "a@example.com", "role": "admin"}
        after = service.change(admin, user, **values, password=NEW_PASSWORD)
        assert (after.full_name, after.email, after.role) == ("A", "a@example.com", "admin")
        assert after.password_hash == service.passwords.hash(NEW_PASSWORD)

    def test_only_a_deactivation_emits_an_event(self, service: Service) -> None:
        admin, user = service.admin(), service.customer()
        for is_active in (False, False, True):
            service.change(admin, user, is_active=is_active)
        assert service.stored(user).is_active
        assert service.event_types(user) == ["user.registered", "user.deactivated"]
        assert service.users.events(user.id)[-1].version == 2

    def test_change_is_applied_to_what_a_concurrent_request_stored(self, service: Service) -> None:
        user = service.customer()
        service.users.rivals = [user.changed(email="rival@example.com")]
        after = service.change(user, full_name="Mine")
        assert (after.email, after.full_name, after.version) == ("rival@example.com", "Mine", 3)

    def test_change_gives_up_when_it_loses_every_race(self, service: Service) -> None:
        rival = user = service.customer()
        for _ in range(5):
            rival = rival.changed(full_name=f"{rival.full_name}!")
            service.users.rivals.insert(0, rival)
        with pytest.raises(ServiceUnavailable):
            service.change(user, email="mine@example.com")


class TestPassword:
    def test_own_password_needs_the_current_one(self, service: Service) -> None:
        for user in (service.customer(), service.admin()):
            with pytest.raises(CurrentPasswordRequired):
                service.change(user, password=NEW_PASSWORD)
            with pytest.raises(Forbidden):
                service.change(user, password=NEW_PASSWORD, current_password="wrong")
            assert service.stored(user) == user
            after = service.change(user, password=NEW_PASSWORD, current_password=PASSWORD)
            assert after.password_hash == service.passwords.hash(NEW_PASSWORD)

    def test_a_wrong_current_password_refuses_any_change(self, service: Service) -> None:
        user = service.customer()
        with pytest.raises(Forbidden):
            service.change(user, email="new@example.com", current_password="wrong")
        assert service.stored(user) == user

    def test_guessing_the_current_password_is_throttled(self, service: Service) -> None:
        user = service.customer()
        for _ in range(5):
            with pytest.raises(Forbidden):
                service.change(user, password=NEW_PASSWORD, current_password="wrong")
        with pytest.raises(TooManyAttempts):
            service.change(user, password=NEW_PASSWORD, current_password=PASSWORD)
        service.clock.advance(seconds=2)
        service.change(user, password=NEW_PASSWORD, current_password=PASSWORD)


def test_deactivation_is_done_once(service: Service) -> None:
    admin, user = service.admin(), service.customer()
    for _ in range(2):
        service.accounts.deactivate(caller(admin), user.id)
    assert not service.stored(user).is_active
    assert service.event_types(user) == ["user.registered", "user.deactivated"]
    assert service.accounts.totals() == {"total": 2, "active": 1}

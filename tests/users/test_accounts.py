"""Accounts: who may do what with which, and what becomes of it."""

import pytest

from shared.auth.tokens import Caller
from shared.contracts.directory import UserNotFound
from shared.errors import (
    Forbidden,
    InvalidCursor,
    InvalidRequest,
    ServiceUnavailable,
    Unauthenticated,
)
from tests.users.builders import PASSWORD, SOURCE, a_registration
from tests.users.shop import Shop, caller
from users.accounts.errors import EmailTaken
from users.accounts.models import User
from users.accounts.schemas import AccountChange
from users.login_throttle.errors import TooManyAttempts

NEW = "another-long-password"


def change(shop: Shop, by: User, whom: User | None = None, /, **values: object) -> User:
    whom = whom or by
    return shop.accounts.change(
        caller(by), whom.id, AccountChange.model_validate(values), source=SOURCE
    )


def told(shop: Shop, user: User) -> list[str]:
    return [fact.type for fact in shop.users.facts(user.id)]


class TestRegister:
    def test_who_registers_is_an_active_customer(self, shop: Shop) -> None:
        user = shop.accounts.register(
            a_registration(email=" Alice@example.com ", full_name=" Alice "), source=SOURCE
        )
        assert (user.email, user.full_name) == ("Alice@example.com", "Alice")
        assert (user.role, user.is_active) == ("customer", True)
        assert user.created_at == "2026-11-20T12:00:00.000Z"
        assert shop.now(user) == user

    def test_a_registration_is_told_of(self, shop: Shop) -> None:
        user = shop.customer(full_name="Alice", email="alice@example.com")
        [fact] = shop.users.facts(user.id)
        assert (fact.id, fact.type, fact.version) == (f"{user.id}.1", "user.registered", 1)
        assert fact.data == {
            "user_id": user.id,
            "full_name": "Alice",
            "email": "alice@example.com",
        }

    def test_the_password_is_kept_as_a_hash(self, shop: Shop) -> None:
        assert shop.customer(password=NEW).password_hash == shop.passwords.hash(NEW)

    def test_an_address_registers_once_even_after_its_deactivation(self, shop: Shop) -> None:
        user = shop.customer(email="alice@example.com")
        shop.accounts.deactivate(caller(user), user.id)
        with pytest.raises(EmailTaken):
            shop.customer(email="ALICE@example.com")


class TestActing:
    def test_a_caller_acts_as_the_account(self, shop: Shop) -> None:
        user = shop.customer()
        assert shop.accounts.acting(caller(user)) == (caller(user), user)

    def test_a_deactivated_account_acts_no_more(self, shop: Shop) -> None:
        user = shop.customer()
        shop.accounts.deactivate(caller(user), user.id)
        with pytest.raises(Unauthenticated):
            shop.accounts.acting(caller(user))

    def test_an_account_that_is_not_there_does_not_act(self, shop: Shop) -> None:
        with pytest.raises(Unauthenticated):
            shop.accounts.acting(Caller("nobody", "admin"))

    @pytest.mark.parametrize(
        ("token", "account", "acts_as"),
        [
            ("admin", "admin", "admin"),
            ("admin", "customer", "customer"),
            ("customer", "admin", "customer"),
        ],
    )
    def test_it_takes_an_admin_s_token_and_an_admin_s_account(
        self, shop: Shop, token: str, account: str, acts_as: str
    ) -> None:
        user = shop.admin() if account == "admin" else shop.customer()
        acting, _ = shop.accounts.acting(Caller(user.id, token))  # type: ignore[arg-type]  # a role
        assert acting.role == acts_as


class TestSee:
    def test_one_sees_oneself_and_an_admin_sees_everybody(self, shop: Shop) -> None:
        alice, admin = shop.customer(), shop.admin()
        assert shop.accounts.get(caller(alice), alice.id) == alice
        assert shop.accounts.get(caller(admin), alice.id) == alice

    def test_others_are_not_there_like_those_who_are_not(self, shop: Shop) -> None:
        alice, bob, admin = shop.customer(), shop.customer(), shop.admin()
        for by, whom in ((alice, bob.id), (alice, "nobody"), (admin, "nobody")):
            with pytest.raises(UserNotFound):
                shop.accounts.get(caller(by), whom)


class TestList:
    def test_an_admin_lists_page_by_page(self, shop: Shop) -> None:
        admin = shop.admin()
        others = [shop.customer() for _ in range(4)]
        seen: list[str] = []
        cursor = None
        for _ in range(3):
            page = shop.accounts.list(caller(admin), active=None, limit=2, cursor=cursor)
            seen += [user.id for user in page.users]
            cursor = page.next_cursor
        assert cursor is None
        assert seen == [user.id for user in [*others[::-1], admin]]

    def test_nobody_else_does(self, shop: Shop) -> None:
        with pytest.raises(Forbidden):
            shop.accounts.list(caller(shop.customer()), active=None, limit=2, cursor=None)

    def test_a_cursor_is_its_caller_s_and_its_query_s(self, shop: Shop) -> None:
        admin, other = shop.admin(), shop.admin()
        cursor = shop.accounts.list(caller(admin), active=None, limit=1, cursor=None).next_cursor
        for by, active in ((other, None), (admin, True)):
            with pytest.raises(InvalidCursor):
                shop.accounts.list(caller(by), active=active, limit=1, cursor=cursor)


class TestChange:
    def test_what_is_left_out_stays(self, shop: Shop) -> None:
        user = shop.customer()
        after = change(shop, user, full_name="Other")
        assert (after.full_name, after.email, after.version) == ("Other", user.email, 2)
        assert shop.now(user) == after

    def test_nothing_new_writes_nothing(self, shop: Shop) -> None:
        user = shop.customer()
        assert change(shop, user, full_name=user.full_name) == user
        assert change(shop, user) == user
        assert shop.now(user).version == 1

    def test_a_new_address_must_be_nobody_else_s(self, shop: Shop) -> None:
        user, other = shop.customer(), shop.customer()
        assert change(shop, user, email="new@example.com").email == "new@example.com"
        with pytest.raises(EmailTaken):
            change(shop, user, email=other.email.upper())

    @pytest.mark.parametrize(
        "values", [{"role": "admin"}, {"role": "customer"}, {"is_active": True}]
    )
    def test_role_and_is_active_are_an_admin_s(self, shop: Shop, values: dict[str, object]) -> None:
        user = shop.customer()
        with pytest.raises(Forbidden):
            change(shop, user, None, **values)

    def test_somebody_else_s_account_is_not_there(self, shop: Shop) -> None:
        alice, bob = shop.customer(), shop.customer()
        with pytest.raises(UserNotFound):
            change(shop, alice, bob, role="admin")

    def test_an_admin_changes_anything_of_anybody(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer()
        after = change(
            shop, admin, user, full_name="A", email="a@example.com", password=NEW, role="admin"
        )
        assert (after.full_name, after.email, after.role) == ("A", "a@example.com", "admin")
        assert after.password_hash == shop.passwords.hash(NEW)

    def test_a_deactivation_is_told_of_and_a_reactivation_is_not(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer()
        change(shop, admin, user, is_active=False)
        change(shop, admin, user, is_active=False)
        assert told(shop, user) == ["user.registered", "user.deactivated"]
        assert change(shop, admin, user, is_active=True).is_active
        assert told(shop, user) == ["user.registered", "user.deactivated"]
        assert shop.users.facts(user.id)[-1].version == 2

    def test_a_faster_request_s_change_is_not_lost(self, shop: Shop) -> None:
        user = shop.customer()
        shop.users.rivals = [user.changed(email="rival@example.com")]
        after = change(shop, user, full_name="Mine")
        assert (after.email, after.full_name, after.version) == ("rival@example.com", "Mine", 3)

    def test_who_is_always_slower_is_told_to_come_again(self, shop: Shop) -> None:
        user = shop.customer()
        rival = user
        for _ in range(5):
            rival = rival.changed(full_name=f"{rival.full_name}!")
            shop.users.rivals.insert(0, rival)
        with pytest.raises(ServiceUnavailable):
            change(shop, user, email="mine@example.com")


class TestPassword:
    def test_one_s_own_takes_the_current_one(self, shop: Shop) -> None:
        user = shop.customer()
        with pytest.raises(InvalidRequest) as refusal:
            change(shop, user, password=NEW)
        assert refusal.value.data["errors"] == [
            {
                "pointer": "#/current_password",
                "detail": "current_password: is needed to set a new password",
            }
        ]
        with pytest.raises(Forbidden):
            change(shop, user, password=NEW, current_password="wrong")
        assert shop.now(user) == user
        after = change(shop, user, password=NEW, current_password=PASSWORD)
        assert after.password_hash == shop.passwords.hash(NEW)

    def test_an_admin_s_own_takes_it_too(self, shop: Shop) -> None:
        admin = shop.admin()
        with pytest.raises(InvalidRequest):
            change(shop, admin, password=NEW)

    def test_one_that_is_given_must_be_right_whatever_changes(self, shop: Shop) -> None:
        user = shop.customer()
        with pytest.raises(Forbidden):
            change(shop, user, email="new@example.com", current_password="wrong")
        assert shop.now(user) == user

    def test_it_is_not_to_be_found_by_trying(self, shop: Shop) -> None:
        user = shop.customer()
        for _ in range(5):
            with pytest.raises(Forbidden):
                change(shop, user, password=NEW, current_password="wrong")
        with pytest.raises(TooManyAttempts):
            change(shop, user, password=NEW, current_password=PASSWORD)
        shop.clock.advance(seconds=2)
        change(shop, user, password=NEW, current_password=PASSWORD)


class TestDeactivate:
    def test_the_account_stays_inactive(self, shop: Shop) -> None:
        user = shop.customer()
        shop.accounts.deactivate(caller(user), user.id)
        assert not shop.now(user).is_active
        assert told(shop, user) == ["user.registered", "user.deactivated"]
        assert shop.accounts.totals() == {"total": 1, "active": 0}

    def test_again_is_the_same(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer()
        for _ in range(2):
            shop.accounts.deactivate(caller(admin), user.id)
        assert told(shop, user) == ["user.registered", "user.deactivated"]
        assert shop.accounts.totals() == {"total": 2, "active": 1}

    def test_others_are_not_one_s_to_deactivate(self, shop: Shop) -> None:
        alice, bob = shop.customer(), shop.customer()
        with pytest.raises(UserNotFound):
            shop.accounts.deactivate(caller(alice), bob.id)

"""Erasing accounts: who may, what is left, and that there is no way back. What the other services do: tests/flows."""

from dataclasses import replace

import pytest

from shared.contracts.directory import UserNotFound
from shared.contracts.events import Event
from shared.errors import Unauthenticated
from shared.messaging import outbox
from shared.storage.dynamodb import Table
from tests.support.aws import make_table
from tests.support.books import TABLES, read
from tests.users.builders import PASSWORD, a_user
from tests.users.fakes import InMemoryUsers
from tests.users.shop import Shop, caller, log_in, pointers
from users.accounts.errors import AccountErased, EmailTaken, Outdated
from users.accounts.models import User
from users.accounts.ports import Users
from users.accounts.repository import UserRepository

ANN = {"email": "ann@example.com", "full_name": "Ann Onymous"}


def delete(shop: Shop, by: User, whom: User, query: str = "?erase=true") -> tuple[int, object]:
    answer = shop.http.delete(f"/api/v1/users/{whom.id}{query}", caller=caller(by))
    return answer.status, answer.json


def told(shop: Shop, user: User) -> list[str]:
    return [fact.type for fact in shop.users.facts(user.id)]


class TestErase:
    def test_an_erased_account_tells_nothing_of_its_person(self, shop: Shop) -> None:
        user = shop.customer(**ANN)
        assert delete(shop, user, user) == (200, {"deactivated": True, "erased": True})
        now = shop.now(user)
        assert (now.full_name, now.email) == ("Erased", f"{user.id}@erased.invalid")
        assert (now.is_active, now.password_hash, now.session_epoch) == (False, "", 1)
        assert (now.role, now.created_at) == (user.role, user.created_at)
        assert now.erased_at == "2026-11-20T12:00:01.000Z"
        assert shop.accounts.totals() == {"total": 1, "active": 0}
        for text in ANN.values():
            assert text not in repr((now, shop.users.facts(user.id)))

    def test_the_event_names_nobody(self, shop: Shop) -> None:
        user = shop.customer(**ANN)
        shop.accounts.erase(caller(user), user.id)
        fact = shop.users.facts(user.id)[-1]
        assert (fact.id, fact.type, fact.data) == (
            f"{user.id}.2",
            "user.erased",
            {"user_id": user.id},
        )

    def test_its_sessions_and_its_password_are_good_for_nothing(self, shop: Shop) -> None:
        user = shop.customer(**ANN)
        tokens = shop.log_in(user)
        shop.accounts.erase(caller(user), user.id)
        with pytest.raises(Unauthenticated):
            shop.accounts.acting(caller(user))
        with pytest.raises(Unauthenticated):
            shop.sessions.refresh(tokens.refresh_token)
        for email in (ANN["email"], shop.now(user).email):
            assert log_in(shop, email).code == "bad-credentials"
        assert not shop.passwords.match(shop.now(user).password_hash, PASSWORD)

    def test_again_changes_nothing(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer(**ANN)
        delete(shop, user, user)
        erased = shop.now(user)
        shop.clock.advance(hours=1)
        assert delete(shop, admin, user) == (200, {"deactivated": True, "erased": True})
        assert delete(shop, admin, user, "") == (200, {"deactivated": True})
        assert shop.now(user) == erased
        assert told(shop, user) == ["user.registered", "user.erased"]
        assert shop.accounts.totals() == {"total": 2, "active": 1}

    def test_an_admin_erases_an_account_that_was_deactivated(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer(**ANN)
        delete(shop, user, user, "?erase=false")
        assert shop.now(user).email == ANN["email"]
        delete(shop, admin, user)
        assert told(shop, user) == ["user.registered", "user.deactivated", "user.erased"]
        assert shop.accounts.totals() == {"total": 2, "active": 1}
        assert ANN["email"] not in repr(shop.users.facts(user.id))

    def test_others_are_not_one_s_to_erase(self, shop: Shop) -> None:
        ann, bob = shop.customer(**ANN), shop.customer()
        for whom in (ann, a_user()):
            assert delete(shop, bob, whom)[0] == 404
        with pytest.raises(UserNotFound):
            shop.accounts.erase(caller(bob), ann.id)
        assert shop.now(ann) == ann

    def test_nobody_changes_or_activates_it_again(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer(**ANN)
        delete(shop, admin, user)
        path = f"/api/v1/users/{user.id}"
        for change in ({"is_active": True}, {"full_name": "Ann"}, {"email": ANN["email"]}):
            answer = shop.http.put(path, change, caller=caller(admin))
            assert (answer.status, answer.code) == (409, "account-erased")
        assert shop.http.put(path, {}, caller=caller(admin)).status == 200
        assert shop.http.get(path, caller=caller(admin)).json["full_name"] == "Erased"

    def test_its_address_can_be_registered_again(self, shop: Shop) -> None:
        user = shop.customer(**ANN)
        delete(shop, user, user)
        again = shop.customer(**ANN)
        assert again.id != user.id
        assert shop.log_in(again).access_token != ""

    @pytest.mark.parametrize("address", ["x@erased.invalid", "X@Erased.INVALID"])
    def test_nobody_takes_an_erased_account_s_address(self, shop: Shop, address: str) -> None:
        body = {**ANN, "password": PASSWORD, "email": address}
        assert pointers(shop.http.post("/api/v1/users", body)) == {"#/email"}
        user = shop.customer()
        change = shop.http.put(f"/api/v1/users/{user.id}", {"email": address}, caller=caller(user))
        assert pointers(change) == {"#/email"}

    @pytest.mark.parametrize("query", ["?erase=1", "?erase=yes", "?erase=True", "?erase="])
    def test_what_cannot_be_undone_is_asked_for_exactly(self, shop: Shop, query: str) -> None:
        user = shop.customer(**ANN)
        answer = shop.http.delete(f"/api/v1/users/{user.id}{query}", caller=caller(user))
        assert pointers(answer) == {"#/query/erase"}
        assert shop.now(user) == user

    def test_who_was_slower_erases_what_the_other_left(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer(**ANN)
        renamed = user.changed(full_name="Ann Other")
        shop.users.rivals = [renamed]
        shop.accounts.erase(caller(admin), user.id)
        assert shop.now(user).version == 3
        assert "Ann" not in repr(shop.now(user))


def registered(users: Users, **values: object) -> User:
    user = a_user(**values)
    users.add(user, fact("user.registered", user))
    return user


def fact(type_: str, user: User) -> Event:
    data = {"user_id": user.id, "full_name": user.full_name, "email": user.email}
    return outbox.event(
        type_,  # type: ignore[arg-type]  # one of those of users
        aggregate_id=user.id,
        version=user.version,
        at=user.created_at,
        data={"user_id": user.id} if type_ == "user.erased" else data,
    )


def erase(users: Users, before: User) -> User:
    after = before.erased(at="2026-11-20T09:00:00.000Z")
    users.erase(before, after, fact("user.erased", after))
    return after


@pytest.fixture(params=["memory", "dynamodb"])
def users(request: pytest.FixtureRequest) -> Users:
    if request.param == "memory":
        return InMemoryUsers()
    request.getfixturevalue("account")
    return UserRepository(make_table("UsersTable"))


@pytest.fixture
def table(account: None) -> Table:
    return make_table("UsersTable")


class TestStores:
    def test_an_erased_user_is_found_by_id_alone(self, users: Users) -> None:
        user = registered(users)
        after = erase(users, user)
        assert users.find(user.id) == after
        assert users.find_by_email(user.email) is None
        assert users.totals() == {"total": 1, "active": 0}
        assert users.page(active=False, limit=9, after=None).users == [after.profile]

    def test_an_inactive_one_is_not_counted_out_twice(self, users: Users) -> None:
        user = registered(users)
        inactive = user.changed(is_active=False)
        users.save(user, inactive)
        erase(users, inactive)
        assert users.totals() == {"total": 1, "active": 0}

    def test_an_address_that_was_erased_is_free(self, users: Users) -> None:
        user = registered(users, email="ann@example.com")
        with pytest.raises(EmailTaken):
            registered(users, email="Ann@example.com")
        erase(users, user)
        assert registered(users, email="Ann@example.com").id != user.id

    def test_an_erasure_of_an_older_version_is_refused(self, users: Users) -> None:
        user = registered(users)
        renamed = user.changed(full_name="Somebody Else")
        users.save(user, renamed)
        with pytest.raises(Outdated):
            erase(users, user)
        assert users.find(user.id) == renamed
        assert users.find_by_email(user.email) == renamed

    def test_what_was_read_before_an_erasure_is_not_written_after_it(self, users: Users) -> None:
        user = registered(users)
        erase(users, user)
        with pytest.raises(Outdated):
            users.save(user, user.changed(full_name="Ann Other"))


@pytest.mark.parametrize("toggles", [0, 1, 5])
def test_no_item_of_an_erased_user_tells_who_it_was(
    table: Table, toggles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Then five are more than fit into one transaction.
    monkeypatch.setattr("users.accounts.repository._TOGETHER", 2)
    users = UserRepository(table)
    user = registered(users, **ANN)
    for _ in range(toggles):
        inactive = user.changed(is_active=False)
        users.save(user, inactive, fact("user.deactivated", inactive))
        user = inactive.changed(is_active=True)
        users.save(inactive, user)
    after = erase(users, user)
    tables = dict.fromkeys(TABLES, table.name)
    everything = read(table.client, tables, []).everything
    for text in (*ANN.values(), user.password_hash):
        assert text not in repr(everything)
    events, _ = outbox.history(table, f"USER#{user.id}")
    assert [event.type for event in events][-1] == "user.erased"
    assert len(events) == toggles + 2
    assert {event.data["user_id"] for event in events} == {user.id}
    # Those that wait to be published still do.
    first = table.get({"pk": f"USER#{user.id}", "sk": outbox.sort_key(1)})
    assert first
    assert "unsent" in first
    assert after == users.find(user.id)


@pytest.mark.parametrize("moment", ["before-send", "after-call"])
def test_an_event_that_is_told_meanwhile_is_not_left_as_it_was(table: Table, moment: str) -> None:
    """While the events are read somebody deactivates the account, which tells its name again."""
    users = UserRepository(table)
    user = registered(users, **ANN)
    inactive = user.changed(is_active=False)
    events = table.client.meta.events

    def deactivated(**_: object) -> None:
        events.unregister(f"{moment}.dynamodb.Query", deactivated)
        users.save(user, inactive, fact("user.deactivated", inactive))

    events.register_first(f"{moment}.dynamodb.Query", deactivated)
    with pytest.raises(Outdated):
        erase(users, user)
    erase(users, inactive)
    assert ANN["email"] not in repr(outbox.history(table, f"USER#{user.id}"))


def test_an_erased_user_s_rules() -> None:
    user = replace(a_user(), erased_at="2026-11-20T09:00:00.000Z")
    assert user.erased(at="later") is user
    assert user.changed(full_name=user.full_name) is user
    with pytest.raises(AccountErased):
        user.changed(is_active=not user.is_active)

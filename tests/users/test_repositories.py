"""One contract for the users' storage, for the fakes and for DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from shared.contracts.events import Event
from shared.messaging import outbox
from shared.pages import Page
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.support.aws import make_table
from tests.support.books import scanned
from tests.users.builders import a_family, a_user
from tests.users.fakes import InMemoryAttempts, InMemoryFamilies, InMemoryUsers, profile
from users.accounts.errors import EmailTaken
from users.accounts.models import Profile, User
from users.accounts.ports import Users
from users.accounts.repository import DynamoUsers
from users.login_throttle.models import PairAttempts
from users.login_throttle.ports import Attempts
from users.login_throttle.repository import DynamoAttempts
from users.sessions.ports import Families
from users.sessions.repository import DynamoFamilies

ANN = {"email": "ann@example.com", "full_name": "Ann Onymous"}


@dataclass(frozen=True)
class Store:
    """The three ports on one storage, and the events of a user in it."""

    users: Users
    families: Families
    attempts: Attempts
    events: Callable[[str], list[Event]]


@pytest.fixture
def table(account: None) -> Table:
    return make_table("UsersTable")


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        users = InMemoryUsers()
        return Store(users, InMemoryFamilies(), InMemoryAttempts(), users.events)
    table = request.getfixturevalue("table")
    return Store(
        DynamoUsers(table),
        DynamoFamilies(table),
        DynamoAttempts(table),
        lambda user_id: list(outbox.history(table, f"USER#{user_id}")),
    )


def event(user: User, type_: str = "user.registered") -> Event:
    return outbox.event(
        type_,  # type: ignore[arg-type]  # one of the users' types
        aggregate_id=user.id,
        version=user.version,
        at=user.created_at,
        data={"user_id": user.id, "full_name": user.full_name, "email": user.email},
    )


def added(users: Users, **values: object) -> User:
    user = a_user(**values)
    users.add(user, event(user))
    return user


def erased(users: Users, before: User) -> User:
    after = before.erased(at="2026-11-20T09:00:00.000Z")
    fact = event(after, "user.erased").model_copy(update={"data": {"user_id": after.id}})
    users.erase(before, after, fact)
    return after


class TestUsers:
    def test_added_user_is_found_by_id_and_by_address(self, store: Store) -> None:
        user = added(store.users, email="Alice@example.com")
        assert store.users.find(user.id) == user
        assert store.users.find_by_email("aLICE@EXAMPLE.com") == user
        assert store.events(user.id) == [event(user)]
        assert store.users.find("n" * 5000) is None
        for _ in range(2):
            assert store.users.find_by_email("nobody@example.com") is None

    def test_add_refuses_the_address_of_another_account(self, store: Store) -> None:
        added(store.users, email="alice@example.com")
        second = a_user(email="ALICE@example.com")
        with pytest.raises(EmailTaken):
            store.users.add(second, event(second))
        assert store.users.find(second.id) is None
        assert store.events(second.id) == []
        assert store.users.totals() == {"total": 1, "active": 1}

    def test_save_stores_a_change_and_its_event(self, store: Store) -> None:
        assert store.users.totals() == {"total": 0, "active": 0}
        before = added(store.users)
        after = before.changed(full_name="Other", is_active=False)
        store.users.save(before, after, event(after, "user.deactivated"))
        assert store.users.find(before.id) == after
        types = [event.type for event in store.events(before.id)]
        assert types == ["user.registered", "user.deactivated"]
        assert store.users.totals() == {"total": 1, "active": 0}
        store.users.save(after, after.changed(is_active=True))
        assert store.users.totals() == {"total": 1, "active": 1}

    def test_save_refuses_a_change_of_an_older_version(self, store: Store) -> None:
        before = added(store.users)
        first = before.changed(is_active=False)
        store.users.save(before, first)
        with pytest.raises(ConcurrentChange) as conflict:
            store.users.save(before, first, event(first, "user.deactivated"))
        assert conflict.value.current == first
        assert len(store.events(before.id)) == 1
        assert store.users.totals() == {"total": 1, "active": 0}

    def test_save_moves_an_account_to_its_new_address(self, store: Store) -> None:
        before = added(store.users, email="old@example.com")
        same = before.changed(email="Old@Example.com")
        store.users.save(before, same)
        after = same.changed(email="new@example.com")
        store.users.save(same, after)
        assert store.users.find_by_email("new@example.com") == after
        other = added(store.users, email="old@example.com")
        with pytest.raises(EmailTaken):
            store.users.save(other, other.changed(email="New@example.com"))
        assert store.users.find_by_email("old@example.com") == other

    @pytest.mark.parametrize("size", [2, 3, 6])
    def test_pages_have_each_user_once_newest_first(self, store: Store, size: int) -> None:
        users = [added(store.users) for _ in range(6)]
        seen: list[Profile] = []
        after, pages = None, 0
        while pages == 0 or after is not None:
            page = store.users.page(active=None, limit=size, after=after)
            seen += page.items
            after, pages = page.last, pages + 1
        assert seen == [profile(user) for user in users[::-1]]
        assert pages == 6 / size

    def test_page_may_be_of_active_or_of_inactive_users(self, store: Store) -> None:
        for is_active in (None, True, False):
            assert store.users.page(active=is_active, limit=1, after=None) == Page([], None)
        active, before = added(store.users), added(store.users)
        inactive = before.changed(is_active=False)
        store.users.save(before, inactive)
        for is_active, user in ((True, active), (False, inactive)):
            page = store.users.page(active=is_active, limit=9, after=None)
            assert page == Page([profile(user)], None)

    @pytest.mark.parametrize("is_active", [True, False])
    def test_erased_user_is_found_by_id_alone(self, store: Store, *, is_active: bool) -> None:
        user = added(store.users, **ANN)
        if not is_active:
            user = (before := user).changed(is_active=False)
            store.users.save(before, user)
        after = erased(store.users, user)
        assert store.users.find(user.id) == after
        assert store.users.totals() == {"total": 1, "active": 0}
        assert store.users.page(active=False, limit=9, after=None).items == [profile(after)]
        assert store.users.find_by_email(ANN["email"]) is None
        added(store.users, email=ANN["email"].upper())
        assert ANN["full_name"] not in repr(store.events(user.id))

    def test_erase_and_save_refuse_each_other_s_older_version(self, store: Store) -> None:
        user, other = added(store.users), added(store.users)
        renamed = user.changed(full_name="Renamed")
        store.users.save(user, renamed)
        with pytest.raises(ConcurrentChange):
            erased(store.users, user)
        assert store.users.find_by_email(user.email) == renamed
        after = erased(store.users, other)
        with pytest.raises(ConcurrentChange):
            store.users.save(other, other.changed(full_name="Ann Other"))
        assert store.users.find(other.id) == after


def test_family_is_found_until_it_ends(store: Store) -> None:
    family, token = a_family()
    assert store.families.find(family.id) is None
    store.families.add(family)
    assert store.families.find(family.id) == family
    for _ in range(2):
        store.families.end(family.id)
        assert store.families.find(family.id) is None
    with pytest.raises(ConcurrentChange):
        store.families.rotate(family.id, old=token.digest, new="new")
    assert store.families.find(family.id) is None


def test_rotation_changes_the_digest_of_a_family_once(store: Store) -> None:
    family, token = a_family()
    store.families.add(family)
    for _ in range(2):  # the SDK may repeat it
        store.families.rotate(family.id, old=token.digest, new="first")
    with pytest.raises(ConcurrentChange):
        store.families.rotate(family.id, old=token.digest, new="second")
    assert store.families.find(family.id) == replace(family, digest="first")


class TestAttempts:
    NONE = PairAttempts()
    FIRST, SECOND = PairAttempts(1, last_at=10), PairAttempts(2, last_at=12)

    def count(
        self, store: Store, before: PairAttempts, after: PairAttempts, pair: str = "alice"
    ) -> PairAttempts:
        return store.attempts.count(pair, before, after, until=2_000_000_000)

    def assert_conflict(self, store: Store, before: PairAttempts, stored: PairAttempts) -> None:
        with pytest.raises(ConcurrentChange) as conflict:
            self.count(store, before, self.SECOND)
        assert conflict.value.current == stored

    def test_of_two_concurrent_attempts_of_a_pair_one_is_counted(self, store: Store) -> None:
        assert self.count(store, self.NONE, self.FIRST) == self.FIRST
        self.assert_conflict(store, self.NONE, self.FIRST)
        assert self.count(store, self.FIRST, self.SECOND) == self.SECOND
        self.assert_conflict(store, self.FIRST, self.SECOND)
        assert self.count(store, self.NONE, self.FIRST, pair="bob") == self.FIRST

    def test_trust_forgets_attempts_and_outlasts_later_ones(self, store: Store) -> None:
        self.count(store, self.NONE, self.FIRST)
        store.attempts.trust("alice", until=100)
        store.attempts.withdraw("alice")  # of nothing
        trusted = replace(self.FIRST, trusted_until=100)
        assert self.count(store, self.NONE, self.FIRST) == trusted

    def test_withdrawn_attempt_does_not_count(self, store: Store) -> None:
        store.attempts.withdraw("alice")
        self.count(store, self.NONE, self.SECOND)
        store.attempts.withdraw("alice")
        one = replace(self.SECOND, count=1)
        self.assert_conflict(store, self.SECOND, one)
        assert self.count(store, one, self.SECOND) == self.SECOND

    def test_network_counts_by_the_hour_up_to_its_limit(self, store: Store) -> None:
        def counts(hour: int, by: int, below: int | None = 2) -> bool:
            return store.attempts.count_network("here", hour, by=by, below=below, until=99)

        assert [counts(0, 1) for _ in range(3)] == [True, True, False]
        assert counts(3600, 1)
        assert counts(0, 0, None)
        assert counts(0, -1, None)
        assert counts(0, 1)


# ── Only in DynamoDB ──


def test_save_writes_only_what_it_changes(table: Table) -> None:
    users = DynamoUsers(table)
    before = added(users)
    key = {"pk": f"USER#{before.id}", "sk": "USER"}
    # By a concurrent writer without a new version, and by a later release.
    table.update(key, "SET #session_epoch = :n, #log_ins = :n", values={"n": 7})
    users.save(before, before.changed(full_name="Other"))
    item = table.get(key) or {}
    assert (item["full_name"], item["session_epoch"], item["log_ins"]) == ("Other", 7, 7)


@pytest.mark.parametrize("deactivations", [0, 5])
def test_no_item_of_an_erased_user_has_personal_data(
    table: Table, deactivations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that five need more than one transaction.
    monkeypatch.setattr("users.accounts.repository._EVENTS_AT_ONCE", 2)
    users = DynamoUsers(table)
    user = added(users, **ANN)
    for _ in range(deactivations):
        inactive = user.changed(is_active=False)
        users.save(user, inactive, event(inactive, "user.deactivated"))
        user = inactive.changed(is_active=True)
        users.save(inactive, user)
    erased(users, user)
    stored = repr(scanned(table.client, table.name))
    assert not any(text in stored for text in (*ANN.values(), user.password_hash))
    events = list(outbox.history(table, f"USER#{user.id}"))
    assert (len(events), events[-1].type) == (deactivations + 2, "user.erased")
    # Events that wait to be published still do.
    assert "unsent" in (table.get({"pk": f"USER#{user.id}", "sk": outbox.sort_key(1)}) or {})


@pytest.mark.parametrize("moment", ["before-send", "after-call"])
def test_erasure_misses_no_event_of_a_concurrent_change(table: Table, moment: str) -> None:
    users = DynamoUsers(table)
    user = added(users, **ANN)
    inactive = user.changed(is_active=False)
    events = table.client.meta.events

    def deactivate(**_: object) -> None:
        events.unregister(f"{moment}.dynamodb.Query", deactivate)
        users.save(user, inactive, event(inactive, "user.deactivated"))

    events.register_first(f"{moment}.dynamodb.Query", deactivate)
    with pytest.raises(ConcurrentChange):
        erased(users, user)
    erased(users, inactive)
    assert ANN["email"] not in repr(list(outbox.history(table, f"USER#{user.id}")))

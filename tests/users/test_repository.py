"""One contract for the users' storage, held to by the fakes and by DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from shared.contracts.events import Event
from shared.messaging import outbox
from tests.support.aws import make_table
from tests.users.builders import a_family, a_user
from tests.users.fakes import InMemoryAttempts, InMemoryFamilies, InMemoryUsers
from users.accounts.errors import EmailTaken, Outdated
from users.accounts.models import Profile, User
from users.accounts.ports import Users
from users.accounts.repository import UserRepository
from users.login_throttle.models import Attempts
from users.login_throttle.ports import AttemptLog
from users.login_throttle.repository import AttemptRepository
from users.sessions.errors import TokenSuperseded
from users.sessions.ports import Families
from users.sessions.repository import FamilyRepository

type Told = Callable[[str], list[Event]]

stores = pytest.mark.parametrize("store", ["memory", "dynamodb"], indirect=True)


@dataclass(frozen=True)
class Store:
    """The three ports on one storage, and what it has to tell of a user."""

    users: Users
    families: Families
    attempts: AttemptLog
    told: Told


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        users = InMemoryUsers()
        return Store(users, InMemoryFamilies(), InMemoryAttempts(), users.facts)
    request.getfixturevalue("account")
    table = make_table("UsersTable")
    return Store(
        UserRepository(table),
        FamilyRepository(table),
        AttemptRepository(table),
        lambda user_id: outbox.history(table, f"USER#{user_id}")[0],
    )


def fact(user: User, type_: str = "user.registered") -> Event:
    return outbox.event(
        type_,  # type: ignore[arg-type]  # one of the two of users
        aggregate_id=user.id,
        version=user.version,
        at=user.created_at,
        data={"user_id": user.id},
    )


def added(store: Store, **values: object) -> User:
    user = a_user(**values)
    store.users.add(user, fact(user))
    return user


@stores
class TestUsers:
    def test_a_user_is_found_by_id_and_by_address(self, store: Store) -> None:
        user = added(store, email="Alice@example.com")
        assert store.users.find(user.id) == user
        assert store.users.find_by_email("aLICE@EXAMPLE.com") == user

    def test_who_is_not_there_is_not_found(self, store: Store) -> None:
        assert store.users.find("nobody") is None
        assert store.users.find("n" * 5000) is None
        assert store.users.find_by_email("nobody@example.com") is None

    def test_a_new_user_is_told_of(self, store: Store) -> None:
        user = added(store)
        assert store.told(user.id) == [fact(user)]

    def test_an_address_is_one_account_s_in_whatever_case(self, store: Store) -> None:
        added(store, email="alice@example.com")
        second = a_user(email="ALICE@example.com")
        with pytest.raises(EmailTaken):
            store.users.add(second, fact(second))
        assert store.users.find(second.id) is None
        assert store.told(second.id) == []
        assert store.users.totals() == {"total": 1, "active": 1}

    def test_a_change_is_kept_with_what_it_tells(self, store: Store) -> None:
        before = added(store)
        after = before.changed(full_name="Other", is_active=False)
        store.users.save(before, after, fact(after, "user.deactivated"))
        assert store.users.find(before.id) == after
        assert [event.type for event in store.told(before.id)] == [
            "user.registered",
            "user.deactivated",
        ]

    def test_a_change_of_what_has_changed_since_is_not_kept(self, store: Store) -> None:
        before = added(store)
        first = before.changed(is_active=False)
        store.users.save(before, first)
        with pytest.raises(Outdated):
            store.users.save(
                before, second := before.changed(is_active=False), fact(second, "user.deactivated")
            )
        assert store.users.find(before.id) == first
        assert len(store.told(before.id)) == 1
        assert store.users.totals() == {"total": 1, "active": 0}

    def test_a_new_address_takes_the_place_of_the_old(self, store: Store) -> None:
        before = added(store, email="old@example.com")
        after = before.changed(email="new@example.com")
        store.users.save(before, after)
        assert store.users.find_by_email("new@example.com") == after
        assert store.users.find_by_email("old@example.com") is None
        added(store, email="old@example.com")

    def test_an_address_may_change_its_case(self, store: Store) -> None:
        before = added(store, email="alice@example.com")
        after = before.changed(email="Alice@Example.com")
        store.users.save(before, after)
        assert store.users.find_by_email("alice@example.com") == after

    def test_a_new_address_must_be_nobody_else_s(self, store: Store) -> None:
        added(store, email="bob@example.com")
        before = added(store, email="alice@example.com")
        with pytest.raises(EmailTaken):
            store.users.save(before, before.changed(email="Bob@example.com"))
        assert store.users.find_by_email("alice@example.com") == before

    def test_totals_follow_every_change(self, store: Store) -> None:
        assert store.users.totals() == {"total": 0, "active": 0}
        added(store)
        active = added(store)
        inactive = active.changed(is_active=False)
        store.users.save(active, inactive)
        assert store.users.totals() == {"total": 2, "active": 1}
        store.users.save(inactive, inactive.changed(is_active=True))
        assert store.users.totals() == {"total": 2, "active": 2}

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
    def test_pages_have_everybody_once_newest_first(self, store: Store, size: int) -> None:
        users = [added(store) for _ in range(6)]
        seen: list[Profile] = []
        after = None
        pages = 0
        while pages == 0 or after is not None:
            page = store.users.page(active=None, limit=size, after=after)
            assert 0 < len(page.users) <= size
            seen += page.users
            after = page.next
            pages += 1
        assert seen == [user.profile for user in users[::-1]]
        assert pages == -(-6 // size)

    def test_a_page_may_be_of_active_or_of_inactive_users(self, store: Store) -> None:
        active = added(store)
        before = added(store)
        inactive = before.changed(is_active=False)
        store.users.save(before, inactive)
        assert store.users.page(active=True, limit=9, after=None).users == [active.profile]
        assert store.users.page(active=False, limit=9, after=None).users == [inactive.profile]

    def test_a_page_of_nobody_is_empty(self, store: Store) -> None:
        page = store.users.page(active=None, limit=1, after=None)
        assert (page.users, page.next) == ([], None)


@stores
class TestFamilies:
    def test_a_family_is_found_until_it_ends(self, store: Store) -> None:
        family, _ = a_family()
        assert store.families.find(family.id) is None
        store.families.add(family)
        assert store.families.find(family.id) == family
        store.families.end(family.id)
        assert store.families.find(family.id) is None

    def test_ending_what_has_ended_does_nothing(self, store: Store) -> None:
        store.families.end("f" * 32)

    def test_a_rotation_changes_the_digest_only(self, store: Store) -> None:
        family, token = a_family()
        store.families.add(family)
        store.families.rotate(family.id, old=token.digest, new="new")
        assert store.families.find(family.id) == replace(family, digest="new")

    def test_a_rotation_from_another_digest_is_refused(self, store: Store) -> None:
        family, token = a_family()
        store.families.add(family)
        store.families.rotate(family.id, old=token.digest, new="first")
        with pytest.raises(TokenSuperseded):
            store.families.rotate(family.id, old=token.digest, new="second")
        assert store.families.find(family.id) == replace(family, digest="first")

    def test_a_rotation_that_the_sdk_repeats_is_the_same_one(self, store: Store) -> None:
        family, token = a_family()
        store.families.add(family)
        for _ in range(2):
            store.families.rotate(family.id, old=token.digest, new="new")

    def test_an_ended_family_is_not_rotated_back_to_life(self, store: Store) -> None:
        family, token = a_family()
        with pytest.raises(TokenSuperseded):
            store.families.rotate(family.id, old=token.digest, new="new")
        assert store.families.find(family.id) is None


@stores
class TestAttempts:
    def count(self, store: Store, before: Attempts, after: Attempts) -> tuple[bool, Attempts]:
        return store.attempts.count("alice", before, after, until=2_000_000_000)

    def test_attempts_are_counted_by_pair(self, store: Store) -> None:
        first, second = Attempts(1, last_at=10), Attempts(2, last_at=12)
        assert self.count(store, Attempts(), first) == (True, first)
        assert self.count(store, first, second) == (True, second)
        assert store.attempts.count("bob", Attempts(), first, until=99) == (True, first)

    def test_of_two_that_saw_the_same_one_is_counted(self, store: Store) -> None:
        first = Attempts(1, last_at=10)
        self.count(store, Attempts(), first)
        assert self.count(store, Attempts(), first) == (False, first)
        second = Attempts(2, last_at=12)
        self.count(store, first, second)
        assert self.count(store, first, second) == (False, second)

    def test_trust_forgets_the_attempts_and_outlasts_later_ones(self, store: Store) -> None:
        self.count(store, Attempts(), Attempts(1, last_at=10))
        store.attempts.trust("alice", until=100)
        trusted = Attempts(1, last_at=20, trusted_until=100)
        assert self.count(store, Attempts(), Attempts(1, last_at=20)) == (True, trusted)

    def test_an_attempt_is_given_back(self, store: Store) -> None:
        two = Attempts(2, last_at=10)
        self.count(store, Attempts(), two)
        store.attempts.give_back("alice")
        one = Attempts(1, last_at=10)
        assert self.count(store, two, two) == (False, one)
        assert self.count(store, one, two) == (True, two)

    def test_nothing_is_given_back_to_whom_all_is_forgiven(self, store: Store) -> None:
        store.attempts.give_back("alice")
        store.attempts.trust("alice", until=100)
        store.attempts.give_back("alice")
        first = Attempts(1, last_at=10)
        assert self.count(store, Attempts(), first)[0]

    def test_a_source_counts_by_the_hour_up_to_its_limit(self, store: Store) -> None:
        def counts(hour: int, by: int, below: int | None = 2) -> bool:
            return store.attempts.count_source("here", hour, by=by, below=below, until=99)

        assert [counts(0, 1) for _ in range(3)] == [True, True, False]
        assert counts(3600, 1)
        assert counts(0, 0, None)
        assert counts(0, -1, None)
        assert [counts(0, 1) for _ in range(2)] == [True, False]

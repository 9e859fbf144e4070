"""The users' storage in DynamoDB."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.events import Event
from shared.messaging import outbox
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.support.aws import wired_tables
from tests.support.books import scanned
from tests.users.builders import a_family, a_user
from users.accounts.errors import EmailTaken
from users.accounts.models import Profile, User
from users.accounts.repository import DynamoUsers
from users.email_tokens.models import EmailToken
from users.login_throttle.models import PairAttempts
from users.login_throttle.repository import DynamoAttempts
from users.sessions.models import Family
from users.sessions.repository import DynamoFamilies

NONE = PairAttempts()
FIRST, SECOND = PairAttempts(1, last_at=10), PairAttempts(2, last_at=12)
LATER = "2030-01-02T00:00:00.000Z"
ANN = {"email": "ann@example.com", "full_name": "Ann Onymous"}


@pytest.fixture
def tables() -> list[Table]:
    return wired_tables("UsersTable", "CredentialsTable")


@pytest.fixture
def table(tables: list[Table]) -> Table:
    """UsersTable."""
    return tables[0]


@pytest.fixture
def credentials(tables: list[Table]) -> Table:
    """CredentialsTable."""
    return tables[1]


@pytest.fixture
def users(table: Table, credentials: Table) -> DynamoUsers:
    return DynamoUsers(table, credentials)


@pytest.fixture
def families(table: Table, credentials: Table) -> DynamoFamilies:
    return DynamoFamilies(credentials, former=table)


@pytest.fixture
def attempts(credentials: Table) -> DynamoAttempts:
    return DynamoAttempts(credentials)


def events_of(table: Table, user: User) -> list[Event]:
    return list(outbox.history(table, f"USER#{user.id}"))


def profile(user: User) -> Profile:
    """The user as lists show it."""
    return Profile(**{field.name: getattr(user, field.name) for field in fields(Profile)})


def event(user: User, type_: str = "user.registered") -> Event:
    return outbox.event(
        type_,  # type: ignore[arg-type]  # one of the users' types
        aggregate_id=user.id,
        version=user.version,
        at=user.created_at,
        data={"user_id": user.id, "full_name": user.full_name, "email": user.email},
    )


def added(users: DynamoUsers, **values: object) -> User:
    user = a_user(**values)
    users.add(user, event(user))
    return user


def erased(users: DynamoUsers, before: User) -> User:
    after = before.erased(at="2026-11-20T09:00:00.000Z")
    fact = event(after, "user.erased").model_copy(update={"data": {"user_id": after.id}})
    users.erase(before, after, fact)
    return after


def test_added_user_is_found_by_id_and_by_address(table: Table, users: DynamoUsers) -> None:
    user = added(users, email="Alice@example.com")
    assert users.find(user.id) == user
    assert users.find_by_email("aLICE@EXAMPLE.com") == user
    assert events_of(table, user) == [event(user)]
    assert users.find("n" * 5000) is None
    for _ in range(2):
        assert users.find_by_email("nobody@example.com") is None


def test_add_refuses_the_address_of_another_account(table: Table, users: DynamoUsers) -> None:
    added(users, email="alice@example.com")
    second = a_user(email="ALICE@example.com")
    with pytest.raises(EmailTaken):
        users.add(second, event(second))
    assert users.find(second.id) is None
    assert events_of(table, second) == []
    assert users.totals() == {"total": 1, "active": 1}


def test_save_stores_a_change_and_its_event(table: Table, users: DynamoUsers) -> None:
    assert users.totals() == {"total": 0, "active": 0}
    before = added(users)
    after = before.changed(full_name="Other", is_active=False)
    users.save(before, after, event(after, "user.deactivated"))
    assert users.find(before.id) == after
    types = [event.type for event in events_of(table, before)]
    assert types == ["user.registered", "user.deactivated"]
    assert users.totals() == {"total": 1, "active": 0}
    users.save(after, after.changed(is_active=True))
    assert users.totals() == {"total": 1, "active": 1}


def test_save_refuses_a_change_of_an_older_version(table: Table, users: DynamoUsers) -> None:
    before = added(users)
    first = before.changed(is_active=False)
    users.save(before, first)
    with pytest.raises(ConcurrentChange) as conflict:
        users.save(before, first, event(first, "user.deactivated"))
    assert conflict.value.current == first
    assert len(events_of(table, before)) == 1
    assert users.totals() == {"total": 1, "active": 0}


def test_save_moves_an_account_to_its_new_address(users: DynamoUsers) -> None:
    before = added(users, email="old@example.com")
    after = before.moving_to("new@example.com").moved(undo=None, at=0)
    users.save(before, after)
    assert users.find_by_email("new@example.com") == after
    other = added(users, email="old@example.com")
    with pytest.raises(EmailTaken):
        users.save(other, other.moving_to("New@example.com").moved(undo=None, at=0))
    assert users.find_by_email("old@example.com") == other


def test_password_hash_is_stored_apart_from_the_account(
    table: Table, credentials: Table, users: DynamoUsers
) -> None:
    before = added(users, password_hash="first")
    found = users.find(before.id)
    assert found
    assert (found.password_hash, users.find_password_hash(found)) == (None, "first")
    after = found.changed(password_hash="second")
    users.save(found, after)
    assert users.find_password_hash(users.find(before.id)) == "second"
    for _ in range(2):
        assert users.find_password_hash(None) is None
    stored = scanned(table.client, table.name)
    assert not [item for item in stored if "first" in repr(item) or "second" in repr(item)]
    with pytest.raises(ConcurrentChange):
        users.save(found, found.changed(password_hash="third"))
    assert users.find_password_hash(after) == "second"


def rename(before: User) -> User:
    return before.changed(full_name="Renamed")


def set_password(before: User) -> User:
    return before.changed(password_hash="new hash")


@pytest.mark.parametrize(("change", "expected"), [(rename, "hash"), (set_password, "new hash")])
def test_any_change_moves_the_password_hash_that_an_earlier_release_stored(
    table: Table, users: DynamoUsers, change: Callable[[User], User], expected: str
) -> None:
    key = {"pk": f"USER#{added(users).id}", "sk": "USER"}
    table.update(key, "SET #password_hash = :hash", values={"hash": "hash"})
    before = users.find(key["pk"][5:])
    assert before
    for _ in range(2):
        assert users.find_password_hash(before) == "hash"
    users.save(before, change(before))
    assert (table.get(key) or {})["password_hash"] == ""
    assert users.find_password_hash(users.find(before.id)) == expected


def test_address_that_the_account_may_come_back_to_stays_its_own(users: DynamoUsers) -> None:
    user = added(users, email="old@example.com")
    undo, _ = EmailToken.generate("undo", user_id=user.id, email=user.email, bound_to=0, at=9)
    moved = user.moving_to("new@example.com").moved(undo=undo, at=9)
    users.save(user, moved)
    assert users.find_by_email("old@example.com") is None
    with pytest.raises(EmailTaken):
        added(users, email="old@example.com")
    users.save(moved, back := moved.moved_back(undo))
    assert users.find_by_email("old@example.com") == back
    added(users, email="new@example.com")
    # An erased account keeps no claim.
    undo, _ = EmailToken.generate("undo", user_id=user.id, email=user.email, bound_to=0, at=9)
    users.save(back, moved := back.moving_to("newer@example.com").moved(undo=undo, at=9))
    erased(users, moved)
    added(users, email="old@example.com")


@pytest.mark.parametrize("size", [2, 3, 6])
def test_pages_have_each_user_once_newest_first(users: DynamoUsers, size: int) -> None:
    stored = [added(users) for _ in range(6)]
    seen: list[Profile] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        page = users.page(active=None, limit=size, after=after)
        seen += page.items
        after, pages = page.last, pages + 1
    assert seen == [profile(user) for user in stored[::-1]]
    assert pages == 6 / size


@pytest.mark.parametrize("is_active", [True, False])
def test_erased_user_is_found_by_id_alone(
    table: Table, users: DynamoUsers, *, is_active: bool
) -> None:
    user = added(users, **ANN)
    if not is_active:
        user = (before := user).changed(is_active=False)
        users.save(before, user)
    after = erased(users, user)
    assert users.find(user.id) == after
    assert users.totals() == {"total": 1, "active": 0}
    assert users.page(active=False, limit=9, after=None).items == [profile(after)]
    assert users.find_by_email(ANN["email"]) is None
    added(users, email=ANN["email"].upper())
    assert ANN["full_name"] not in repr(events_of(table, user))


def test_erase_and_save_refuse_each_other_s_older_version(users: DynamoUsers) -> None:
    user, other = added(users), added(users)
    renamed = user.changed(full_name="Renamed")
    users.save(user, renamed)
    with pytest.raises(ConcurrentChange):
        erased(users, user)
    assert users.find_by_email(user.email) == renamed
    after = erased(users, other)
    with pytest.raises(ConcurrentChange):
        users.save(other, other.changed(full_name="Ann Other"))
    assert users.find(other.id) == after


def test_rotation_changes_the_digest_of_a_family_once(families: DynamoFamilies) -> None:
    family, _ = a_family()
    families.add(family)
    after = replace(family, digest="first", last_used_at=LATER, previous_until=9)
    for _ in range(2):  # the SDK may repeat it
        families.rotate(family, after)
    with pytest.raises(ConcurrentChange):
        families.rotate(family, replace(family, digest="second", last_used_at=LATER))
    assert families.find(family.id) == after


def test_newest_has_a_hundred_families_of_the_user(families: DynamoFamilies) -> None:
    began = datetime(2030, 1, 1, tzinfo=UTC)
    started = [a_family(at=began + timedelta(milliseconds=n))[0] for n in range(102)]
    for family in (*started, a_family(user_id="b" * 32)[0]):
        families.add(family)
    assert families.newest("a" * 32) == started[:1:-1]
    assert families.end(started[-1].id)
    assert not families.end(started[-1].id)
    assert families.newest("a" * 32)[0] == started[-2]


def test_family_of_an_earlier_release_is_found_rotated_and_ended(
    table: Table, families: DynamoFamilies
) -> None:
    id_, key = "0" * 32, {"pk": f"FAMILY#{'0' * 32}", "sk": "FAMILY"}
    stored = {"user_id": "a" * 32, "session_epoch": 3, "digest": "old", "key": "00", "ttl": 9}
    table.put({**key, **stored})
    expected = Family(id_, "a" * 32, session_epoch=3, digest="old", expires_at=9, key="00")
    assert families.find(id_) == expected
    after = replace(expected, digest="new", last_used_at=LATER)
    families.rotate(expected, after)
    assert families.find(id_) == after
    assert families.newest("a" * 32) == []
    assert families.end(id_)
    assert families.find(id_) is None


def count(
    attempts: DynamoAttempts,
    before: PairAttempts,
    after: PairAttempts,
    pair: str = "alice",
) -> PairAttempts:
    return attempts.count(pair, before, after, until=2_000_000_000)


def assert_conflict(attempts: DynamoAttempts, before: PairAttempts, stored: PairAttempts) -> None:
    with pytest.raises(ConcurrentChange) as conflict:
        count(attempts, before, SECOND)
    assert conflict.value.current == stored


def test_of_two_concurrent_attempts_of_a_pair_one_is_counted(attempts: DynamoAttempts) -> None:
    assert count(attempts, NONE, FIRST) == FIRST
    assert_conflict(attempts, NONE, FIRST)
    assert count(attempts, FIRST, SECOND) == SECOND
    assert_conflict(attempts, FIRST, SECOND)
    assert count(attempts, NONE, FIRST, pair="bob") == FIRST


def test_save_writes_only_what_it_changes(table: Table, users: DynamoUsers) -> None:
    before = added(users)
    key = {"pk": f"USER#{before.id}", "sk": "USER"}
    # By a concurrent writer without a new version, and by a later release.
    table.update(key, "SET #session_epoch = :n, #log_ins = :n", values={"n": 7})
    users.save(before, before.changed(full_name="Other"))
    item = table.get(key) or {}
    assert (item["full_name"], item["session_epoch"], item["log_ins"]) == ("Other", 7, 7)


@pytest.mark.parametrize("deactivations", [0, 5])
def test_no_item_of_an_erased_user_has_personal_data(
    table: Table,
    credentials: Table,
    users: DynamoUsers,
    deactivations: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that five need more than one transaction.
    monkeypatch.setattr("users.accounts.repository._EVENTS_AT_ONCE", 2)
    user = added(users, **ANN, password_hash="secret-hash")
    for _ in range(deactivations):
        inactive = user.changed(is_active=False)
        users.save(user, inactive, event(inactive, "user.deactivated"))
        user = inactive.changed(is_active=True)
        users.save(inactive, user)
    erased(users, user)
    stored = repr([scanned(table.client, of.name) for of in (table, credentials)])
    assert not any(text in stored for text in (*ANN.values(), "secret-hash"))
    events = events_of(table, user)
    assert (len(events), events[-1].type) == (deactivations + 2, "user.erased")
    # Events that wait to be published still do.
    assert "unsent" in (table.get({"pk": f"USER#{user.id}", "sk": outbox.sort_key(1)}) or {})


@pytest.mark.parametrize("moment", ["before-send", "after-call"])
def test_erasure_misses_no_event_of_a_concurrent_change(
    table: Table, users: DynamoUsers, moment: str
) -> None:
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
    assert ANN["email"] not in repr(events_of(table, user))

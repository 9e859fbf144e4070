"""Accounts, and the addresses that are theirs."""

from dataclasses import fields
from itertools import batched
from typing import Final

from shared.contracts.directory import Customer
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.storage import counters
from shared.storage.dynamodb import (
    Delete,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
)
from users import emails
from users.accounts.errors import EmailTaken, Outdated
from users.accounts.models import Place, Profile, User, UserPage

_NEW: Final = "attribute_not_exists(#pk)"
_NOBODY_KEY: Final = {"pk": "NOBODY", "sk": "NOBODY"}
# Ids are 32 characters; DynamoDB refuses keys over 2,048 bytes.
_LONGEST_ID: Final = 128
# Events that are overwritten at once: DynamoDB takes a hundred operations, and the account needs a few of them.
_TOGETHER: Final = 90


class UserRepository:
    """The `Users` and `Customers` ports."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, user: User, fact: Event) -> None:
        operations: list[Operation] = [
            Put(_user_item(user), condition=_NEW),
            Put(_email_item(user), condition=_NEW),
            outbox.recording(_user_key(user.id)["pk"], fact),
            counters.adding({"total": 1, "active": 1}),
        ]
        try:
            self._table.transact(operations)
        except TransactionFailed as cause:
            if 1 in cause.failed:
                raise EmailTaken from cause
            raise

    def find(self, user_id: str) -> User | None:
        if len(user_id) > _LONGEST_ID:
            return None
        item = self._table.get(_user_key(user_id))
        return _user(item) if item else None

    def find_customer(self, user_id: str) -> Customer | None:
        if len(user_id) > _LONGEST_ID:
            return None
        # The directory's policy allows it to read these attributes alone.
        item = self._table.get(_user_key(user_id), only=tuple(Customer.model_fields))
        return Customer.model_validate(item) if item else None

    def find_by_email(self, email: str) -> User | None:
        guard = self._table.get(_email_key(email))
        if guard is None:
            self._read_nobody()
            return None
        return self.find(guard["user_id"])

    def save(self, before: User, after: User, fact: Event | None = None) -> None:
        operations: list[Operation] = [_change(before, after)]
        moves = _email_key(before.email) != _email_key(after.email)
        if moves:
            operations += [
                Put(_email_item(after), condition=_NEW),
                Delete(_email_key(before.email), "#user_id = :id", {"id": before.id}),
            ]
        if before.is_active != after.is_active:
            operations.append(counters.adding({"active": 1 if after.is_active else -1}))
        if fact:
            operations.append(outbox.recording(_user_key(after.id)["pk"], fact))
        try:
            self._table.transact(operations)
        except TransactionFailed as cause:
            if 0 in cause.failed:
                raise Outdated from cause
            if moves and 1 in cause.failed:
                raise EmailTaken from cause
            raise

    def erase(self, before: User, after: User, fact: Event) -> None:
        pk = _user_key(after.id)["pk"]
        instead = {"full_name": after.full_name, "email": after.email}
        rewritten = outbox.rewriting(self._table, pk, instead, up_to=before.version)
        # Hardly any account has so many. Who dies in between has erased too early, but nothing for nobody.
        for earlier in batched(rewritten[_TOGETHER:], _TOGETHER, strict=False):
            self._table.transact(earlier)
        operations: list[Operation] = [
            _change(before, after),
            Delete(_email_key(before.email), "#user_id = :id", {"id": before.id}),
            outbox.recording(pk, fact),
            *rewritten[:_TOGETHER],
        ]
        if before.is_active:
            operations.append(counters.adding({"active": -1}))
        try:
            self._table.transact(operations)
        except TransactionFailed as cause:
            if 0 in cause.failed:
                raise Outdated from cause
            raise

    def _read_nobody(self) -> None:
        """Read as much as of a user, so that the time does not tell an unknown address from a known one: to take an item
        out of an answer takes longer than to find none in it."""
        item = self._table.get(_NOBODY_KEY)
        if item is None:  # once in a table's life
            self._table.put(_nobody_item())
        else:
            _user(item)

    def page(self, *, active: bool | None, limit: int, after: Place | None) -> UserPage:
        index, partition = (
            ("by-creation", {"listing": "USER"})
            if active is None
            else ("by-activity", {"activity": _activity(is_active=active)})
        )
        [attribute] = partition
        read = self._table.query(
            f"#{attribute} = :{attribute}",
            partition,
            index=index,
            # One more than asked for: whether there is another page is known only so.
            limit=limit + 1,
            start=(
                {**_user_key(after.user_id), **partition, "created_at": after.created_at}
                if after
                else None
            ),
            forward=False,
        )
        users = [_profile(item) for item in read.items[:limit]]
        is_last = len(read.items) <= limit
        return UserPage(users, None if is_last else Place(users[-1].created_at, users[-1].id))

    def totals(self) -> dict[str, int]:
        return {"total": 0, "active": 0, **counters.totals(self._table)}


def _user_key(user_id: str) -> Key:
    return {"pk": f"USER#{user_id}", "sk": "USER"}


def _email_key(email: str) -> Key:
    return {"pk": f"EMAIL#{emails.normalised(email)}", "sk": "EMAIL"}


def _activity(*, is_active: bool) -> str:
    return "active" if is_active else "inactive"


def _email_item(user: User) -> Item:
    return {**_email_key(user.email), "user_id": user.id}


def _user_item(user: User) -> Item:
    return {
        **_user_key(user.id),
        "listing": "USER",
        "activity": _activity(is_active=user.is_active),
        "id": user.id,
        "email": user.email,
        "full_name": user.full_name,
        "password_hash": user.password_hash,
        "role": user.role,
        "is_active": user.is_active,
        "created_at": user.created_at,
        "version": user.version,
        "session_epoch": user.session_epoch,
        **({"erased_at": user.erased_at} if user.erased_at else {}),
    }


def _change(before: User, after: User) -> Update:
    """Sets what this release knows of a user, and leaves alone what a later one has written beside it."""
    key = _user_key(after.id)
    known = {name: value for name, value in _user_item(after).items() if name not in key}
    return Update(
        key,
        f"SET {', '.join(f'#{name} = :{name}' for name in known)}",
        "#version = :seen",
        {**known, "seen": before.version},
    )


def _nobody_item() -> Item:
    """As large as a user and an address together, and in no index."""
    nobody = User(
        id="0" * 32,
        email="nobody@example.com",
        full_name="Nobody At All",
        password_hash="0" * 97,
        role="customer",
        is_active=False,
        created_at="1970-01-01T00:00:00.000Z",
    )
    item = _user_item(nobody)
    listing, activity = item.pop("listing"), item.pop("activity")
    more = {"unlisted": listing, "inactivity": activity, "user_id": nobody.id, "guard": "EMAIL#"}
    return {**item, **more, **_NOBODY_KEY}


def _profile(item: Item) -> Profile:
    return Profile(**{field.name: item[field.name] for field in fields(Profile)})


def _user(item: Item) -> User:
    return User(
        id=item["id"],
        email=item["email"],
        full_name=item["full_name"],
        password_hash=item["password_hash"],
        role=item["role"],
        is_active=item["is_active"],
        created_at=item["created_at"],
        version=item["version"],
        session_epoch=item["session_epoch"],
        erased_at=item.get("erased_at"),
    )

"""Accounts in DynamoDB, the addresses that are theirs, and in another table their passwords."""

from itertools import batched
from typing import Final

from shared.contracts.directory import Customer
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.pages import Page
from shared.personal import personal_fields
from shared.storage import counters
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import (
    Check,
    ConditionFailed,
    Delete,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
)
from shared.storage.items import difference, from_item, to_item
from users import emails
from users.accounts.errors import EmailTaken
from users.accounts.models import Position, Profile, User
from users.email_tokens.errors import BadToken
from users.email_tokens.models import EmailToken
from users.email_tokens.repository import issuing, spending

_NEW: Final = "attribute_not_exists(#pk)"
_OWN: Final = "#user_id = :id"
_DECOY_KEY: Final = {"pk": "NOBODY", "sk": "NOBODY"}
_DECOY_HASH: Final = "0" * 97  # as long as a hash
_ADMINS: Final = "ADMINS"
# Of which one, beside the account that changes, is an active admin: others are rare.
_LISTED_ADMINS: Final = 25
# Ids are 32 characters; DynamoDB refuses keys over 2,048 bytes.
_LONGEST_ID: Final = 128
# Events that one transaction overwrites, of the hundred operations that DynamoDB takes.
_EVENTS_AT_ONCE: Final = 90


class DynamoUsers:
    """Implements `Users`.

    Args:
        credentials: has the password hashes. No stream shows them there.
    """

    def __init__(self, table: Table, credentials: Table) -> None:
        self._table = table
        self._credentials = credentials

    def add(self, user: User, fact: Event, issued: EmailToken | None = None) -> None:
        operations: list[Operation] = [
            Put({**_user_key(user.id), **_attributes(user)}, condition=_NEW),
            Put(_email_item(user), condition=_NEW),
            outbox.recording(self._table, _user_key(user.id)["pk"], fact),
            counters.adding(self._table, {"total": 1, "active": 1}),
        ]
        beside = _secrets(user, issued, None)
        try:
            self._table.transact(operations, beside={self._credentials: beside})
        except TransactionFailed as cause:
            if 1 in cause.failed:
                raise EmailTaken from cause
            raise

    def find(self, user_id: str) -> User | None:
        if len(user_id) > _LONGEST_ID:
            return None
        item = self._table.get(_user_key(user_id))
        return _user(item) if item else None

    def find_by_email(self, email: str) -> User | None:
        claim = self._table.get(_email_key(email))
        if claim is None or _is_held(claim):
            _user(_read_decoy(self._table, _decoy_item()))
            return None
        return self.find(claim["user_id"])

    def find_password_hash(self, user: User | None) -> str | None:
        if user is None or user.password_hash:
            _read_decoy(self._credentials, {**_DECOY_KEY, "password_hash": _DECOY_HASH})
            return user.password_hash if user else None
        item = self._credentials.get(_password_key(user.id))
        return str(item["password_hash"]) if item else None

    def save(
        self,
        before: User,
        after: User,
        fact: Event | None = None,
        *,
        issued: EmailToken | None = None,
        spent: EmailToken | None = None,
        remaining: User | None = None,
    ) -> None:
        operations: list[Operation] = [_update(before, after)]
        moves = _email_key(before.email) != _email_key(after.email)
        if moves:
            operations += [_claim_again(after), _release_or_hold(before, after)]
        if before.is_active != after.is_active:
            operations.append(
                counters.adding(self._table, {"active": 1 if after.is_active else -1})
            )
        if fact:
            operations.append(outbox.recording(self._table, _user_key(after.id)["pk"], fact))
        operations += _listing_admin(before, after, remaining)
        beside = _secrets(after, issued, spent)
        try:
            self._table.transact(operations, beside={self._credentials: beside})
        except TransactionFailed as cause:
            _raise_if_changed(cause)
            if spent and len(operations) + len(beside) - 1 in cause.failed:
                raise BadToken from cause
            if moves and 1 in cause.failed:
                raise EmailTaken from cause
            if remaining:
                raise ConcurrentChange from cause
            raise

    def pretend(self, issued: EmailToken) -> None:
        # Keys of their own: concurrent requests do not wait for each other.
        account, event = (
            {**_DECOY_KEY, "sk": f"{issued.digest}.{part}"} for part in ("account", "event")
        )
        until = {"ttl": issued.expires_at}
        operations: list[Operation] = [
            Update(account, "SET #ttl = :ttl", values=until),
            Put({**_decoy_item(), **event, **until}),
        ]
        self._table.transact(operations, beside={self._credentials: [issuing(issued)]})

    def erase(
        self, before: User, after: User, fact: Event, *, remaining: User | None = None
    ) -> None:
        pk = _user_key(after.id)["pk"]
        erased = {name: getattr(after, name) for name in personal_fields(User)}
        self._release_former(before)
        rewritten = outbox.rewriting(self._table, pk, erased, up_to=before.version)
        # Hardly any account has as many. If this stops half-way, a repetition erases the rest.
        for earlier in batched(rewritten[_EVENTS_AT_ONCE:], _EVENTS_AT_ONCE, strict=False):
            self._table.transact(earlier)
        operations: list[Operation] = [
            _update(before, after),
            _release_email(before),
            outbox.recording(self._table, pk, fact),
            *rewritten[:_EVENTS_AT_ONCE],
            *_listing_admin(before, after, remaining),
        ]
        if before.is_active:
            operations.append(counters.adding(self._table, {"active": -1}))
        forgetting = [Delete(_password_key(after.id))]
        try:
            self._table.transact(operations, beside={self._credentials: forgetting})
        except TransactionFailed as cause:
            _raise_if_changed(cause)
            if remaining:
                raise ConcurrentChange from cause
            raise

    def page(
        self, *, active: bool | None, limit: int, after: Position | None
    ) -> Page[Profile, Position]:
        index, partition = (
            ("by-creation", {"listing": "USER"})
            if active is None
            else ("by-activity", {"activity": _activity(is_active=active)})
        )
        [attribute] = partition
        start = None
        if after:
            start = {**_user_key(after.user_id), **partition, "created_at": after.created_at}
        read = self._table.query(
            f"#{attribute} = :{attribute}",
            partition,
            index=index,
            # One more than the page shows: it shows whether another page follows.
            limit=limit + 1,
            start=start,
            forward=False,
        )
        listed = [Position(item["created_at"], item["id"]) for item in read.items]
        page = Page.cut(listed, limit, lambda position: position)
        # The indexes were made without some of a profile's attributes.
        keys = [_user_key(position.user_id) for position in page.items]
        items = {item["id"]: item for item in self._table.get_many(keys)}
        users = [from_item(Profile, items[id_]) for _, id_ in page.items if id_ in items]
        return Page(users, page.last)

    def admins(self) -> list[User]:
        listed = self._table.query(
            "#pk = :pk", {"pk": _ADMINS}, limit=_LISTED_ADMINS, consistent=True
        )
        keys = [_user_key(item["sk"]) for item in listed.items]
        found = map(_user, self._table.get_many(keys, consistent=True))
        # An earlier release that ended an admin's role has left the entry.
        return [user for user in found if user.is_active_admin]

    def totals(self) -> dict[str, int]:
        return {"total": 0, "active": 0, **counters.totals(self._table)}

    def _release_former(self, user: User) -> None:
        """Delete the claims of the addresses that the user could be brought back to."""
        for former in user.former_emails:
            try:
                self._table.delete(_email_key(former.email), condition=_OWN, values={"id": user.id})
            except ConditionFailed:
                continue  # not held any more


class DynamoCustomers:
    """What other services may know of accounts. It reads these attributes alone, because the policy
    of UsersDirectory allows no others."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, user_id: str) -> Customer | None:
        """The customer, also an inactive one; None if the user does not exist."""
        if len(user_id) > _LONGEST_ID:
            return None
        item = self._table.get(_user_key(user_id), only=tuple(Customer.model_fields))
        return Customer.model_validate(item) if item else None


def _user_key(user_id: str) -> Key:
    return {"pk": f"USER#{user_id}", "sk": "USER"}


def _password_key(user_id: str) -> Key:
    return {"pk": f"USER#{user_id}", "sk": "PASSWORD"}


def _email_key(email: str) -> Key:
    return {"pk": f"EMAIL#{emails.normalised(email)}", "sk": "EMAIL"}


def _activity(*, is_active: bool) -> str:
    return "active" if is_active else "inactive"


def _email_item(user: User) -> Item:
    return {**_email_key(user.email), "user_id": user.id}


def _claim_again(user: User) -> Update:
    """Claims an address that is free, or was the user's own."""
    update = "SET #user_id = :id REMOVE #ttl"
    return Update(_email_key(user.email), update, f"{_NEW} OR {_OWN}", {"id": user.id})


def _release_email(user: User) -> Delete:
    return Delete(_email_key(user.email), _OWN, {"id": user.id})


def _release_or_hold(before: User, after: User) -> Operation:
    """Gives the former address up; if the user may be brought back to it, when TTL deletes its
    claim: otherwise another account could take the address, and the user could not come back."""
    held = [one.until for one in after.former_emails if one.email == before.email]
    if not held:
        return _release_email(before)
    values = {"ttl": max(held), "id": after.id}
    return Update(_email_key(before.email), "SET #ttl = :ttl", _OWN, values)


def _is_held(claim: Item) -> bool:
    """Whether the account has left the address of this claim."""
    return "ttl" in claim


def _attributes(user: User) -> Item:
    """The user's item without its key; `listing` and `activity` are the keys of the indexes.

    Earlier releases stored the password's hash here and need the attribute: it is empty, which no
    password matches.
    """
    activity = _activity(is_active=user.is_active)
    return {"listing": "USER", "activity": activity, **to_item(user), "password_hash": ""}


def _user(item: Item) -> User:
    return from_item(User, {**item, "password_hash": item.get("password_hash") or None})


def _update(before: User, after: User) -> Update:
    """Writes the attributes that changed, if no other writer has changed the user."""
    stored = {**_attributes(before), "password_hash": before.password_hash or ""}
    update, values = difference(stored, _attributes(after))
    seen = {"seen": before.version}
    return Update(_user_key(after.id), update, "#version = :seen", {**values, **seen})


def _listing_admin(before: User, after: User, remaining: User | None) -> list[Operation]:
    """Keeps the list of active admins. A change of an admin writes the entry again: an earlier
    release wrote none."""
    entry = {"pk": _ADMINS, "sk": after.id}
    operations: list[Operation] = []
    if after.is_active_admin:
        operations.append(Put(entry))
    elif before.is_active_admin:
        operations.append(Delete(entry))
    if remaining:
        is_admin = "#role = :admin AND #is_active = :yes"
        values = {"admin": "admin", "yes": True}
        operations.append(Check(_user_key(remaining.id), is_admin, values))
    return operations


def _secrets(user: User, issued: EmailToken | None, spent: EmailToken | None) -> list[Operation]:
    """The operations on the credentials' table; the one of the spent token is the last."""
    operations: list[Operation] = []
    if user.password_hash is not None:
        values = {"hash": user.password_hash}
        key = _password_key(user.id)
        operations.append(Update(key, "SET #password_hash = :hash", values=values))
    if issued:
        operations.append(issuing(issued))
    if spent:
        operations.append(spending(spent))
    return operations


def _raise_if_changed(cause: TransactionFailed) -> None:
    """Raise ConcurrentChange if the condition on the user, the first operation, did not hold."""
    if 0 in cause.failed:
        stored = cause.failed[0]
        raise ConcurrentChange(_user(stored) if stored else None) from cause


def _read_decoy(table: Table, decoy: Item) -> Item:
    """Read as much as for a known address, so that the time does not show which are known: an
    answer with an item takes longer than one without."""
    item = table.get(_DECOY_KEY)
    if item is None:  # once in a table's life
        table.put(decoy)
    return item or decoy


def _decoy_item() -> Item:
    """As large as a user and its address together, and in no index."""
    decoy = User(
        id="0" * 32,
        email="nobody@example.com",
        full_name="Nobody At All",
        role="customer",
        is_active=False,
        created_at="1970-01-01T00:00:00.000Z",
    )
    item = _attributes(decoy)
    listing, activity = item.pop("listing"), item.pop("activity")
    more = {"unlisted": listing, "inactivity": activity, "user_id": decoy.id, "guard": "EMAIL#"}
    return {**item, **more, **_DECOY_KEY}

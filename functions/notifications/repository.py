"""Notifications in DynamoDB: one item for each, in the partition of its mailbox.

pk          sk                          item
<mailbox>   NOTIFICATION#<position>     a notification
<mailbox>   TOMBSTONE                   the mailbox has been erased
COUNTERS    <shard>                     totals (shared.storage.counters)

What is only in the inbox has the attribute `inbox` and is `sent`; totals do not count it.
"""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from notifications.errors import AttemptUnderWay, RecipientErased
from notifications.models import Claim, Notification, next_attempt
from shared.calls.deadline import Deadline
from shared.pages import Page
from shared.personal import personal_fields
from shared.runtime.clock import rfc3339
from shared.storage import counters
from shared.storage.dynamodb import (
    ConditionFailed,
    Item,
    Key,
    Operation,
    Table,
    TransactionFailed,
    Update,
    assigning,
)
from shared.storage.items import from_item, to_item

_INDEX: Final = "read_state"
_NEW: Final = "attribute_not_exists(#pk)"
_PREFIX: Final = "NOTIFICATION#"
_AFTER_ALL: Final = "NOTIFICATION$"  # "$" follows "#"
_TOMBSTONE: Final = "TOMBSTONE"  # sorts after all notifications, so that no list reads it
_MAX_BATCH: Final = 100  # DynamoDB's limit for reading items together
_RETRY_SECONDS: Final = 5
_ONE_CALL_SECONDS: Final = 6.0


class DynamoNotifications:
    """Notifications in DynamoDB.

    `read_state` is the mailbox and whether the notification was read, the key of the index of
    `unread=`.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> Claim | None:
        claim = Claim(uuid.uuid4().hex)
        until = rfc3339(now + lease)
        before = self._add(mailbox, _item(mailbox, notification) | _claimed(claim, until))
        # If the SDK retried the first write, the second attempt finds what the first one wrote.
        if before is None or before.get("attempt") == claim.token:
            return claim
        if _is_settled(before):
            return None
        if "inbox" not in before:
            lease_until = datetime.fromisoformat(before.get("lease_until", until))
            # Earlier releases stored no count: then one attempt was made.
            attempts = next_attempt(before.get("attempts", 1), lease_until, now)
            claim = Claim(claim.token, attempts)
        key = _key(mailbox, notification.position)
        return claim if self._claim_again(key, before, claim, until) else None

    def keep(self, mailbox: str, notification: Notification) -> bool:
        before = self._add(mailbox, _item(mailbox, notification))
        if before is None or before.get("status", "pending") != "pending":
            return True
        # The last release has held its e-mail back, or the provider took none.
        with suppress(ConditionFailed):
            self._table.update(
                _key(mailbox, notification.position),
                "SET #status = :sent, #inbox = :true REMOVE #attempt, #attempts, #lease_until",
                condition="#status = :pending AND #attempts = :none",
                values={"sent": "sent", "true": True, "pending": "pending", "none": 0},
            )
            return True
        return False

    def _add(self, mailbox: str, item: Item) -> Item | None:
        """Store a new notification; return the item that existed before.

        Raises:
            RecipientErased: the mailbox is erased, and no other delivery has settled this.
        """
        before: Item | None = None
        try:
            # The key is made only of the event, so this condition excludes a second delivery.
            self._table.put(item, condition=_NEW)
        except ConditionFailed as existing:
            before = existing.item or {}
            if _is_settled(before):
                return before
        # After the write, as an erasure looks for notifications after it has written its tombstone:
        # one of the two finds the other. A transaction of both would cost five times as much.
        if self._table.get(_tombstone(mailbox), only=("pk",)):
            raise RecipientErased
        return before

    def of_order_since(self, mailbox: str, notification: Notification) -> list[Notification]:
        page = self._table.query(
            "#pk = :pk AND #sk >= :from",
            {
                "pk": mailbox,
                "from": _PREFIX + notification.position,
                "order_id": notification.order_id,
            },
            filter="#order_id = :order_id",
            limit=_MAX_BATCH,
            consistent=True,
        )
        return [_notification(item) for item in page.items]

    def _claim_again(self, key: Key, before: Item, claim: Claim, until: str) -> bool:
        values = {**_claimed(claim, until), "status": "pending"}
        update, is_as_before = assigning(values), "attribute_exists(#inbox)"
        if "inbox" not in before:
            is_as_before = "#attempt = :before AND #status = :status"
            values["before"] = before.get("attempt", "")
        try:
            self._table.update(
                key,
                f"{update} REMOVE #inbox",
                # Its own attempt where the SDK has retried the write.
                condition=f"({is_as_before} OR #attempt = :attempt)"
                " AND attribute_not_exists(#erased_at)",
                values=values,
            )
        except ConditionFailed as lost:
            current = lost.item or {}
            if current.get("status") != "pending":
                return False
            if "erased_at" in current:
                raise RecipientErased from None
            raise AttemptUnderWay(_RETRY_SECONDS) from None
        return True

    def release(self, mailbox: str, position: str, claim: Claim, *, at: datetime) -> None:
        with suppress(ConditionFailed):
            self._table.update(
                _key(mailbox, position),
                "SET #attempts = :attempts, #lease_until = :now",
                condition="#status = :pending AND #attempt = :attempt",
                values={
                    "attempts": claim.attempts - 1,
                    "now": rfc3339(at),
                    "pending": "pending",
                    "attempt": claim.token,
                },
            )

    def store(self, mailbox: str, notification: Notification) -> None:
        item = _item(mailbox, notification)
        key = {name: item.pop(name) for name in ("pk", "sk")}
        unread = item.pop("read_state")
        with suppress(ConditionFailed):
            # Attributes that are not named stay, such as when it was read.
            self._table.update(
                key,
                f"{assigning(item)}, #read_state = if_not_exists(#read_state, :unread)"
                " REMOVE #inbox",
                condition=f"{_NEW} OR #status = :pending OR attribute_exists(#inbox)",
                values={**item, "unread": unread, "pending": "pending"},
            )

    def erase(self, mailbox: str, *, at: datetime, deadline: Deadline) -> tuple[int, bool]:
        # Before the search for notifications: see `claim`.
        with suppress(ConditionFailed):
            tombstone = {**_tombstone(mailbox), "erased_at": rfc3339(at)}
            self._table.put(tombstone, condition=_NEW)
        erased = {name: mark.erased("") for name, mark in personal_fields(Notification).items()}
        values = {**erased, "erased_at": rfc3339(at)}
        overwritten = 0
        start: Item | None = None
        while deadline.allows(_ONE_CALL_SECONDS):
            page = self._table.query(
                "#pk = :pk AND begins_with(#sk, :prefix)",
                {"pk": mailbox, "prefix": _PREFIX},
                filter="attribute_not_exists(#erased_at)",
                start=start,
                consistent=True,
            )
            for item in page.items:
                if not deadline.allows(_ONE_CALL_SECONDS):
                    return overwritten, False
                key = {"pk": item["pk"], "sk": item["sk"]}
                self._table.update(key, assigning(values), values=values)
                overwritten += 1
            start = page.last
            if start is None:
                return overwritten, True
        return overwritten, False

    def mark_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        self._settle(mailbox, position, "sent", {"message_id": message_id}, at)

    def mark_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        self._settle(mailbox, position, "failed", {"reason": reason}, at)

    def _settle(
        self, mailbox: str, position: str, status: str, facts: dict[str, str], at: datetime
    ) -> None:
        values: dict[str, Any] = {"status": status, "settled_at": rfc3339(at), **facts}
        operations: list[Operation] = [
            Update(
                _key(mailbox, position),
                f"{assigning(values)} REMOVE #attempt, #attempts, #lease_until",
                condition="#status = :pending",
                values={**values, "pending": "pending"},
            ),
            counters.adding(self._table, {status: 1}),
        ]
        # If it is settled already, an attempt whose lease ended while it was sending did so: it
        # counts once.
        with suppress(TransactionFailed):
            self._table.transact(operations)

    def mark_read(self, mailbox: str, position: str, *, at: datetime) -> Notification | None:
        try:
            item = self._table.update(
                _key(mailbox, position),
                "SET #read_at = if_not_exists(#read_at, :now), #read_state = :read",
                condition="attribute_exists(#pk)",
                values={"now": rfc3339(at), "read": _read(mailbox)},
            )
        except ConditionFailed:
            return None
        return _notification(item)

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> Page[Notification, str]:
        end = _PREFIX + before if before else _AFTER_ALL
        if unread is None:
            read = self._table.query(
                "#pk = :pk AND #sk < :end",
                {"pk": mailbox, "end": end},
                limit=limit,
                forward=False,
                consistent=True,
            )
            items = read.items
        else:
            state = _unread(mailbox) if unread else _read(mailbox)
            read = self._table.query(
                "#read_state = :state AND #sk < :end",
                {"state": state, "end": end},
                index=_INDEX,
                limit=min(limit, _MAX_BATCH),
                forward=False,
            )
            items = self._in_state(state, read.items)
        last = read.last["sk"].removeprefix(_PREFIX) if read.last else None
        return Page([_notification(item) for item in items], last)

    def _in_state(self, state: str, entries: Sequence[Item]) -> list[Item]:
        """The notifications of an index's entries, newest first.

        The index may be behind. It has only keys, because each write would pay for more.
        """
        keys = [{"pk": entry["pk"], "sk": entry["sk"]} for entry in entries]
        items = self._table.get_many(keys, consistent=True)
        items.sort(key=lambda item: str(item["sk"]), reverse=True)
        return [item for item in items if item["read_state"] == state]

    def totals(self) -> dict[str, int]:
        stored = counters.totals(self._table)
        return {"sent": stored.get("sent", 0), "failed": stored.get("failed", 0)}


def _claimed(claim: Claim, until: str) -> Item:
    return {"attempt": claim.token, "attempts": claim.attempts, "lease_until": until}


def _key(mailbox: str, position: str) -> Key:
    return {"pk": mailbox, "sk": _PREFIX + position}


def _tombstone(mailbox: str) -> Key:
    return {"pk": mailbox, "sk": _TOMBSTONE}


def _item(mailbox: str, notification: Notification) -> Item:
    item = {
        **_key(mailbox, notification.position),
        **to_item(notification),
        "read_state": _unread(mailbox),
    }
    # The last release answers no list with another channel than "email".
    return {**item, "channel": "email", "inbox": True} if notification.channel == "inbox" else item


def _notification(item: Item) -> Notification:
    return from_item(Notification, item, channel="inbox" if "inbox" in item else "email")


def _is_settled(item: Item) -> bool:
    """Whether nothing may be sent any more."""
    is_pending = item.get("status", "pending") == "pending"
    return not is_pending and ("inbox" not in item or "erased_at" in item)


def _unread(mailbox: str) -> str:
    return f"{mailbox}#unread"


def _read(mailbox: str) -> str:
    return f"{mailbox}#read"

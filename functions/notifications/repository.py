"""Where notifications are kept: one item for each, in the partition of whoever it is for.

pk          sk                          what
<mailbox>   NOTIFICATION#<position>     a notification
<mailbox>   TOMBSTONE                   whose mailbox it was has been erased
COUNTERS    <shard>                     totals (shared.counters)
"""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from notifications.errors import AttemptUnderWay, RecipientErased
from notifications.models import Notification
from shared import counters
from shared.clock import rfc3339
from shared.contracts.erasure import ERASED
from shared.dynamodb import (
    ConditionFailed,
    Item,
    Key,
    Operation,
    Table,
    TransactionFailed,
    Update,
)

_INDEX = "read_state"
_NEW = "attribute_not_exists(#pk)"
_PREFIX = "NOTIFICATION#"
_AFTER_ALL = "NOTIFICATION$"  # "$" follows "#"
_AT_ONCE = 100  # notifications that are got together
_TOMBSTONE = "TOMBSTONE"  # after all notifications too, so that no list meets it


class NotificationRepository(Protocol):
    """Keeps notifications by mailbox and position."""

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> bool:
        """Keep a pending notification and win the right to send it, for the length of the lease.

        False where it was sent, or failed for good, before.

        Raises:
            AttemptUnderWay: somebody else has the right at this moment.
            RecipientErased: the mailbox has been erased. The notification is kept as it is, to be kept otherwise.
        """

    def keep(self, mailbox: str, notification: Notification) -> None:
        """Keep a pending notification that nobody is to send, also in the place of one that is pending."""

    def erase(self, mailbox: str, *, at: datetime) -> int:
        """Close a mailbox to all that comes, for ever, and overwrite what the notifications in it said. The number of
        those that were overwritten now."""

    def settle_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        """A claimed notification was taken by the provider, under the provider's own id."""

    def settle_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        """A claimed notification was refused for good."""

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> list[Notification]:
        """At most `limit` of a mailbox, from before a position; all of them or those (un)read."""

    def mark_read(self, mailbox: str, position: str, *, at: datetime) -> Notification | None:
        """The notification, read now or earlier; None where the mailbox has no such one."""

    def totals(self) -> dict[str, int]:
        """How many were sent and how many failed, ever."""


class DynamoNotifications:
    """Notifications in DynamoDB.

    `read_state` is the mailbox and whether the notification was read: the key of the index behind `unread=`.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> bool:
        attempt = uuid.uuid4().hex
        leased = {"attempt": attempt, "lease_until": rfc3339(now + lease)}
        is_first = True
        try:
            # The key comes from the event alone, so this write is what keeps a second delivery out.
            self._table.put(_item(mailbox, notification) | leased, condition=_NEW)
        except ConditionFailed as there:
            if (there.item or {}).get("status", "pending") != "pending":
                return False
            is_first = False
        # After the write, as an erasure looks for notifications after it has written this: one of the two finds the
        # other. Together they would be a transaction, at five times the price.
        if self._table.get(_tombstone(mailbox), only=("pk",)):
            raise RecipientErased
        return is_first or self._claimed_again(mailbox, notification.position, leased, now)

    def _claimed_again(
        self, mailbox: str, position: str, leased: dict[str, str], now: datetime
    ) -> bool:
        try:
            self._table.update(
                _key(mailbox, position),
                "SET #attempt = :attempt, #lease_until = :lease_until",
                condition="#status = :pending AND attribute_not_exists(#erased_at)"
                " AND (#lease_until < :now OR #attempt = :attempt)",
                values={**leased, "pending": "pending", "now": rfc3339(now)},
            )
        except ConditionFailed as lost:
            there = lost.item or {}
            if there.get("status") != "pending":
                return False
            if "erased_at" in there:
                raise RecipientErased from None
            raise AttemptUnderWay("another delivery is sending this notification") from None
        return True

    def keep(self, mailbox: str, notification: Notification) -> None:
        with suppress(ConditionFailed):
            self._table.put(
                _item(mailbox, notification),
                condition=f"{_NEW} OR #status = :pending",
                values={"pending": "pending"},
            )

    def erase(self, mailbox: str, *, at: datetime) -> int:
        erased_at = rfc3339(at)
        # First of all: see `claim`. Whoever has claimed before may still be sending.
        self._table.put({**_tombstone(mailbox), "erased_at": erased_at})
        overwritten = 0
        start: Item | None = None
        while True:
            page = self._table.query(
                "#pk = :pk AND begins_with(#sk, :prefix)",
                {"pk": mailbox, "prefix": _PREFIX},
                filter="attribute_not_exists(#erased_at)",
                start=start,
                consistent=True,
            )
            for item in page.items:
                self._table.update(
                    {"pk": item["pk"], "sk": item["sk"]},
                    "SET #subject = :erased, #body = :erased, #erased_at = :at",
                    values={"erased": ERASED, "at": erased_at},
                )
            overwritten += len(page.items)
            start = page.last_key
            if start is None:
                return overwritten

    def settle_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        self._settle(mailbox, position, "sent", {"message_id": message_id}, at)

    def settle_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        self._settle(mailbox, position, "failed", {"reason": reason}, at)

    def _settle(
        self, mailbox: str, position: str, status: str, facts: dict[str, str], at: datetime
    ) -> None:
        values: dict[str, Any] = {"status": status, "settled_at": rfc3339(at), **facts}
        assignments = ", ".join(f"#{name} = :{name}" for name in values)
        operations: list[Operation] = [
            Update(
                _key(mailbox, position),
                f"SET {assignments} REMOVE #attempt, #lease_until",
                condition="#status = :pending",
                values={**values, "pending": "pending"},
            ),
            counters.adding({status: 1}),
        ]
        try:
            self._table.transact(operations)
        except TransactionFailed:
            # Settled already, by an attempt whose lease had ended while it was still sending: counted once.
            return

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> list[Notification]:
        end = _PREFIX + before if before else _AFTER_ALL
        found: list[Notification] = []
        start: Item | None = None
        # Usually once: only a page of over 1 MB takes DynamoDB more than one answer, or one of over 100 by the index.
        while len(found) < limit:
            if unread is None:
                page = self._table.query(
                    "#pk = :pk AND #sk < :end",
                    {"pk": mailbox, "end": end},
                    limit=limit - len(found),
                    start=start,
                    forward=False,
                    consistent=True,
                )
                items = page.items
            else:
                state = _unread(mailbox) if unread else _read(mailbox)
                page = self._table.query(
                    "#read_state = :state AND #sk < :end",
                    {"state": state, "end": end},
                    index=_INDEX,
                    limit=min(limit - len(found), _AT_ONCE),
                    start=start,
                    forward=False,
                )
                items = self._in_state(state, page.items)
            found += [Notification.model_validate(item) for item in items]
            start = page.last_key
            if start is None:
                break
        return found

    def _in_state(self, state: str, entries: list[Item]) -> list[Item]:
        """The notifications of an index's entries. The index is a moment behind, and has nothing but keys: what it had
        more of would be written with each notification."""
        keys = [{"pk": entry["pk"], "sk": entry["sk"]} for entry in entries]
        items = self._table.get_many(keys, consistent=True)
        items.sort(key=lambda item: str(item["sk"]), reverse=True)
        return [item for item in items if item["read_state"] == state]

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
        return Notification.model_validate(item)

    def totals(self) -> dict[str, int]:
        kept = counters.totals(self._table)
        return {"sent": kept.get("sent", 0), "failed": kept.get("failed", 0)}


def _key(mailbox: str, position: str) -> Key:
    return {"pk": mailbox, "sk": _PREFIX + position}


def _tombstone(mailbox: str) -> Key:
    return {"pk": mailbox, "sk": _TOMBSTONE}


def _item(mailbox: str, notification: Notification) -> Item:
    return {
        **_key(mailbox, notification.position),
        **notification.model_dump(mode="json"),
        "read_state": _unread(mailbox),
    }


def _unread(mailbox: str) -> str:
    return f"{mailbox}#unread"


def _read(mailbox: str) -> str:
    return f"{mailbox}#read"

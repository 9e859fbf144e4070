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
    Check,
    ConditionFailed,
    Item,
    Key,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
)

_INDEX = "read_state"
_NEW = "attribute_not_exists(#pk)"
_PREFIX = "NOTIFICATION#"
_AFTER_ALL = "NOTIFICATION$"  # "$" follows "#"
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
            RecipientErased: the mailbox has been erased. The notification is not kept, or pending as it was.
        """

    def keep(self, mailbox: str, notification: Notification) -> None:
        """Keep a pending notification that nobody is to send, if it is not there yet."""

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
        # The key comes from the event alone, so this write is what keeps a second delivery out. It is one with the look
        # at the tombstone: a notification that is written before an erasure is found by it, and none is after it.
        first = Put(_item(mailbox, notification) | leased, condition=_NEW)
        open_ = Check(_tombstone(mailbox), condition=_NEW)
        try:
            self._table.transact([first, open_])
        except TransactionFailed as there:
            found = there.failed.get(0) or {}
            if found.get("status", "pending") != "pending":
                return False
            if 1 in there.failed:
                raise RecipientErased from None
            return self._claimed_again(mailbox, notification.position, leased, now)
        return True

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
            self._table.put(_item(mailbox, notification), condition=_NEW)

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
        # Usually once: only a page of over 1 MB takes DynamoDB more than one answer.
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
            else:
                page = self._table.query(
                    "#read_state = :state AND #sk < :end",
                    {"state": _unread(mailbox) if unread else _read(mailbox), "end": end},
                    index=_INDEX,
                    limit=limit - len(found),
                    start=start,
                    forward=False,
                )
            found += [Notification.model_validate(item) for item in page.items]
            start = page.last_key
            if start is None:
                break
        return found

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

"""Where notifications are kept: one item for each, in the partition of whoever it is for."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Protocol

from notifications.errors import AttemptUnderWay
from notifications.models import Notification
from shared import counters
from shared.clock import rfc3339
from shared.dynamodb import ConditionFailed, Item, Key, Operation, Table, TransactionFailed, Update

_INDEX = "read_state"
_PREFIX = "NOTIFICATION#"
_AFTER_ALL = "NOTIFICATION$"  # "$" follows "#"


class NotificationRepository(Protocol):
    """Keeps notifications by mailbox and position."""

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> bool:
        """Keep a pending notification and win the right to send it, for the length of the lease.

        False where it was sent, or failed for good, before.

        Raises:
            AttemptUnderWay: somebody else has the right at this moment.
        """

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
        try:
            # The key comes from the event alone, so this write is what keeps a second delivery out.
            self._table.put(
                {
                    **_key(mailbox, notification.position),
                    **notification.model_dump(mode="json"),
                    **leased,
                    "read_state": _unread(mailbox),
                },
                condition="attribute_not_exists(#pk)",
            )
        except ConditionFailed as there:
            return self._claimed_again(
                mailbox, notification.position, there.item or {}, leased, now
            )
        return True

    def _claimed_again(
        self, mailbox: str, position: str, found: Item, leased: dict[str, str], now: datetime
    ) -> bool:
        if found.get("status") != "pending":
            return False
        # The SDK repeats a write whose answer was lost, and then meets its own item.
        if found["attempt"] == leased["attempt"]:
            return True
        try:
            self._table.update(
                _key(mailbox, position),
                "SET #attempt = :attempt, #lease_until = :lease_until",
                condition="#status = :pending AND (#lease_until < :now OR #attempt = :attempt)",
                values={**leased, "pending": "pending", "now": rfc3339(now)},
            )
        except ConditionFailed as lost:
            if lost.item and lost.item["status"] != "pending":
                return False
            raise AttemptUnderWay("another delivery is sending this notification") from None
        return True

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


def _unread(mailbox: str) -> str:
    return f"{mailbox}#unread"


def _read(mailbox: str) -> str:
    return f"{mailbox}#read"

"""Where notifications are kept: one item for each, in the partition of whoever it is for.

pk          sk                          what
<mailbox>   NOTIFICATION#<position>     a notification
<mailbox>   TOMBSTONE                   whose mailbox it was has been erased
COUNTERS    <shard>                     totals (shared.storage.counters)
"""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from notifications.errors import AttemptUnderWay, RecipientErased
from notifications.models import Claim, Notification, next_attempt
from shared.calls.deadline import Deadline
from shared.contracts.erasure import ERASED
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
)

_INDEX = "read_state"
_NEW = "attribute_not_exists(#pk)"
_PREFIX = "NOTIFICATION#"
_AFTER_ALL = "NOTIFICATION$"  # "$" follows "#"
_AT_ONCE = 100  # notifications that are got together
_TOMBSTONE = "TOMBSTONE"  # after all notifications too, so that no list meets it
_SOON = 5  # seconds
_ONE_CALL_SECONDS = 6.0


class DynamoNotifications:
    """Notifications in DynamoDB.

    `read_state` is the mailbox and whether the notification was read: the key of the index behind `unread=`.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> Claim | None:
        claim = Claim(uuid.uuid4().hex)
        until = rfc3339(now + lease)
        before: Item | None = None
        try:
            # The key comes from the event alone, so this write is what keeps a second delivery out.
            self._table.put(_item(mailbox, notification) | _claimed(claim, until), condition=_NEW)
        except ConditionFailed as there:
            before = there.item or {}
            if before.get("status", "pending") != "pending":
                return None
        # After the write, as an erasure looks for notifications after it has written this: one of the two finds the
        # other. Together they would be a transaction, at five times the price.
        if self._table.get(_tombstone(mailbox), only=("pk",)):
            raise RecipientErased
        # Where the SDK repeated the first write, its second attempt finds what the first one wrote.
        if before is None or before.get("attempt") == claim.token:
            return claim
        lease_until = datetime.fromisoformat(before.get("lease_until", until))
        # Releases before this count wrote none: then one attempt was made.
        attempts = next_attempt(before.get("attempts", 1), lease_until, now)
        claim = Claim(claim.token, attempts)
        key = _key(mailbox, notification.position)
        return claim if self._is_claimed_again(key, before, claim, until) else None

    def _is_claimed_again(self, key: Key, before: Item, claim: Claim, until: str) -> bool:
        try:
            self._table.update(
                key,
                "SET #attempt = :attempt, #attempts = :attempts, #lease_until = :lease_until",
                condition="#status = :pending AND attribute_not_exists(#erased_at)"
                " AND (#attempt = :before OR #attempt = :attempt)",
                values={
                    **_claimed(claim, until),
                    "pending": "pending",
                    "before": before.get("attempt", ""),
                },
            )
        except ConditionFailed as lost:
            there = lost.item or {}
            if there.get("status") != "pending":
                return False
            if "erased_at" in there:
                raise RecipientErased from None
            raise AttemptUnderWay(_SOON) from None
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

    def keep(self, mailbox: str, notification: Notification) -> None:
        item = _item(mailbox, notification)
        key = {name: item.pop(name) for name in ("pk", "sk")}
        unread = item.pop("read_state")
        assignments = ", ".join(f"#{name} = :{name}" for name in item)
        with suppress(ConditionFailed):
            # What is there and not named stays, such as when it was read.
            self._table.update(
                key,
                f"SET {assignments}, #read_state = if_not_exists(#read_state, :unread)",
                condition=f"{_NEW} OR #status = :pending",
                values={**item, "unread": unread, "pending": "pending"},
            )

    def erase(self, mailbox: str, *, at: datetime, deadline: Deadline) -> tuple[int, bool]:
        erased_at = rfc3339(at)
        # First of all: see `claim`. A worker that has claimed before may still be sending.
        with suppress(ConditionFailed):
            self._table.put({**_tombstone(mailbox), "erased_at": erased_at}, condition=_NEW)
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
                self._table.update(
                    {"pk": item["pk"], "sk": item["sk"]},
                    "SET #subject = :erased, #body = :erased, #erased_at = :at",
                    values={"erased": ERASED, "at": erased_at},
                )
                overwritten += 1
            start = page.last_key
            if start is None:
                return overwritten, True
        return overwritten, False

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
                f"SET {assignments} REMOVE #attempt, #attempts, #lease_until",
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


def _claimed(claim: Claim, until: str) -> Item:
    return {"attempt": claim.token, "attempts": claim.attempts, "lease_until": until}


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

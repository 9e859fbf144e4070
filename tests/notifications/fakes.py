"""Stand-ins for the notifications' table, its provider of e-mail and the clock, and builders of events."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifications.emails.models import Letter
from notifications.errors import RecipientErased
from notifications.models import Claim, Notification, next_attempt, notification_id
from shared.calls.deadline import Deadline
from shared.contracts.events import Event, EventType
from shared.runtime.clock import rfc3339

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class InMemoryNotifications:
    """Keeps the same promises as DynamoNotifications: one contract suite runs against both."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Notification] = {}
        self._claims: dict[tuple[str, str], tuple[Claim, datetime]] = {}
        self._totals = {"sent": 0, "failed": 0}
        self._erased: set[str] = set()

    def claim(
        self, mailbox: str, notification: Notification, *, now: datetime, lease: timedelta
    ) -> Claim | None:
        key = (mailbox, notification.position)
        if key in self._kept and self._kept[key].status != "pending":
            return None
        self._kept.setdefault(key, notification)
        if mailbox in self._erased:
            raise RecipientErased
        attempts = 1
        if key in self._claims:
            before, lease_until = self._claims[key]
            attempts = next_attempt(before.attempts, lease_until, now)
        claim = Claim(uuid.uuid4().hex, attempts)
        self._claims[key] = claim, now + lease
        return claim

    def release(self, mailbox: str, position: str, claim: Claim, *, at: datetime) -> None:
        if self._claims[mailbox, position][0] == claim:
            released = replace(claim, attempts=claim.attempts - 1)
            self._claims[mailbox, position] = released, at

    def keep(self, mailbox: str, notification: Notification) -> None:
        key = (mailbox, notification.position)
        if key not in self._kept or self._kept[key].status == "pending":
            self._kept[key] = notification

    def erase(self, mailbox: str, *, at: datetime, deadline: Deadline) -> tuple[int, bool]:
        self._erased.add(mailbox)
        own = {key: kept for key, kept in self._kept.items() if key[0] == mailbox}
        said = {key: kept.erased() for key, kept in own.items() if kept != kept.erased()}
        self._kept |= said
        return len(said), True

    def settle_sent(self, mailbox: str, position: str, *, message_id: str, at: datetime) -> None:
        self._settle(mailbox, position, "sent")

    def settle_failed(self, mailbox: str, position: str, *, reason: str, at: datetime) -> None:
        self._settle(mailbox, position, "failed")

    def _settle(self, mailbox: str, position: str, status: str) -> None:
        kept = self._kept[mailbox, position]
        if kept.status == "pending":
            self._kept[mailbox, position] = kept.model_copy(update={"status": status})
            self._totals[status] += 1

    def newest_first(
        self, mailbox: str, *, unread: bool | None, before: str | None, limit: int
    ) -> list[Notification]:
        found = [
            notification
            for (box, position), notification in sorted(self._kept.items(), reverse=True)
            if box == mailbox
            and (before is None or position < before)
            and (unread is None or unread == (notification.read_at is None))
        ]
        return found[:limit]

    def mark_read(self, mailbox: str, position: str, *, at: datetime) -> Notification | None:
        kept = self._kept.get((mailbox, position))
        if kept and kept.read_at is None:
            kept = self._kept[mailbox, position] = kept.model_copy(update={"read_at": rfc3339(at)})
        return kept

    def totals(self) -> dict[str, int]:
        return dict(self._totals)


class FakeMailer:
    """Takes letters, until it is told what to raise instead."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Letter]] = []
        self.trouble: Exception | None = None

    def send(self, letter: Letter, *, to: str) -> str:
        if self.trouble:
            raise self.trouble
        self.sent.append((to, letter))
        return f"message-{len(self.sent)}"


def event(type_: EventType, data: dict[str, Any], *, minute: int = 0, version: int = 1) -> Event:
    """An event of that minute after noon."""
    aggregate_id = data.get("order_id") or data.get("product_id") or data["user_id"]
    return Event(
        id=f"{aggregate_id}.{version}",
        type=type_,
        aggregate_id=aggregate_id,
        version=version,
        at=rfc3339(NOON + timedelta(minutes=minute)),
        request_id="request-1",
        data=data,
    )


def registered(user_id: str = "alice-1", *, minute: int = 0) -> Event:
    return event(
        "user.registered",
        {"user_id": user_id, "full_name": "Alice Example", "email": f"{user_id}@example.com"},
        minute=minute,
    )


def order_event(
    type_: EventType = "order.placed", *, minute: int = 0, version: int = 1, **changes: Any
) -> Event:
    order = {
        "order_id": "order-7",
        "user_id": "alice-1",
        "user_name": "Alice Example",
        "email": "alice-1@example.com",
        "status": type_.partition(".")[2].replace("placed", "pending"),
        "lines": [
            {"product_id": "mug", "name": "Blue Mug", "quantity": 2, "unit_price_minor": 1250},
            {"product_id": "tea", "name": "Tea & Honey", "quantity": 1, "unit_price_minor": 99999},
        ],
        "total_minor": 102499,
        "currency": "EUR",
    }
    return event(type_, order | changes, minute=minute, version=version)


def low_stock(*, minute: int = 0, **changes: Any) -> Event:
    product = {"product_id": "mug", "name": "Blue Mug", "available": 3, "threshold": 5}
    return event("product.low_stock", product | changes, minute=minute)


def notification(
    fact: Event, *, subject: str = "Your order", order_id: str | None = "order-7"
) -> Notification:
    """The pending notification of an event."""
    return Notification(
        id=notification_id(fact, "email"),
        type=fact.type,
        subject=subject,
        body="Hello",
        channel="email",
        status="pending",
        order_id=order_id,
        created_at=fact.at,
    )

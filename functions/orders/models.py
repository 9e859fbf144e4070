"""An order and its rules. Values are frozen; a transition gives the next order or raises."""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Self

from orders.errors import IllegalTransition
from shared.contracts.erasure import ERASED, erased_email, is_erased_email
from shared.contracts.events import EventType, OrderData
from shared.contracts.inventory import Line, PricedLine
from shared.runtime.clock import rfc3339

Status = Literal["pending", "confirmed", "shipped", "delivered", "cancelled"]
CancelReason = Literal[
    "customer_request",
    "admin_request",
    "payment_declined",
    "payment_unavailable",
    "payment_expired",
    "inventory_unavailable",
    "reservation_expired",
]

STATUSES: Final[tuple[Status, ...]] = (
    "pending",
    "confirmed",
    "shipped",
    "delivered",
    "cancelled",
)
LARGEST_QUANTITY: Final = 1000
# How long a service that does not answer may keep an order waiting: shorter than the 15 minutes for which the stock is held,
# because the inventory may be the one.
SAGA_DEADLINE: Final = timedelta(minutes=10)
# How long the first message of an order may take before the sweeper sends another one.
PATIENCE: Final = timedelta(seconds=50)
# The same for a message that was sent for an order that is due or waits. Longer than a tick of the sweeper's schedule, so that
# no tick finds again what the last one has sent.
LEASE: Final = timedelta(seconds=120)
# By how much the clocks of two environments may differ. Between a worker and a sweeper that differ by more, no message would do: what
# the sweeper sends would be taken for a duplicate.
_SKEW: Final = timedelta(seconds=10)

_EVENTS: Final[dict[Status, EventType]] = {
    "pending": "order.placed",
    "confirmed": "order.confirmed",
    "shipped": "order.shipped",
    "delivered": "order.delivered",
    "cancelled": "order.cancelled",
}
_NEXT: Final[dict[Status, tuple[Status, ...]]] = {
    "pending": ("confirmed", "cancelled"),
    "confirmed": ("shipped", "cancelled"),
    "shipped": ("delivered",),
    "delivered": (),
    "cancelled": (),
}
_FORGOTTEN: Final = ""
_ORDER_ID: Final = re.compile(r"[0-9a-f]{32}")


def order_id(user_id: str, idempotency_key: str) -> str:
    """The id of the one order that this user can ever place with this key.

    It is derived, not drawn: whoever tries again after whatever crash holds the same reservation and can write
    the same order only.
    """
    named = json.dumps([user_id, idempotency_key]).encode()
    return hashlib.sha256(b"bodega/order/1\0" + named).hexdigest()[:32]


def is_order_id(text: str) -> bool:
    """Whether an order could have this id."""
    return _ORDER_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Basket:
    """What a customer asks for: each product once, and what to charge."""

    lines: tuple[Line, ...]
    payment_token: str

    @property
    def digest(self) -> str:
        """SHA-256 of the request in a canonical form, by which a repeated one is known."""
        canonical = json.dumps(
            [[[line.product_id, line.quantity] for line in self.lines], self.payment_token]
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def is_held_by(self, lines: list[PricedLine]) -> bool:
        """Whether priced lines are these lines."""
        wanted = {line.product_id: line.quantity for line in self.lines}
        return wanted == {line.product_id: line.quantity for line in lines}


@dataclass(frozen=True)
class Order:
    """An order as it is after `version` changes.

    `user_name` and `email` are the customer's when the order was placed, until they are erased. `due_at` is when the
    sweeper sends a message for an order whose saga or compensation is open; None where nothing is left to do. All times
    are RFC 3339. `payment_id` is the payment provider's id of its payment, once it is known.
    """

    id: str
    user_id: str
    user_name: str
    email: str
    lines: tuple[PricedLine, ...]
    currency: str
    payment_token: str
    request_digest: str
    status: Status
    cancel_reason: CancelReason | None
    created_at: str
    updated_at: str
    version: int
    due_at: str | None
    payment_id: str | None = None

    @classmethod
    def placed(
        cls,
        id_: str,
        basket: Basket,
        *,
        at: datetime,
        user_id: str,
        user_name: str,
        email: str,
        lines: list[PricedLine],
        currency: str,
    ) -> Self:
        """A new order, waiting for its payment."""
        now = rfc3339(at)
        return cls(
            id=id_,
            user_id=user_id,
            user_name=user_name,
            email=email,
            lines=tuple(lines),
            currency=currency,
            payment_token=basket.payment_token,
            request_digest=basket.digest,
            status="pending",
            cancel_reason=None,
            created_at=now,
            updated_at=now,
            version=1,
            due_at=rfc3339(at + PATIENCE),
        )

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def listed_at(self) -> str:
        """Its place in lists: by time, and by id among those of one millisecond."""
        return f"{self.created_at}#{self.id}"

    @property
    def event_type(self) -> EventType:
        """The event that tells of the change to this status."""
        return _EVENTS[self.status]

    def confirmed(self, *, at: datetime) -> Self:
        """Paid for, and its stock sold."""
        return self._next("confirmed", at, due_at=None)

    def shipped(self, *, at: datetime) -> Self:
        return self._next("shipped", at, due_at=None)

    def delivered(self, *, at: datetime) -> Self:
        return self._next("delivered", at, due_at=None)

    def cancelled(self, *, at: datetime, reason: CancelReason) -> Self:
        """Cancelled, and due until its stock and money are given back."""
        changed = self._next("cancelled", at, due_at=rfc3339(at + PATIENCE))
        return replace(changed, cancel_reason=reason)

    @property
    def is_erased(self) -> bool:
        """Whether nothing tells any more who the customer is, but the id."""
        return is_erased_email(self.email)

    def erased(self, *, at: datetime) -> Self:
        """The same without its customer's name and address. What was sold, for how much and how it went stays.

        What it is to be paid with stays as long as that may be needed: until its payment is decided (see `_next`).
        """
        return replace(
            self,
            user_name=ERASED,
            email=erased_email(self.user_id),
            payment_token=self.payment_token if self.status == "pending" else _FORGOTTEN,
            updated_at=max(rfc3339(at), self.updated_at),
            version=self.version + 1,
        )

    def with_payment(self, payment_id: str) -> Self:
        """The same, its payment known."""
        return replace(self, payment_id=payment_id)

    @property
    def deadline(self) -> datetime:
        """When its saga ends, whatever it waits for."""
        return datetime.fromisoformat(self.created_at) + SAGA_DEADLINE

    def age(self, at: datetime) -> timedelta:
        """How long its saga has been open, or its compensation."""
        since = self.created_at if self.status == "pending" else self.updated_at
        return at - datetime.fromisoformat(since)

    def has_another_message(self, at: datetime) -> bool:
        """Whether it waits for a message that was sent with a delay, so that one that comes before is a duplicate."""
        return self.due_at is not None and datetime.fromisoformat(self.due_at) > at + LEASE + _SKEW

    def as_placed(self) -> Self:
        """The order as it was in the answer to its placing."""
        return replace(
            self, status="pending", cancel_reason=None, updated_at=self.created_at, version=1
        )

    def data(self) -> OrderData:
        """The whole order as its events tell it."""
        return OrderData(
            order_id=self.id,
            user_id=self.user_id,
            user_name=self.user_name,
            email=self.email,
            status=self.status,
            lines=list(self.lines),
            total_minor=self.total_minor,
            currency=self.currency,
            cancel_reason=self.cancel_reason,
        )

    def _next(self, status: Status, at: datetime, *, due_at: str | None) -> Self:
        if status not in _NEXT[self.status]:
            raise IllegalTransition(current=self.status, wanted=status)
        return replace(
            self,
            status=status,
            # Captures, voids and refunds go by the order's id.
            payment_token=_FORGOTTEN if self.is_erased else self.payment_token,
            # Clocks of two environments differ: an order's history must not run backwards for that.
            updated_at=max(rfc3339(at), self.updated_at),
            version=self.version + 1,
            due_at=due_at,
        )

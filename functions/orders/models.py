"""An order and its rules. Values are frozen; a transition returns the next order or raises."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self, get_args

from orders.errors import IllegalTransition, TooManyChanges
from orders.payments.ports import Charge
from shared.contracts.directory import Customer
from shared.contracts.events import EventType, OrderData, OrderStatus
from shared.contracts.inventory import Line, PricedLine, Reservation
from shared.personal import Personal, PersonalEmail, PersonalSecret, erase_personal, is_erased_email
from shared.runtime.clock import rfc3339

Status = OrderStatus
CancelReason = Literal[
    "customer_request",
    "admin_request",
    "payment_declined",
    "payment_unavailable",
    "payment_expired",
    "payment_abandoned",
    "too_many_unpaid",
    "inventory_unavailable",
    "reservation_expired",
]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
MAX_QUANTITY: Final = 1000
# How long an order waits for a service that does not answer. Shorter than the 15 minutes of a
# reservation, because the service that does not answer may be the inventory.
SAGA_DEADLINE: Final = timedelta(minutes=10)
# What a customer has at least who is asked to act late, because a service did not answer.
_SHORTEST_ACTION: Final = timedelta(minutes=5)
# After this time without progress the sweeper sends a new message for an order.
FIRST_DUE: Final = timedelta(seconds=50)
# The same after a message that was sent for an order that is due or waits. Longer than the interval
# of the sweeper's schedule: no sweep finds an order for which the last sweep has sent a message.
LEASE: Final = timedelta(seconds=120)
# An order of this version takes no more refunds and returns, so that all of them are read at once.
MAX_VERSION: Final = 200
# The largest difference between the clocks of two environments. With a larger one a worker would
# take the sweeper's message for a duplicate.
_CLOCK_SKEW: Final = timedelta(seconds=3)

_EVENT_TYPES: Final[dict[Status, EventType]] = {
    "pending": "order.placed",
    "confirmed": "order.confirmed",
    "shipped": "order.shipped",
    "delivered": "order.delivered",
    "cancelled": "order.cancelled",
}
_TRANSITIONS: Final[dict[Status, tuple[Status, ...]]] = {
    "pending": ("confirmed", "cancelled"),
    "confirmed": ("shipped", "cancelled"),
    "shipped": ("delivered",),
    "delivered": (),
    "cancelled": (),
}
_ORDER_ID: Final = re.compile(r"[0-9a-f]{32}")


def order_id(user_id: str, idempotency_key: str) -> str:
    """The id of the order that this user places with this key.

    It is derived and not random: a retry after a crash reserves the same stock and writes the same
    order.
    """
    named = json.dumps([user_id, idempotency_key]).encode()
    return hashlib.sha256(b"bodega/order/1\0" + named).hexdigest()[:32]


def is_order_id(text: str) -> bool:
    """Whether an order could have this id."""
    return _ORDER_ID.fullmatch(text) is not None


def saga_age(since: str, action_until: str | None, at: datetime) -> timedelta:
    """For how long a saga has been open. One whose customer may act counts as if it had begun
    `SAGA_DEADLINE` before its own deadline, so that one figure shows whether any is late.
    """
    begin = datetime.fromisoformat(since)
    if action_until:
        begin = datetime.fromisoformat(action_until) - SAGA_DEADLINE
    return max(at - begin, timedelta())


def compensation_age(since: str, asks_at: str | None, at: datetime) -> timedelta:
    """For how long a compensation or a refund has been open, without the time for which the
    provider processes it.
    """
    begin = datetime.fromisoformat(max(since, asks_at or ""))
    return max(at - begin, timedelta())


@dataclass(frozen=True)
class Basket:
    """What a customer orders: each product once, what to charge, and what it may cost if the
    customer says so. A new field has a default."""

    lines: tuple[Line, ...]
    payment_token: str
    expected_total_minor: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the request in a canonical form; a repeated request has the same one.

        Fields that have their defaults are left out: so a request has the same digest in the
        release before the field.
        """
        canonical: list[Any] = [
            [[line.product_id, line.quantity] for line in self.lines],
            self.payment_token,
        ]
        later = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if not (field.default is MISSING or getattr(self, field.name) == field.default)
        }
        if later:
            canonical.append(later)
        return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()

    def matches(self, lines: list[PricedLine]) -> bool:
        """Whether priced lines have the same products and quantities, and cost what they may."""
        quantities = {line.product_id: line.quantity for line in self.lines}
        total = sum(line.total_minor for line in lines)
        return self.expected_total_minor in (None, total) and quantities == {
            line.product_id: line.quantity for line in lines
        }


@dataclass(frozen=True)
class PaymentAction:
    """What the customer's browser needs to act for a payment in `action_required`.

    Attributes:
        provider: the payment provider's name.
    """

    provider: str
    client_secret: Annotated[str, PersonalSecret]


@dataclass(frozen=True)
class Order:
    """An order after `version` changes. All times are RFC 3339.

    Attributes:
        user_name, email: the customer's when the order was placed.
        due_at: when the sweeper sends a message for an order whose saga or compensation is open;
            None if nothing is left to do.
        payment_token: what to charge; empty once the order is not pending any more.
        payment_id: the payment provider's id of its payment, once it is known.
        action: what the customer has to do for its payment; None once the order is not pending.
        action_until: when its saga ends at the latest if the customer has to act.
        refunding_minor: the sum of the refunds that are accepted and not finished.
        refunded_minor: the sum of the refunds that have succeeded. What is given back because the
            order is cancelled is not in it.
        pending_refunds: the ids of the refunds that are not finished.
        claimed: how many units of which products are refunded as items or being returned; those of
            refunds that have failed and of refused returns are not.
        delivered_at: None also for an order that an earlier release has delivered.
        owed_minor: what the provider could not give back of a cancelled order's money, and no
            refund has asked for since; None if nothing has failed.
        asks_at: when the provider is next asked for a refund that it is processing. Until then
            nothing is late.
    """

    id: str
    user_id: str
    user_name: Annotated[str, Personal]
    email: Annotated[str, PersonalEmail]
    lines: tuple[PricedLine, ...]
    currency: str
    payment_token: Annotated[str, PersonalSecret]
    request_digest: str
    status: Status
    created_at: str
    updated_at: str
    version: int
    cancel_reason: CancelReason | None = None
    due_at: str | None = None
    payment_id: str | None = None
    action: PaymentAction | None = None
    action_until: str | None = None
    refunding_minor: int = 0
    refunded_minor: int = 0
    pending_refunds: tuple[str, ...] = ()
    claimed: tuple[Line, ...] = ()
    delivered_at: str | None = None
    owed_minor: int | None = None
    asks_at: str | None = None

    @classmethod
    def placed(
        cls, id_: str, basket: Basket, customer: Customer, reservation: Reservation, *, at: datetime
    ) -> Self:
        """A new order, whose payment is pending."""
        now = rfc3339(at)
        return cls(
            id=id_,
            user_id=customer.id,
            user_name=customer.full_name,
            email=customer.email,
            lines=tuple(reservation.lines),
            currency=reservation.currency,
            payment_token=basket.payment_token,
            request_digest=basket.digest,
            status="pending",
            created_at=now,
            updated_at=now,
            version=1,
            due_at=rfc3339(at + FIRST_DUE),
        )

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def charge(self) -> Charge:
        """What is to be paid for it."""
        return Charge(self.id, self.total_minor, self.currency, self.payment_token, self.payment_id)

    @property
    def listed_at(self) -> str:
        """Its place in lists: by time, and by id among the orders of one millisecond."""
        return f"{self.created_at}#{self.id}"

    @property
    def event_type(self) -> EventType:
        """The event of the transition to this status."""
        return _EVENT_TYPES[self.status]

    def data(self) -> OrderData:
        """The data of the order's events: the fields of `OrderData`, by their names."""
        names = OrderData.model_fields.keys() - {"order_id"}
        return OrderData(order_id=self.id, **{name: getattr(self, name) for name in names})

    def confirmed(self, *, at: datetime) -> Self:
        """Paid for, and its stock sold."""
        return self._moved_to("confirmed", at)

    def shipped(self, *, at: datetime) -> Self:
        """Shipped, unless all its units were refunded and perhaps restocked."""
        if not any(self.unclaimed(line.product_id) for line in self.lines):
            raise IllegalTransition(current=self.status, wanted="shipped")
        return self._moved_to("shipped", at)

    def delivered(self, *, at: datetime) -> Self:
        delivered = self._moved_to("delivered", at)
        return replace(delivered, delivered_at=delivered.updated_at)

    def cancelled(self, *, at: datetime, reason: CancelReason) -> Self:
        """Cancelled, and due until its stock and money are given back."""
        cancelled = self._moved_to("cancelled", at)
        return replace(
            cancelled, cancel_reason=reason, due_at=rfc3339(at + FIRST_DUE), asks_at=None
        )

    def with_payment(self, payment_id: str) -> Self:
        """The same order with its payment's id."""
        return replace(self, payment_id=payment_id)

    def awaiting(self, action: PaymentAction, within: timedelta, *, at: datetime) -> Self:
        """The same order, whose customer has to act within this time of its placing."""
        until = datetime.fromisoformat(self.created_at) + within
        return replace(
            self,
            # An erased customer sees no orders.
            action=None if self.is_erased else action,
            action_until=self.action_until or rfc3339(max(until, at + _SHORTEST_ACTION)),
        )

    def require_place_for_changes(self) -> None:
        """
        Raises:
            TooManyChanges: see there.
        """
        if self.version >= MAX_VERSION:
            raise TooManyChanges

    @property
    def is_paid(self) -> bool:
        """Whether its money was taken, and admins may refund it: what a cancelled order's customer
        gets back is for them only after it has failed."""
        return self.status not in ("pending", "cancelled") or self.owed_minor is not None

    @property
    def refundable_minor(self) -> int:
        """What no refund has asked for yet."""
        return self._unrefunded_minor if self.owed_minor is None else self.owed_minor

    @property
    def repayment_minor(self) -> int:
        """What a cancelled order gives back itself: what its refunds leave. It is always the same
        once they have ended."""
        return self._unrefunded_minor - (self.owed_minor or 0)

    @property
    def _unrefunded_minor(self) -> int:
        return self.total_minor - self.refunding_minor - self.refunded_minor

    def unclaimed(self, product_id: str) -> int:
        """How many units of a product are left to be refunded as items or returned."""
        ordered = sum(line.quantity for line in self.lines if line.product_id == product_id)
        claimed = sum(line.quantity for line in self.claimed if line.product_id == product_id)
        return ordered - claimed

    def price_of(self, lines: Iterable[Line]) -> int:
        """What the order's customer has paid for these units."""
        prices = {line.product_id: line.unit_price_minor for line in self.lines}
        return sum(prices[line.product_id] * line.quantity for line in lines)

    def refund_requested(
        self, refund_id: str, amount_minor: int, lines: Iterable[Line], *, at: datetime
    ) -> Self:
        """With one more refund to make, of these units if it is one of items."""
        return replace(
            self,
            claimed=self._claimed_with(lines, +1),
            refunding_minor=self.refunding_minor + amount_minor,
            pending_refunds=(*self.pending_refunds, refund_id),
            due_at=rfc3339(at + FIRST_DUE),
            asks_at=None,
            **self._owing(-amount_minor),
            **self._next_version(at),
        )

    def refund_succeeded(self, refund_id: str, amount_minor: int, *, at: datetime) -> Self:
        finished = self._refund_finished(refund_id, amount_minor, at)
        return replace(finished, refunded_minor=self.refunded_minor + amount_minor)

    def refund_failed(
        self, refund_id: str, amount_minor: int, lines: Iterable[Line], *, at: datetime
    ) -> Self:
        """Without the refund: its money and its units may be refunded again."""
        finished = self._refund_finished(refund_id, amount_minor, at)
        claimed = self._claimed_with(lines, -1)
        return replace(finished, claimed=claimed, **self._owing(amount_minor))

    def refund_reversed(self, amount_minor: int, *, at: datetime) -> Self:
        """With the money of a refund that had succeeded, and may be refunded again. Its units stay
        claimed: they may be in stock again."""
        owed = amount_minor if self.status == "cancelled" else None
        return replace(
            self,
            refunded_minor=self.refunded_minor - amount_minor,
            owed_minor=owed if self.owed_minor is None else self.owed_minor + amount_minor,
            **self._next_version(at),
        )

    def repayment_failed(self, *, at: datetime) -> Self:
        """Cancelled, with all of its money that its refunds do not give back still owed."""
        return replace(self, owed_minor=self._unrefunded_minor, **self._next_version(at))

    def return_requested(self, lines: Iterable[Line], *, at: datetime) -> Self:
        """With these units being returned."""
        claimed = self._claimed_with(lines, +1)
        return replace(self, claimed=claimed, **self._next_version(at))

    def return_approved(self, *, at: datetime) -> Self:
        return replace(self, **self._next_version(at))

    def return_refused(self, lines: Iterable[Line], *, at: datetime) -> Self:
        """With these units not being returned any more."""
        claimed = self._claimed_with(lines, -1)
        return replace(self, claimed=claimed, **self._next_version(at))

    def as_placed(self) -> Self:
        """The order as the response to its placing had it."""
        return replace(
            self,
            status="pending",
            cancel_reason=None,
            updated_at=self.created_at,
            version=1,
            refunded_minor=0,
        )

    @property
    def is_erased(self) -> bool:
        """Whether the customer's personal data was erased."""
        return is_erased_email(self.email)

    def erased(self, *, at: datetime) -> Self:
        """The order without its customer's personal data.

        A pending order keeps its payment token: its payment needs it, and the next transition
        removes it.
        """
        erased = erase_personal(self, user_id=self.user_id)
        token = self.payment_token if self.status == "pending" else erased.payment_token
        return replace(erased, payment_token=token, action=None, **self._next_version(at))

    @property
    def deadline(self) -> datetime:
        """When its saga ends at the latest."""
        if self.action_until:
            return datetime.fromisoformat(self.action_until)
        return datetime.fromisoformat(self.created_at) + SAGA_DEADLINE

    def is_past_deadline(self, at: datetime) -> bool:
        """Whether its saga is open and must end now."""
        return self.status == "pending" and at >= self.deadline

    def age(self, at: datetime) -> timedelta:
        """For how long its saga or its compensation has been open."""
        if self.status == "pending":
            return at - datetime.fromisoformat(self.created_at)
        return compensation_age(self.updated_at, self.asks_at, at)

    def has_delayed_message(self, at: datetime) -> bool:
        """Whether a message for the order was sent with a delay and is still to come; one that
        arrives now is a duplicate.
        """
        if self.due_at is None:
            return False
        return datetime.fromisoformat(self.due_at) > at + LEASE + _CLOCK_SKEW

    def _moved_to(self, status: Status, at: datetime) -> Self:
        if status not in _TRANSITIONS.get(self.status, ()):
            raise IllegalTransition(current=self.status, wanted=status)
        return replace(
            self,
            status=status,
            payment_token="",
            action=None,
            action_until=None,
            due_at=self.due_at if self.pending_refunds else None,
            **self._next_version(at),
        )

    def _refund_finished(self, refund_id: str, amount_minor: int, at: datetime) -> Self:
        pending = tuple(id_ for id_ in self.pending_refunds if id_ != refund_id)
        return replace(
            self,
            refunding_minor=self.refunding_minor - amount_minor,
            pending_refunds=pending,
            # The compensation of a cancelled order follows its refunds.
            due_at=self.due_at if pending or self.status == "cancelled" else None,
            asks_at=self.asks_at if pending else None,
            **self._next_version(at),
        )

    def _owing(self, more_minor: int) -> dict[str, Any]:
        """The field that changes with what a cancelled order's admins have to refund."""
        return {} if self.owed_minor is None else {"owed_minor": self.owed_minor + more_minor}

    def _claimed_with(self, lines: Iterable[Line], sign: Literal[1, -1]) -> tuple[Line, ...]:
        """The claimed units with these or without them."""
        quantities = {line.product_id: line.quantity for line in self.claimed}
        for line in lines:
            before = quantities.get(line.product_id, 0)
            quantities[line.product_id] = before + sign * line.quantity
        return tuple(Line(product_id=id_, quantity=n) for id_, n in quantities.items() if n > 0)

    def _next_version(self, at: datetime) -> dict[str, Any]:
        """The fields that each change sets."""
        # The clocks of two environments differ, and an order's history must not run backwards.
        return {"version": self.version + 1, "updated_at": max(rfc3339(at), self.updated_at)}

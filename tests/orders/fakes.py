"""Fakes of the orders service's ports."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Final, Literal

from orders.models import STATUSES, Order, Status
from orders.ports import (
    ClaimedOrder,
    DueOrder,
    NoSuchPayment,
    OrderExists,
    Payment,
    PaymentOutcomeUnknown,
    PaymentState,
    PaymentUnavailable,
    StockUnavailable,
)
from shared.contracts.directory import Customer, UserNotFound
from shared.contracts.events import Event, EventType
from shared.contracts.inventory import (
    Line,
    OutOfStock,
    PricedLine,
    Reservation,
    ReservationEnded,
    UnknownProduct,
)
from shared.errors import ServiceUnavailable
from shared.messaging import outbox
from shared.pages import Page
from shared.personal import personal_fields
from shared.storage.conflicts import ConcurrentChange

type Fault = Literal["down", "unanswered", "undelivered"]
"""An operation of the payment provider is refused; executed without an answer; or not executed and
without an answer."""

# The state that an operation moves a payment out of, and the state that it moves it to.
_MOVES: Final[dict[str, tuple[PaymentState, PaymentState]]] = {
    "capture": ("authorized", "captured"),
    "void": ("authorized", "voided"),
    "refund": ("captured", "refunded"),
}


class InMemoryOrders:
    """`Orders`; test_repository.py holds it to the same contract as the repository."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.events: dict[str, list[Event]] = {}

    def find(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def add(self, order: Order) -> None:
        if order.id in self.orders:
            raise OrderExists(self.orders[order.id])
        self._write(order, order.event_type)

    def change(self, before: Order, after: Order) -> None:
        self._write(self._merged(before, after), after.event_type)

    def erase(self, before: Order, after: Order) -> None:
        merged = self._merged(before, after)
        erased = {name: getattr(after, name) for name in personal_fields(Order)}
        self.events[after.id] = [
            event.model_copy(
                update={"data": event.data | {n: v for n, v in erased.items() if n in event.data}}
            )
            for event in self.events[after.id]
        ]
        self._write(merged, "user.erased")

    def settle(self, order: Order) -> None:
        self.orders[order.id] = replace(self._unchanged(order), due_at=None)

    def due(self, before: str) -> Iterator[DueOrder]:
        due = [
            DueOrder(o.id, o.due_at) for o in self.orders.values() if o.due_at and o.due_at < before
        ]
        return iter(sorted(due, key=lambda order: order.due_at))

    def claim(self, order: DueOrder, *, until: str) -> ClaimedOrder | None:
        stored = self.orders[order.id]
        if stored.due_at != order.due_at:
            return None
        self.orders[order.id] = replace(stored, due_at=until)
        return ClaimedOrder(stored.id, stored.status, stored.version, stored.updated_at)

    def defer(self, order: Order, *, until: str) -> bool:
        stored = self.orders[order.id]
        if not stored.due_at or stored.due_at != order.due_at:
            return False
        payment_id = order.payment_id or stored.payment_id
        self.orders[order.id] = replace(stored, due_at=until, payment_id=payment_id)
        return True

    def of_user(self, user_id: str) -> Iterator[Order]:
        return iter([order for order in self.orders.values() if order.user_id == user_id])

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> Page[Order, str]:
        found = [
            order
            for order in sorted(self.orders.values(), key=lambda o: o.listed_at, reverse=True)
            if user_id in (None, order.user_id)
            and status in (None, order.status)
            and (after is None or order.listed_at < after)
        ]
        return Page.cut(found, limit, lambda order: order.listed_at)

    def history(self, order_id: str, *, after: int | None, limit: int) -> Page[Event, int]:
        found = [e for e in self.events.get(order_id, []) if e.version > (after or 0)]
        return Page.cut(found, limit, lambda event: event.version)

    def totals(self) -> dict[Status, int]:
        counted = Counter(o.status for o in self.orders.values())
        return {status: counted[status] for status in STATUSES}

    def _unchanged(self, before: Order) -> Order:
        stored = self.orders[before.id]
        if stored.version != before.version:
            raise ConcurrentChange(stored)
        return stored

    def _merged(self, before: Order, after: Order) -> Order:
        """The stored order with what differs between the two."""
        names = (field.name for field in fields(Order))
        changes = {n: getattr(after, n) for n in names if getattr(before, n) != getattr(after, n)}
        return replace(self._unchanged(before), **changes)

    def _write(self, order: Order, type_: EventType) -> None:
        self.orders[order.id] = order
        event = outbox.event(
            type_,
            aggregate_id=order.id,
            version=order.version,
            at=order.updated_at,
            data=order.data().model_dump(mode="json"),
        )
        self.events.setdefault(order.id, []).append(event)


class FakeCustomers:
    """`Customers`; unavailable while `down`."""

    def __init__(self, *customers: Customer) -> None:
        self.customers = {customer.id: customer for customer in customers}
        self.down = False

    def find_customer(self, user_id: str) -> Customer:
        if self.down:
            raise ServiceUnavailable("users", retry_after=2)
        if user_id not in self.customers:
            raise UserNotFound
        return self.customers[user_id]

    def deactivate(self, user_id: str) -> None:
        self.customers[user_id] = self.customers[user_id].model_copy(update={"is_active": False})


class FakeInventory:
    """`Reservations` and `Stock`: idempotent by order; a release prevents later commands. Every
    product costs 11.00.

    Attributes:
        down: whether it is unavailable.
        before: callbacks that run once just before a command, by the command's name.
        seconds_later: the time between the first and the second `reserve` of an order.
    """

    def __init__(self, **available: int) -> None:
        self.available = dict(available)
        self.seconds_later = 0
        self.reservations: dict[str, str] = {}
        self.lines: dict[str, list[PricedLine]] = {}
        self.down = False
        self.before: dict[str, Callable[[], object]] = {}

    def reserve(self, order_id: str, lines: Sequence[Line]) -> Reservation:
        if self.down:
            raise ServiceUnavailable("products", retry_after=2)
        state = self.reservations.get(order_id)
        if state == "released":
            raise ReservationEnded
        if state is None:
            for line in lines:
                available = self.available.get(line.product_id)
                if available is None:
                    raise UnknownProduct(product_id=line.product_id)
                if available < line.quantity:
                    raise OutOfStock(
                        product_id=line.product_id, requested=line.quantity, available=available
                    )
            self.lines[order_id] = [
                PricedLine(**line.model_dump(), name=line.product_id.title(), unit_price_minor=1100)
                for line in lines
            ]
            self._move(order_id, -1)
            self.reservations[order_id] = "held"
        return Reservation(
            order_id=order_id,
            lines=self.lines[order_id],
            currency="EUR",
            held_seconds_ago=self.seconds_later if state else None,
        )

    def confirm(self, order_id: str) -> None:
        self._reached("confirm")
        if self.reservations.get(order_id) not in ("held", "confirmed"):
            raise ReservationEnded
        self.reservations[order_id] = "confirmed"

    def release(self, order_id: str) -> None:
        self._reached("release")
        if self.reservations.get(order_id) in ("held", "confirmed"):
            self._move(order_id, +1)
        self.reservations[order_id] = "released"

    def _reached(self, command: str) -> None:
        if self.down:
            raise StockUnavailable
        if callback := self.before.pop(command, None):
            callback()

    def _move(self, order_id: str, sign: int) -> None:
        for line in self.lines[order_id]:
            self.available[line.product_id] += sign * line.quantity


class InMemoryPayments:
    """`Payments`; test_sandbox_payments.py holds it to the same contract as the sandbox.

    Attributes:
        faults: what is wrong with operations, by their names.
        before: callbacks that run once just before an operation, by the operation's name.
        calls: the operations that were executed.
    """

    def __init__(self) -> None:
        self.states: dict[str, PaymentState] = {}
        self.amounts: dict[str, int] = {}
        self.faults: dict[str, Fault] = {}
        self.before: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []

    def authorize(self, key: str, *, amount_minor: int, currency: str, token: str) -> Payment:
        if token == "tok_unavailable":
            raise PaymentUnavailable
        if token == "tok_timeout":
            self.faults["authorize"] = "unanswered"
        self.amounts[key] = amount_minor
        is_approved = token in ("tok_ok", "tok_timeout")
        return self._do("authorize", key, "authorized" if is_approved else "declined")

    def capture(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._do("capture", key)

    def void(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._do("void", key, "voided")

    def refund(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._do("refund", key)

    def find(self, key: str, _payment_id: str | None, /) -> Payment | None:
        self._reached("find")
        return self._payment(key) if key in self.states else None

    def _do(self, operation: str, key: str, new: PaymentState | None = None) -> Payment:
        """Execute an operation; `new` is the state of a payment that did not exist."""
        self._reached(operation)
        state = self.states.get(key, new)
        if state is None:
            raise NoSuchPayment(key)
        from_, to = _MOVES.get(operation, (state, state))
        self.states[key] = to if state == from_ else state
        if self.faults.get(operation) == "unanswered":
            raise PaymentOutcomeUnknown
        return self._payment(key)

    def _payment(self, key: str) -> Payment:
        return Payment(key, f"pay-{key}", self.states[key])

    def _reached(self, operation: str) -> None:
        if callback := self.before.pop(operation, None):
            callback()
        fault = self.faults.get(operation)
        if fault == "down":
            raise PaymentUnavailable
        if fault == "undelivered":
            raise PaymentOutcomeUnknown
        self.calls.append(operation)

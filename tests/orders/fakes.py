"""The orders service's collaborators, in memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from orders.models import STATUSES, Order, Status
from orders.ports import (
    ClaimedOrder,
    DueOrder,
    HistoryPage,
    NoSuchPayment,
    OrderExists,
    OrderPage,
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
from shared.runtime import clock
from shared.runtime.clock import Clock
from shared.storage.conflicts import ConcurrentChange

_KEYS_ARE_KEPT: Final = timedelta(hours=24)


class InMemoryOrders:
    """`orders.ports.Orders`, by the same contract suite as the real one."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.events: dict[str, list[Event]] = {}

    def find(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def add(self, order: Order) -> None:
        if order.id in self.orders:
            raise OrderExists(self.orders[order.id])
        self._write(order)

    def change(self, before: Order, after: Order) -> None:
        there = self._unchanged(before)
        self._write(replace(after, payment_id=after.payment_id or there.payment_id))

    def erase(self, before: Order, after: Order) -> None:
        there = self._unchanged(before)
        instead = {"user_name": after.user_name, "email": after.email}
        self.events[after.id] = [
            fact.model_copy(update={"data": fact.data | instead}) for fact in self.events[after.id]
        ]
        self._write(replace(after, due_at=there.due_at, payment_id=there.payment_id), "user.erased")

    def settle(self, order: Order) -> None:
        self.orders[order.id] = replace(self._unchanged(order), due_at=None)

    def due(self, before: str) -> Iterator[DueOrder]:
        due = [
            DueOrder(o.id, o.due_at) for o in self.orders.values() if o.due_at and o.due_at < before
        ]
        return iter(sorted(due, key=lambda order: order.due_at))

    def claim(self, order: DueOrder, *, until: str) -> ClaimedOrder | None:
        there = self.orders[order.id]
        if there.due_at != order.due_at:
            return None
        self.orders[order.id] = replace(there, due_at=until)
        return ClaimedOrder(there.id, there.status, there.version, there.updated_at)

    def defer(self, order: Order, *, until: str) -> bool:
        there = self.orders[order.id]
        if not there.due_at or there.due_at != order.due_at:
            return False
        payment_id = order.payment_id or there.payment_id
        self.orders[order.id] = replace(there, due_at=until, payment_id=payment_id)
        return True

    def of_user(self, user_id: str) -> Iterator[Order]:
        return iter([order for order in self.orders.values() if order.user_id == user_id])

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> OrderPage:
        found = sorted(
            (
                o
                for o in self.orders.values()
                if user_id in (None, o.user_id)
                and status in (None, o.status)
                and (after is None or o.listed_at < after)
            ),
            key=lambda o: o.listed_at,
            reverse=True,
        )
        kept = found[:limit]
        return OrderPage(kept, kept[-1].listed_at if len(found) > limit else None)

    def history(self, order_id: str, *, after: int | None, limit: int) -> HistoryPage:
        found = [e for e in self.events.get(order_id, []) if e.version > (after or 0)]
        kept = found[:limit]
        return HistoryPage(kept, kept[-1].version if len(found) > limit else None)

    def totals(self) -> dict[Status, int]:
        counted = Counter(o.status for o in self.orders.values())
        return {status: counted[status] for status in STATUSES}

    def told(self, order_id: str) -> list[str]:
        """The types of the order's events."""
        return [event.type for event in self.events[order_id]]

    def _unchanged(self, before: Order) -> Order:
        there = self.orders[before.id]
        if there.version != before.version:
            raise ConcurrentChange(there)
        return there

    def _write(self, order: Order, type_: EventType | None = None) -> None:
        self.orders[order.id] = order
        self.events.setdefault(order.id, []).append(
            outbox.event(
                type_ or order.event_type,
                aggregate_id=order.id,
                version=order.version,
                at=order.updated_at,
                data=order.data().model_dump(mode="json"),
            )
        )


class Killed(BaseException):
    """As when a function's time is up: nobody catches it, nothing is tidied up."""


class FakeCustomers:
    """A directory; `down` makes it unavailable, `before` happens once, before the next answer."""

    def __init__(self, *customers: Customer) -> None:
        self.customers = {customer.id: customer for customer in customers}
        self.down = False
        self.asked = 0
        self.before: Callable[[], object] = _nothing

    def find_customer(self, user_id: str) -> Customer:
        self.asked += 1
        before, self.before = self.before, _nothing
        before()
        if self.down:
            raise ServiceUnavailable("users", retry_after=2)
        if user_id not in self.customers:
            raise UserNotFound
        return self.customers[user_id]

    def deactivate(self, user_id: str) -> None:
        self.customers[user_id] = self.customers[user_id].model_copy(update={"is_active": False})


class FakeInventory:
    """Stock and its reservations, with the inventory's promises: idempotent by order, tombstones on release.

    `down` makes it unavailable; `before` holds what happens just before a command is done, by its name; `seconds_later` is
    when an order's second reserve comes.
    """

    def __init__(self, **available: int) -> None:
        self.available = dict(available)
        self.seconds_later = 0
        self.reservations: dict[str, str] = {}
        self.lines: dict[str, list[PricedLine]] = {}
        self.down = False
        self.before: dict[str, Callable[[], None]] = {}

    def reserve(self, order_id: str, lines: Sequence[Line]) -> Reservation:
        if self.down:
            raise ServiceUnavailable("products", retry_after=2)
        state = self.reservations.get(order_id)
        if state == "released":
            raise ReservationEnded
        if state is None:
            for line in lines:
                if line.product_id not in self.available:
                    raise UnknownProduct(product_id=line.product_id)
                if self.available[line.product_id] < line.quantity:
                    raise OutOfStock(
                        product_id=line.product_id,
                        requested=line.quantity,
                        available=self.available[line.product_id],
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
        self.before.pop(command, _nothing)()

    def _move(self, order_id: str, sign: int) -> None:
        for line in self.lines[order_id]:
            self.available[line.product_id] += sign * line.quantity


class InMemoryPayments:
    """`orders.payments.Payments`, by the same contract suite as the sandbox.

    `down` names operations for which the provider is down, `mute` those that are done without an answer, `lost`
    those that are neither done nor answered; `before` holds what happens just before an operation is done, by its name.
    """

    def __init__(self, now: Clock = clock.now) -> None:
        self._now = now
        # A key is forgotten after a day: then an authorisation by it is a new payment.
        self._opened: dict[str, datetime] = {}
        self.authorizations: Counter[str] = Counter()
        self.states: dict[str, PaymentState] = {}
        self.amounts: dict[str, int] = {}
        self.down: set[str] = set()
        self.mute: set[str] = set()
        self.lost: set[str] = set()
        self.before: dict[str, Callable[[], None]] = {}
        self.done: list[str] = []

    def remember(self, key: str) -> None:
        """The provider knows the payment by its key from now on, for a day."""
        self._opened[key] = self._now()

    def authorize(self, key: str, *, amount_minor: int, currency: str, token: str) -> Payment:
        if token == "tok_unavailable":
            raise PaymentUnavailable
        opened: PaymentState = "authorized" if token in ("tok_ok", "tok_timeout") else "declined"
        self.amounts[key] = amount_minor
        if token == "tok_timeout":
            self.mute.add("authorize")
        return self._do("authorize", key, opened, {})

    def capture(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._do("capture", key, None, {"authorized": "captured"})

    def void(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._do("void", key, "voided", {"authorized": "voided"})

    def refund(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._do("refund", key, None, {"captured": "refunded"})

    def find(self, key: str, _payment_id: str | None, /) -> Payment | None:
        self._reached("find")
        self.done.append("find")
        return Payment(key, f"pay-{key}", self.states[key]) if key in self.states else None

    def _do(
        self,
        operation: str,
        key: str,
        opened: PaymentState | None,
        moves: dict[PaymentState, PaymentState],
    ) -> Payment:
        self._reached(operation)
        state = self.states.get(key)
        is_forgotten = operation == "authorize" and (
            key not in self._opened or self._now() - self._opened[key] > _KEYS_ARE_KEPT
        )
        if state is None or (is_forgotten and state != "voided"):
            if opened is None:
                raise NoSuchPayment(key)
            state = opened
            self.remember(key)
            self.authorizations[key] += state == "authorized"
        else:
            state = moves.get(state, state)
        self.states[key] = state
        self.done.append(operation)
        if operation in self.mute:
            raise PaymentOutcomeUnknown
        return Payment(key, f"pay-{key}", state)

    def _reached(self, operation: str) -> None:
        self.before.pop(operation, _nothing)()
        if operation in self.down:
            raise PaymentUnavailable
        if operation in self.lost:
            raise PaymentOutcomeUnknown


def _nothing() -> None:
    """What happens before most things."""

"""Fakes of the orders service's ports."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from orders.payments.ports import (
    Charge,
    Payment,
    PaymentOutcomeUnknown,
    PaymentState,
    PaymentUnavailable,
    RefundState,
)
from orders.payments.sandbox import SandboxPayments
from orders.ports import StockUnavailable
from shared.contracts.directory import Customer, UserNotFound
from shared.contracts.inventory import (
    Line,
    OutOfStock,
    PriceChanged,
    PricedLine,
    Reservation,
    ReservationEnded,
    UnknownProduct,
)
from shared.errors import ServiceUnavailable
from shared.money import to_text
from shared.runtime.clock import Clock
from shared.storage.dynamodb import Item, Key, Table

type Fault = Literal["down", "unanswered", "undelivered"]
"""An operation of the payment provider is refused; executed without an answer; or not executed and
without an answer."""


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

    def change(self, user_id: str, **values: object) -> None:
        self.customers[user_id] = self.customers[user_id].model_copy(update=values)


class FakeInventory:
    """`Reservations` and `Stock`: idempotent by order; a release prevents later commands. A product
    costs 11.00, unless `prices` says otherwise.

    Attributes:
        down: whether it is unavailable.
        before: callbacks that run once just before a command, by the command's name.
        seconds_later: the time between the first and the second `reserve` of an order.
    """

    def __init__(self, **available: int) -> None:
        self.available = dict(available)
        self.prices: dict[str, int] = {}
        self.seconds_later = 0
        self.reservations: dict[str, str] = {}
        self.lines: dict[str, list[PricedLine]] = {}
        self.given_back: Counter[tuple[str, str]] = Counter()
        self.keys: set[str] = set()
        self.down = False
        self.before: dict[str, Callable[[], object]] = {}

    def reserve(
        self, order_id: str, lines: Sequence[Line], *, expected_total_minor: int | None = None
    ) -> Reservation:
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
            priced = [
                PricedLine(
                    **line.model_dump(),
                    name=line.product_id.title(),
                    unit_price_minor=self.prices.get(line.product_id, 1100),
                )
                for line in lines
            ]
            total = sum(line.total_minor for line in priced)
            if expected_total_minor not in (None, total):
                raise PriceChanged(total_amount=to_text(total))
            self.lines[order_id] = priced
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

    def give_back(self, order_id: str, lines: Sequence[Line], *, key: str) -> None:
        self._reached("give_back")
        if self.reservations.get(order_id) == "confirmed" and key not in self.keys:
            self.keys.add(key)
            for line in lines:
                self.available[line.product_id] += line.quantity
                self.given_back[order_id, line.product_id] += line.quantity

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
            left = line.quantity - self.given_back[order_id, line.product_id]
            self.available[line.product_id] += sign * left


class FaultyPayments:
    """The sandbox, whose operations may fail.

    Attributes:
        faults: what is wrong with operations, by their names.
        before: callbacks that run once just before an operation, by the operation's name.
        calls: the operations that were executed.
        refund_states: what the provider makes of refunds, by their keys, instead of giving money
            back.
    """

    name = SandboxPayments.name

    def __init__(self, ledger: Table, now: Clock) -> None:
        self._ledger = ledger
        self._sandbox = SandboxPayments(ledger, now)
        self.faults: dict[str, Fault] = {}
        self.before: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []
        self.refund_states: dict[str, RefundState] = {}

    def item(self, key: str) -> Item:
        """The payment in the ledger."""
        return self._ledger.get(_key(key)) or {}

    def set_state(self, key: str, state: PaymentState) -> None:
        """Make a payment of this state, or change one to it."""
        amount: Item = {"amount_minor": 1100, "currency": "EUR"}
        self._ledger.put({**_key(key), "state": state, "entries": [state], **amount})

    def authorize(self, charge: Charge) -> Payment:
        return self._do("authorize", lambda: self._sandbox.authorize(charge))

    def capture(self, charge: Charge) -> Payment:
        return self._do("capture", lambda: self._sandbox.capture(charge))

    def void(self, charge: Charge) -> Payment:
        return self._do("void", lambda: self._sandbox.void(charge))

    def refund(self, charge: Charge, *, key: str, amount_minor: int) -> RefundState:
        def refund() -> RefundState:
            made = self.refund_states.get(key)
            return made or self._sandbox.refund(charge, key=key, amount_minor=amount_minor)

        return self._do("refund", refund)

    def find(self, charge: Charge) -> Payment | None:
        return self._do("find", lambda: self._sandbox.find(charge))

    def find_refund(self, charge: Charge, *, key: str) -> RefundState | None:
        def find() -> RefundState | None:
            return self.refund_states.get(key) or self._sandbox.find_refund(charge, key=key)

        return self._do("find_refund", find)

    def _do[R](self, operation: str, execute: Callable[[], R]) -> R:
        if callback := self.before.pop(operation, None):
            callback()
        fault = self.faults.get(operation)
        if fault == "down":
            raise PaymentUnavailable
        if fault == "undelivered":
            raise PaymentOutcomeUnknown
        self.calls.append(operation)
        result = execute()
        if fault == "unanswered":
            raise PaymentOutcomeUnknown
        return result


def _key(key: str) -> Key:
    return {"pk": f"SANDBOX-PAYMENT#{key}", "sk": "PAYMENT"}

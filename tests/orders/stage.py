"""The saga on fakes."""

from orders.models import Order
from orders.saga import Checkout
from tests.orders.builders import MINUTE, a_basket, a_line, an_order
from tests.orders.fakes import FakeClock, FakeInventory, InMemoryOrders, InMemoryPayments
from tests.support.context import a_deadline


class Stage:
    """A saga on fakes, with ten mugs of which each placed order holds one."""

    def __init__(self) -> None:
        self.orders = InMemoryOrders()
        self.stock = FakeInventory(mug=10)
        self.payments = InMemoryPayments()
        self.clock = FakeClock()
        self.saga = Checkout(self.orders, self.stock, self.payments, self.clock)

    def placed(self, token: str = "tok_ok", number: int = 1) -> Order:
        basket = a_basket(("mug", 1), payment_token=token)
        order = an_order(number, at=self.clock.now, basket=basket, lines=[a_line("mug", 1, 1999)])
        self.stock.reserve(order.id, basket.lines)
        self.orders.add(order)
        return order

    def advance(self, order: Order) -> Order:
        self.saga.advance(order.id)
        return self.now(order)

    def now(self, order: Order) -> Order:
        return self.orders.orders[order.id]

    def cancel(self, order: Order) -> None:
        """As the API does, on behalf of a customer."""
        now = self.now(order)
        self.orders.change(now, now.cancelled(at=self.clock.now, reason="customer_request"))

    def minutes_pass(self, minutes: int) -> None:
        """With the sweeper's tick at each."""
        for _ in range(minutes):
            self.clock.now += MINUTE
            self.saga.sweep(a_deadline())

    def assert_given_back(self, order: Order, money: str = "voided") -> None:
        now = self.now(order)
        assert now.status == "cancelled"
        assert now.due_at is None
        assert self.stock.reservations[order.id] == "released"
        assert self.stock.available["mug"] == 10
        assert self.payments.states[order.id] == money
        assert self.orders.told(order.id)[-1] == "order.cancelled"

    def assert_confirmed(self, order: Order) -> None:
        now = self.now(order)
        assert (now.status, now.due_at) == ("confirmed", None)
        assert self.stock.reservations[order.id] == "confirmed"
        assert self.payments.states[order.id] == "captured"
        assert self.orders.told(order.id) == ["order.placed", "order.confirmed"]

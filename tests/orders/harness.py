"""The orders service and its saga, each on fakes."""

import heapq
import json
import math
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from orders.api import create_app
from orders.due_orders import DueOrderSweep
from orders.models import Order
from orders.saga import CheckoutSaga
from orders.service import OrderService
from shared.contracts.directory import Customer
from shared.messaging.redelivery import RetryLater
from shared.web.cursors import Cursors
from tests.orders.builders import a_basket, a_line, an_order, confirmed, event_types
from tests.orders.fakes import FakeCustomers, FakeInventory, InMemoryOrders, InMemoryPayments
from tests.support.callers import ALICE, BOB, FakeVerifier
from tests.support.clock import ManualClock
from tests.support.context import a_deadline
from tests.support.http import Answer, HttpClient

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ORDERS = "/api/v1/orders"


class ServiceHarness:
    """The service and its API on fakes; customers are Alice and Bob, in stock are ten mugs and ten
    trays.
    """

    def __init__(self, orders: InMemoryOrders | None = None) -> None:
        self.orders = orders or InMemoryOrders()
        self.customers = FakeCustomers(
            *(
                Customer(id=c.id, full_name=name, email=f"{c.id}@example.com", is_active=True)
                for c, name in ((ALICE, "Alice Example"), (BOB, "Bob Example"))
            )
        )
        self.inventory = FakeInventory(mug=10, tray=10)
        self.clock = ManualClock()
        self.service = OrderService(self.orders, self.customers, self.inventory, self.clock)
        app = create_app(self.service, FakeVerifier(), Cursors(lambda: b"k" * 32))
        self.http = HttpClient(app)

    def placed(self, key: str = "k", *lines: tuple[str, int]) -> Order:
        return self.service.place(ALICE, key, a_basket(*lines)).order

    def confirmed(self, key: str = "k") -> Order:
        return confirmed(self.orders, self.placed(key))

    def post_order(
        self, body: object = None, *, key: str | None = "", caller: Any = ALICE
    ) -> Answer:
        """Order one mug by default, with a new key if it is empty and without one if it is None."""
        headers = {} if key is None else {"Idempotency-Key": key or uuid.uuid4().hex}
        default = {"items": [{"product_id": "mug", "quantity": 1}]}
        return self.http.post(
            ORDERS, default if body is None else body, caller=caller, headers=headers
        )


class FakeQueue:
    """The checkout's queue, for the sweeper: the ids of the orders that messages were sent for."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.batch_sizes: list[int] = []
        self.failure: Exception | None = None

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803  # boto3's names
        if self.failure:
            raise self.failure
        assert QueueUrl == "the-queue"
        self.batch_sizes.append(len(Entries))
        self.sent += [json.loads(entry["MessageBody"])["aggregate_id"] for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


class SagaHarness:
    """The saga, its messages and the sweeper on fakes; each order takes one of ten mugs."""

    def __init__(self) -> None:
        self.orders = InMemoryOrders()
        self.stock = FakeInventory(mug=10)
        self.clock = ManualClock()
        self.payments = InMemoryPayments(self.clock)
        self.queue = FakeQueue()
        self.messages: list[tuple[datetime, str]] = []
        self.sweep = DueOrderSweep(
            self.orders, cast("SQSClient", self.queue), "the-queue", self.clock
        )
        self.restart()

    def restart(self) -> None:
        """Start a new environment, whose circuits are closed."""
        self.saga = CheckoutSaga(self.orders, self.stock, self.payments, self.clock)

    def placed(self, token: str = "tok_ok", number: int = 1) -> Order:
        basket = a_basket(("mug", 1), payment_token=token)
        order = an_order(number, at=self.clock.now, basket=basket, lines=[a_line("mug", 1, 1999)])
        self.stock.reserve(order.id, basket.lines)
        self.orders.add(order)
        return order

    def advance(self, order: Order) -> Order:
        """Deliver a message of the order and return the order after it."""
        self.deliver(order.id)
        return self.current(order)

    def deliver(self, order_id: str) -> float | None:
        """Deliver a message; return its delay in seconds if it is sent again, None if it is
        finished.
        """
        try:
            self.saga.advance(order_id)
        except RetryLater as rest:
            at = self.clock.now + timedelta(seconds=math.ceil(rest.seconds))
            heapq.heappush(self.messages, (at, order_id))
            return rest.seconds
        return None

    def current(self, order: Order) -> Order:
        return self.orders.orders[order.id]

    def cancel(self, order: Order) -> None:
        """Cancel the order as the API does."""
        before = self.current(order)
        after = before.cancelled(at=self.clock.now, reason="customer_request")
        self.orders.change(before, after)

    def pass_minutes(self, minutes: int) -> None:
        """Let time pass, with the delayed messages and a sweep in each minute."""
        for _ in range(minutes):
            self.pass_seconds(60)
            self.run_sweep()

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, with the delayed messages."""
        until = self.clock.now + timedelta(seconds=seconds)
        while self.messages and self.messages[0][0] <= until:
            at, order_id = heapq.heappop(self.messages)
            self.clock.now = max(self.clock.now, at)
            self.deliver(order_id)
        self.clock.now = until

    def run_sweep(self) -> int:
        """Run the sweeper and deliver its messages."""
        self.queue.sent.clear()
        found = self.sweep.run(a_deadline())
        for order_id in list(self.queue.sent):
            self.deliver(order_id)
        return found

    def assert_given_back(self, order: Order, money: str = "voided") -> None:
        current = self.current(order)
        assert current.status == "cancelled"
        assert current.due_at is None
        assert self.stock.reservations[order.id] == "released"
        assert self.stock.available["mug"] == 10
        assert self.payments.states[order.id] == money
        assert event_types(self.orders, order)[-1] == "order.cancelled"

    def assert_confirmed(self, order: Order) -> None:
        current = self.current(order)
        assert (current.status, current.due_at) == ("confirmed", None)
        assert current.payment_id == f"pay-{order.id}"
        assert self.stock.reservations[order.id] == "confirmed"
        assert self.payments.states[order.id] == "captured"
        assert event_types(self.orders, order) == ["order.placed", "order.confirmed"]

"""The saga on fakes."""

import heapq
import json
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from orders.due_orders import DueOrderSweep
from orders.models import Order
from orders.saga import CheckoutSaga
from shared.messaging.redelivery import ComeAgain
from tests.orders.builders import a_basket, a_line, an_order
from tests.orders.fakes import FakeInventory, InMemoryOrders, InMemoryPayments
from tests.support.clock import ManualClock
from tests.support.context import a_deadline

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Letterbox:
    """The checkout's queue as the sweeper knows it: orders' ids, in the order in which they were sent; `fails` for SQS down."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.calls: list[int] = []
        self.fails: Exception | None = None

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803  # boto3's names
        if self.fails:
            raise self.fails
        assert QueueUrl == "the-queue"
        self.calls.append(len(Entries))
        self.sent += [json.loads(entry["MessageBody"])["aggregate_id"] for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


class Stage:
    """A saga on fakes, with ten mugs of which each placed order holds one."""

    def __init__(self) -> None:
        self.orders = InMemoryOrders()
        self.stock = FakeInventory(mug=10)
        self.clock = ManualClock()
        self.payments = InMemoryPayments(self.clock)
        self.letterbox = Letterbox()
        self.messages: list[tuple[datetime, str]] = []
        self.overdue = DueOrderSweep(
            self.orders, cast("SQSClient", self.letterbox), "the-queue", self.clock
        )
        self.restart()

    def restart(self) -> None:
        """A new environment, that remembers no failures."""
        self.saga = CheckoutSaga(self.orders, self.stock, self.payments, self.clock)

    def placed(self, token: str = "tok_ok", number: int = 1) -> Order:
        basket = a_basket(("mug", 1), payment_token=token)
        order = an_order(number, at=self.clock.now, basket=basket, lines=[a_line("mug", 1, 1999)])
        self.stock.reserve(order.id, basket.lines)
        self.orders.add(order)
        return order

    def advance(self, order: Order) -> Order:
        """As a message does."""
        self.deliver(order.id)
        return self.now(order)

    def deliver(self, order_id: str) -> float | None:
        """Handle a message; return after how many seconds it is delivered again, None if it is finished."""
        try:
            self.saga.advance(order_id)
        except ComeAgain as rest:
            at = self.clock.now + timedelta(seconds=math.ceil(rest.seconds))
            heapq.heappush(self.messages, (at, order_id))
            return rest.seconds
        return None

    def now(self, order: Order) -> Order:
        return self.orders.orders[order.id]

    def cancel(self, order: Order) -> None:
        """As the API does, on behalf of a customer."""
        now = self.now(order)
        self.orders.change(now, now.cancelled(at=self.clock.now, reason="customer_request"))

    def minutes_pass(self, minutes: int) -> None:
        """With the messages that are sent again, and the sweeper's tick at each minute."""
        for _ in range(minutes):
            self.pass_seconds(60)
            self.sweep()

    def pass_seconds(self, seconds: float) -> None:
        """With the messages that are sent again."""
        until = self.clock.now + timedelta(seconds=seconds)
        while self.messages and self.messages[0][0] <= until:
            at, order_id = heapq.heappop(self.messages)
            self.clock.now = max(self.clock.now, at)
            self.deliver(order_id)
        self.clock.now = until

    def sweep(self) -> int:
        """The sweeper's tick, and what it sends."""
        self.letterbox.sent.clear()
        found = self.overdue.run(a_deadline())
        for order_id in list(self.letterbox.sent):
            self.deliver(order_id)
        return found

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
        assert now.payment_id == f"pay-{order.id}"
        assert self.stock.reservations[order.id] == "confirmed"
        assert self.payments.states[order.id] == "captured"
        assert self.orders.told(order.id) == ["order.placed", "order.confirmed"]

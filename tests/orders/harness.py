"""The orders service, its API, its saga and its sweeper, on fakes and the simulated DynamoDB."""

import heapq
import json
import math
import uuid
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from orders.api import router
from orders.due_orders import DueOrderSweep
from orders.erasure import Erasure
from orders.models import Order
from orders.refunds.repository import DynamoRefunds
from orders.refunds.service import RefundService
from orders.repository import DynamoOrders
from orders.returns.repository import DynamoReturns
from orders.returns.service import ReturnService
from orders.saga import CheckoutSaga
from orders.service import OrderService
from shared.contracts.events import Event
from shared.messaging.redelivery import RetryLater
from shared.runtime.clock import rfc3339
from shared.storage.shards import MARKS
from tests.orders.builders import CUSTOMER, a_basket, confirmed, event_types, stored
from tests.orders.fakes import FakeCustomers, FakeInventory, FaultyPayments
from tests.support.aws import simulated_table
from tests.support.callers import ALICE, BOB
from tests.support.clock import ManualClock
from tests.support.context import a_deadline
from tests.support.http import Answer, HttpClient, serve

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ORDERS = "/api/v1/orders"
ACTION_WITHIN = timedelta(minutes=30)


class FakeQueue:
    """The checkout's queue: `batches` are the orders that the sweeper sent messages for."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    @property
    def sent(self) -> list[str]:
        return [id_ for batch in self.batches for id_ in batch]

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803  # boto3's names
        assert QueueUrl == "the-queue"
        self.batches.append([json.loads(e["MessageBody"])["aggregate_id"] for e in Entries])
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


class OrdersHarness:
    """Alice and Bob are customers; in stock are ten mugs and ten trays."""

    def __init__(self, orders: type[DynamoOrders] = DynamoOrders) -> None:
        self._table = table = simulated_table("OrdersTable")
        self.orders = orders(table)
        self.refunds = DynamoRefunds(table, self.orders)
        self.customers = FakeCustomers(CUSTOMER, CUSTOMER.model_copy(update={"id": BOB.id}))
        self.inventory = FakeInventory(mug=10, tray=10)
        self.clock = ManualClock()
        self.payments = FaultyPayments(table, self.clock)
        self.queue = FakeQueue()
        # Messages of waiting orders, by the time of their delivery.
        self.messages: list[tuple[datetime, str]] = []
        self.service = OrderService(self.orders, self.customers, self.inventory, self.clock)
        self.refunding = RefundService(self.service, self.refunds, self.clock)
        self.returns = DynamoReturns(table, self.orders)
        self.returning = ReturnService(
            self.service, self.returns, self.clock, period=timedelta(days=30)
        )
        self.sweep = DueOrderSweep(
            self.orders, cast("SQSClient", self.queue), "the-queue", self.clock
        )
        self.restart()

    def restart(self) -> None:
        """Start a new environment of the checkout, whose circuits are closed."""
        self.saga = CheckoutSaga(
            self.orders,
            self.inventory,
            self.payments,
            self.refunds,
            self.clock,
            action_within=ACTION_WITHIN,
        )

    @cached_property
    def http(self) -> HttpClient:
        return serve(router, service=self.service, refunds=self.refunding, returns=self.returning)

    def post_order(self, body: object = None, *, key: str | None = "") -> Answer:
        """Order one mug by default, with a new key if it is empty and without one if it is None."""
        headers = {} if key is None else {"Idempotency-Key": key or uuid.uuid4().hex}
        default = {"items": [{"product_id": "mug", "quantity": 1}]}
        sent = default if body is None else body
        return self.http.post(ORDERS, sent, caller=ALICE, headers=headers)

    def placed(self, key: str = "k", *lines: tuple[str, int], token: str = "tok_ok") -> Order:
        return self.service.place(ALICE, key, a_basket(*lines, payment_token=token)).order

    def confirmed(self, key: str = "k") -> Order:
        return confirmed(self.orders, self.placed(key))

    def current(self, order: Order) -> Order:
        return stored(self.orders, order)

    def advance(self, order: Order) -> Order:
        """Deliver a message of the order and return the order after it."""
        self.deliver(order.id)
        return self.current(order)

    def deliver(self, order_id: str, *, is_news: bool = False, refund_id: str = "") -> float | None:
        """Deliver a message; return its delay in seconds if it is sent again, None if it is
        finished.
        """
        try:
            self.saga.advance(order_id, is_news=is_news, refund_id=refund_id)
        except RetryLater as rest:
            at = self.clock.now + timedelta(seconds=math.ceil(rest.seconds))
            heapq.heappush(self.messages, (at, order_id))
            return rest.seconds
        return None

    def pass_minutes(self, minutes: int) -> None:
        """Let time pass, with the delayed messages and a sweep in each minute."""
        for _ in range(minutes):
            until = self.clock.now + timedelta(minutes=1)
            while self.messages and self.messages[0][0] <= until:
                at, order_id = heapq.heappop(self.messages)
                self.clock.now = max(self.clock.now, at)
                self.deliver(order_id)
            self.clock.now = until
            self.queue.batches.clear()
            self.sweep.run(a_deadline())
            for order_id in self.queue.sent:
                self.deliver(order_id)

    def erase(self, user_id: str) -> None:
        """Erase a customer from all orders."""
        erasing = Event(
            id=f"{user_id}.2",
            type="user.erased",
            aggregate_id=user_id,
            version=2,
            at=rfc3339(self.clock.now - timedelta(minutes=1)),
            request_id="request-1",
            data={"user_id": user_id},
        )
        Erasure(self.orders, self.clock).erase(erasing)

    def publish_events(self) -> list[str]:
        """Take the marks of all unsent events, as the relay does; returns the events' ids."""
        published: list[str] = []
        for shard in range(MARKS):
            unsent = self._table.query("#unsent = :shard", {"shard": str(shard)}, index="unsent")
            for item in unsent.items:
                self._table.update_unseen({"pk": item["pk"], "sk": item["sk"]}, "REMOVE #unsent")
                published.append(item["event"]["id"])
        return published

    def assert_given_back(self, order: Order, money: str = "voided") -> None:
        current = self.current(order)
        assert (current.status, current.due_at) == ("cancelled", None)
        assert self.inventory.reservations[order.id] == "released"
        assert self.inventory.available["mug"] == 10
        assert self.payments.item(order.id)["state"] == money
        assert "order.cancelled" in event_types(self.orders, order)

    def assert_confirmed(self, order: Order) -> None:
        current = self.current(order)
        assert (current.status, current.due_at) == ("confirmed", None)
        assert current.payment_id == f"sandbox-{order.id}"
        assert self.inventory.reservations[order.id] == "confirmed"
        assert self.payments.item(order.id)["state"] == "captured"
        assert event_types(self.orders, order) == ["order.placed", "order.confirmed"]

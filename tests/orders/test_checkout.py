"""OrdersCheckout as Lambda starts it, on moto; the inventory does not exist."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from orders import checkout
from orders.models import Order
from orders.repository import DynamoOrders
from shared.runtime import aws, clock
from shared.runtime.entry import Entry
from shared.storage.dynamodb import Table
from tests.orders.builders import added, an_order, events_of
from tests.support.context import LambdaContext
from tests.support.environment import given_environment
from tools.template import ROOT


@pytest.fixture
def table(account: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The orders table; the environment names it and what else the function uses."""
    return given_environment(
        monkeypatch,
        "OrdersTable",
        PRODUCTS_INVENTORY="ProductsInventory:live",
        QUEUE_URL=aws.client("sqs").create_queue(QueueName="the-queue")["QueueUrl"],
        DEAD_LETTERS_URL="the-dead-letters",
        DELIVERY_ATTEMPTS="8",
    )


@pytest.fixture
def order(table: Table) -> Order:
    return added(DynamoOrders(table), an_order(at=clock.now()))


@pytest.fixture
def deliver(table: Table, order: Order) -> Callable[..., int]:
    """Delivers the order's event, changed; returns how many messages the worker has delayed."""
    worker = Entry(checkout.build, checkout.Settings)
    batch = json.loads((ROOT / "events" / "orders-checkout-placed.json").read_text())
    [event] = events_of(DynamoOrders(table), order)

    def deliver(**changes: str) -> int:
        body = event.model_dump() | {"at": clock.rfc3339(clock.now())} | changes
        batch["Records"][0]["body"] = json.dumps(body)
        assert worker(batch, LambdaContext()) == {"batchItemFailures": []}
        delayed: Any = "ApproximateNumberOfMessagesDelayed"
        attributes = aws.client("sqs").get_queue_attributes(
            QueueUrl=os.environ["QUEUE_URL"], AttributeNames=[delayed]
        )["Attributes"]
        return int(attributes[delayed])

    return deliver


def test_checkout_delays_a_message_while_the_inventory_does_not_answer(
    table: Table, order: Order, deliver: Callable[..., int]
) -> None:
    assert deliver() == 1
    waiting = DynamoOrders(table).find(order.id)
    assert waiting
    assert waiting.status == "pending"
    # The sweeper sends a message only if the delayed message is lost.
    assert (waiting.due_at or "") > (order.due_at or "~")


@pytest.mark.parametrize(("type_", "delayed"), [("order.due", 1), ("order.placed", 2)])
def test_checkout_finishes_a_message_of_the_sweeper_when_its_claim_has_expired(
    table: Table, order: Order, deliver: Callable[..., int], type_: str, delayed: int
) -> None:
    key = {"pk": f"ORDER#{order.id}", "sk": "ORDER"}
    table.update_unseen(key, "SET #schema = :later", values={"later": 2})  # it cannot be read
    for seconds, expected in ((110, 1), (130, delayed)):
        sent_at = clock.rfc3339(clock.now() - timedelta(seconds=seconds))
        assert deliver(type=type_, at=sent_at) == expected


def test_checkout_ignores_events_of_other_types(deliver: Callable[..., int]) -> None:
    assert deliver(type="order.praised") == 0

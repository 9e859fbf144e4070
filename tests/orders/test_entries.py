"""The four functions as Lambda starts them, on moto. The functions of other services do not exist."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest

from orders import api, checkout, relay, sweeper
from orders.models import Order
from orders.repository import DynamoOrders
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.runtime import aws, clock
from shared.runtime.entry import Entry
from shared.storage.dynamodb import Table, to_wire
from tests.orders.builders import a_basket, an_order
from tests.support.callers import ALICE
from tests.support.context import LambdaContext
from tests.support.environment import ISSUER, given_environment
from tests.support.http import HttpClient
from tests.support.tokens import mint
from tools.template import ROOT


@pytest.fixture
def table(account: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The orders table; the environment names it and what else the functions use."""
    return given_environment(
        monkeypatch,
        "OrdersTable",
        USERS_DIRECTORY="UsersDirectory:live",
        PRODUCTS_INVENTORY="ProductsInventory:live",
        QUEUE_URL=aws.client("sqs").create_queue(QueueName="the-queue")["QueueUrl"],
        DEAD_LETTERS_URL="the-dead-letters",
        DELIVERY_ATTEMPTS="8",
    )


def placed(table: Table, token: str, *, minutes_ago: int = 0) -> Order:
    at = clock.now() - timedelta(minutes=minutes_ago)
    order = an_order(at=at, basket=a_basket(payment_token=token))
    DynamoOrders(table).add(order)
    return order


def event_item(table: Table, order: Order) -> dict[str, Any]:
    item = table.get({"pk": f"ORDER#{order.id}", "sk": outbox.sort_key(1)})
    assert item
    return item


def messages() -> tuple[int, int]:
    """The numbers of visible and of delayed messages in the checkout's queue."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    counts = aws.client("sqs").get_queue_attributes(
        QueueUrl=os.environ["QUEUE_URL"], AttributeNames=names
    )["Attributes"]
    return int(counts[names[0]]), int(counts[names[1]])


def message(table: Table, order: Order) -> dict[str, Any]:
    """A batch of the queue with the order's event."""
    delivered: dict[str, Any] = json.loads(
        (ROOT / "events" / "orders-checkout-placed.json").read_text()
    )
    delivered["Records"][0]["body"] = json.dumps(event_item(table, order)["event"])
    return delivered


def test_api_serves_orders(table: Table) -> None:
    http = HttpClient(Entry(api.build, api.Settings))
    token = mint(aws.client("kms"), os.environ["TOKEN_KEY_IDS"], ALICE, ISSUER)
    headers = {"Authorization": f"Bearer {token}"}
    order = placed(table, "tok_ok")
    path = f"/api/v1/orders/{order.id}"
    assert http.get(path).code == "unauthenticated"
    assert http.get(path, headers=headers).json["status"] == "pending"
    assert http.get("/api/v1/orders?limit=1", headers=headers).json["count"] == 1
    assert http.get(f"{path}/events", headers=headers).json["count"] == 1
    assert http.post(f"{path}/cancel", headers=headers).json["status"] == "cancelled"
    assert http.get("/health/orders").json["by_status"]["cancelled"] == 1
    body = {"items": [{"product_id": "mug", "quantity": 1}]}
    refused = http.post("/api/v1/orders", body, headers={**headers, "Idempotency-Key": "k"})
    assert (refused.status, refused.code) == (503, "service-unavailable")
    assert refused.headers["retry-after"] == "2"


def test_checkout_sends_a_message_again_when_the_inventory_does_not_answer(table: Table) -> None:
    order = placed(table, "tok_ok")
    delivered = message(table, order)
    answer = Entry(checkout.build, checkout.Settings)(delivered, LambdaContext())
    assert answer == {"batchItemFailures": []}
    found = DynamoOrders(table).find(order.id)
    assert found
    assert found.status == "pending"
    # The sweeper sends a message only if this one is lost.
    assert found.due_at
    assert order.due_at
    assert found.due_at > order.due_at
    assert messages() == (0, 1)


@pytest.mark.parametrize(("type_", "waiting"), [("order.due", 0), ("order.placed", 1)])
def test_checkout_finishes_a_message_of_the_sweeper_when_its_claim_has_expired(
    table: Table, type_: str, waiting: int
) -> None:
    order = placed(table, "tok_ok")
    table.update_unseen(
        {"pk": f"ORDER#{order.id}", "sk": "ORDER"}, "SET #schema = :later", values={"later": 2}
    )
    delivered = message(table, order)
    event = json.loads(delivered["Records"][0]["body"])
    worker = Entry(checkout.build, checkout.Settings)
    for seconds, expected in ((110, 1), (130, 1 + waiting)):
        at = clock.rfc3339(clock.now() - timedelta(seconds=seconds))
        delivered["Records"][0]["body"] = json.dumps(event | {"type": type_, "at": at})
        assert worker(delivered, LambdaContext()) == {"batchItemFailures": []}
        assert messages() == (0, expected)


def test_checkout_ignores_events_of_other_types(table: Table) -> None:
    delivered = message(table, placed(table, "tok_ok"))
    event = json.loads(delivered["Records"][0]["body"])
    delivered["Records"][0]["body"] = json.dumps(event | {"type": "order.praised"})
    answer = Entry(checkout.build, checkout.Settings)(delivered, LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert messages() == (0, 0)


def test_relay_publishes_an_event_and_removes_its_mark(table: Table) -> None:
    item = event_item(table, placed(table, "tok_ok"))
    delivered = json.loads((ROOT / "events" / "orders-relay.json").read_text())
    delivered["Records"][0]["dynamodb"]["NewImage"] = to_wire(item)
    answer = Entry(relay.build, relay.Settings)(delivered, LambdaContext())
    assert answer == {"batchItemFailures": []}
    now = table.get({"pk": item["pk"], "sk": item["sk"]})
    assert now == {name: value for name, value in item.items() if name != "unsent"}


def test_sweeper_publishes_unsent_events_and_sends_messages_for_due_orders(table: Table) -> None:
    order = placed(table, "tok_unavailable", minutes_ago=11)
    tick = json.loads((ROOT / "events" / "orders-sweeper.json").read_text())
    Entry(sweeper.build, sweeper.Settings)(tick, LambdaContext())
    assert "unsent" not in event_item(table, order)
    sqs = aws.client("sqs")
    [sent] = sqs.receive_message(QueueUrl=os.environ["QUEUE_URL"])["Messages"]
    event = Event.model_validate_json(sent["Body"])
    assert (event.type, event.aggregate_id) == ("order.due", order.id)
    found = DynamoOrders(table).find(order.id)
    assert found
    assert found.due_at
    assert found.due_at > clock.rfc3339(clock.now() + timedelta(seconds=110))

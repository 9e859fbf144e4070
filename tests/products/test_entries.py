"""The functions as Lambda runs them: their own entries, on a mocked account."""

from datetime import UTC, datetime
from typing import Any

import pytest

from products import api, inventory, relay, sweeper
from products.catalogue.models import Product
from products.catalogue.repository.items import product_key
from products.catalogue.repository.products import DynamoProducts
from products.reservations.models import Reservation
from products.reservations.repository import DynamoReservations
from shared.contracts.events import Event, LowStockData
from shared.messaging import outbox
from shared.runtime.entry import Entry
from shared.storage.dynamodb import Table, to_wire
from tests.products.builders import a_product
from tests.support.context import LambdaContext
from tests.support.environment import given_environment
from tests.support.http import HttpClient

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TICK = {"detail-type": "Scheduled Event"}


@pytest.fixture
def table(account: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The products' table; the environment of the functions names it."""
    return given_environment(monkeypatch, "ProductsTable", CURRENCY="EUR", LOW_STOCK_THRESHOLD="5")


@pytest.fixture
def mug(table: Table) -> Product:
    mug = a_product(available=6, at=LONG_AGO)
    DynamoProducts(table).add(mug)
    return mug


def current(table: Table, product: Product) -> Product:
    found = DynamoProducts(table).find(product.id)
    assert found is not None
    return found


def published() -> list[Event]:
    """The events that were published on the topic."""
    from moto.sns.models import sns_backends

    (topic,) = sns_backends["123456789012"]["eu-west-1"].topics.values()
    return [Event.model_validate_json(message) for _, message, *_ in topic.sent_notifications]


def call_inventory(name: str, **body: Any) -> dict[str, Any]:
    event = {"name": name, "request_id": "request-1", "body": {"order_id": "order-1", **body}}
    answer: dict[str, Any] = Entry(inventory.build, inventory.Settings)(event, LambdaContext())
    return answer


def test_api_lists_pages_and_totals(table: Table) -> None:
    for _ in range(3):
        DynamoProducts(table).add(a_product(available=2))
    http = HttpClient(Entry(api.build, api.Settings))
    first = http.get("/api/v1/products?limit=2").json
    rest = http.get(f"/api/v1/products?limit=2&cursor={first['next_cursor']}").json
    assert (first["count"], rest["count"], rest["next_cursor"]) == (2, 1, None)
    health = http.get("/health/products").json
    assert (health["total"], health["total_stock"]) == (3, 6)
    assert http.post("/api/v1/products", {}).code == "unauthenticated"


def test_inventory_reserves_confirms_and_releases(table: Table, mug: Product) -> None:
    line = {"product_id": mug.id, "quantity": 1}
    assert call_inventory("reserve", lines=[line]) == {
        "answer": {
            "order_id": "order-1",
            "currency": "EUR",
            "lines": [{**line, "name": "Red Mug", "unit_price_minor": 1100}],
            "held_seconds_ago": None,
        }
    }
    assert call_inventory("confirm") == {"answer": {}}
    assert current(table, mug).taken == 1
    assert call_inventory("release") == {"answer": {}}
    assert current(table, mug).available == 6


def test_inventory_refuses_with_a_code_and_data(mug: Product) -> None:
    for id_, quantity, code, more in (
        (mug.id, 7, "out-of-stock", {"requested": 7, "available": 6}),
        ("no/such", 1, "unknown-product", {}),
    ):
        refused = call_inventory("reserve", lines=[{"product_id": id_, "quantity": quantity}])
        assert refused == {"refused": {"code": code, "data": {"product_id": id_, **more}}}
    ended = {"refused": {"code": "reservation-ended", "data": {}}}
    assert [call_inventory(name) for name in ("confirm", "release", "confirm")] == [
        ended,
        {"answer": {}},
        ended,
    ]


def test_relay_publishes_low_stock_under_the_request_of_the_reservation(
    table: Table, mug: Product
) -> None:
    call_inventory("reserve", lines=[{"product_id": mug.id, "quantity": 2}])
    (item,) = table.query(
        "#pk = :pk AND begins_with(#sk, :event)",
        {"pk": product_key(mug.id)["pk"], "event": outbox.SORT_PREFIX},
    ).items
    keys = {name: item[name] for name in ("pk", "sk")}
    change = {"Keys": to_wire(keys), "SequenceNumber": "1", "NewImage": to_wire(item)}
    records = [{"eventName": "INSERT", "dynamodb": change}]
    answer = Entry(relay.build, relay.Settings)({"Records": records}, LambdaContext())
    assert answer == {"batchItemFailures": []}
    data = LowStockData(product_id=mug.id, name="Red Mug", available=4, threshold=5)
    assert published() == [
        Event(
            id=f"{mug.id}.2",
            type="product.low_stock",
            aggregate_id=mug.id,
            version=2,
            at=current(table, mug).updated_at,
            request_id="request-1",
            data=data.model_dump(),
        )
    ]


def test_sweeper_releases_expired_stock_and_publishes_unsent_events(
    table: Table, mug: Product
) -> None:
    held = Reservation.held("order-1", (mug.priced(2),), at=LONG_AGO)
    DynamoReservations(table).hold(held, {mug.id: mug}, at=LONG_AGO)
    event = outbox.event(
        "product.low_stock", aggregate_id=mug.id, version=2, at=mug.updated_at, data={}
    )
    table.transact([outbox.recording(product_key(mug.id)["pk"], event)])
    handler = Entry(sweeper.build, sweeper.Settings)
    assert handler(TICK, LambdaContext()) == {"released": 1, "published": 1}
    assert current(table, mug).available == 6
    assert [event.id for event in published()] == [f"{mug.id}.2"]
    assert handler(TICK, LambdaContext()) == {"released": 0, "published": 0}

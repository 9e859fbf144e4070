"""The functions as Lambda runs them: their own entries and graphs, on a mocked account."""

from collections.abc import Callable
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
from tests.products.builders import a_priced_line, a_product
from tests.support.context import LambdaContext
from tests.support.environment import given_environment
from tests.support.http import HttpClient

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop(account: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The products' table, and the environment that the functions are given."""
    return given_environment(monkeypatch, "ProductsTable", CURRENCY="EUR", LOW_STOCK_THRESHOLD="5")


@pytest.fixture
def published(shop: Table) -> Callable[[], list[Event]]:
    """What has reached the topic."""

    def look() -> list[Event]:
        from moto.sns.models import sns_backends

        (topic,) = sns_backends["123456789012"]["eu-west-1"].topics.values()
        return [Event.model_validate_json(message) for _, message, *_ in topic.sent_notifications]

    return look


def kept(table: Table, product: Product) -> Product:
    found = DynamoProducts(table).find(product.id)
    assert found is not None
    return found


def test_the_api_lists_page_by_page_and_knows_its_totals(shop: Table) -> None:
    for _ in range(3):
        DynamoProducts(shop).add(a_product(available=2))
    http = HttpClient(Entry(api.build, api.Settings))
    first = http.get("/api/v1/products?limit=2").json
    rest = http.get(f"/api/v1/products?limit=2&cursor={first['next_cursor']}").json
    assert (first["count"], rest["count"], rest["next_cursor"]) == (2, 1, None)
    product = first["products"][0]
    assert http.get(f"/api/v1/products/{product['id']}").json == product
    health = http.get("/health/products").json
    assert (health["total"], health["total_stock"]) == (3, 6)
    assert http.post("/api/v1/products", {}).code == "unauthenticated"


def call(handler: Entry[inventory.Settings], name: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = handler(
        {"name": name, "request_id": "request-1", "body": body}, LambdaContext()
    )
    return answer


def test_the_inventory_reserves_confirms_and_releases(shop: Table) -> None:
    mug = a_product(available=5)
    DynamoProducts(shop).add(mug)
    handler = Entry(inventory.build, inventory.Settings)
    lines = [{"product_id": mug.id, "quantity": 2}]
    assert call(handler, "reserve", order_id="order-1", lines=lines) == {
        "answer": {
            "order_id": "order-1",
            "currency": "EUR",
            "lines": [
                {"product_id": mug.id, "name": "Red Mug", "quantity": 2, "unit_price_minor": 1100}
            ],
            "held_seconds_ago": None,
        }
    }
    assert call(handler, "confirm", order_id="order-1") == {"answer": {}}
    assert kept(shop, mug).taken == 2
    assert call(handler, "release", order_id="order-1") == {"answer": {}}
    assert kept(shop, mug).available == 5


def test_the_inventory_refuses_with_what_the_caller_needs_to_know(shop: Table) -> None:
    mug = a_product(available=5)
    DynamoProducts(shop).add(mug)
    handler = Entry(inventory.build, inventory.Settings)
    much = [{"product_id": mug.id, "quantity": 6}]
    strange = [{"product_id": "no/such", "quantity": 1}]
    assert call(handler, "reserve", order_id="order-1", lines=much)["refused"] == {
        "code": "out-of-stock",
        "data": {"product_id": mug.id, "requested": 6, "available": 5},
    }
    assert call(handler, "reserve", order_id="order-1", lines=strange)["refused"] == {
        "code": "unknown-product",
        "data": {"product_id": "no/such"},
    }
    for name in ("confirm", "release", "confirm"):
        answer = call(handler, name, order_id="order-1")
        expected = {"refused": {"code": "reservation-ended", "data": {}}}
        assert answer == ({"answer": {}} if name == "release" else expected)


def test_low_stock_is_published_under_the_request_that_caused_it(
    shop: Table, published: Callable[[], list[Event]]
) -> None:
    mug = a_product(available=6)
    DynamoProducts(shop).add(mug)
    lines = [{"product_id": mug.id, "quantity": 2}]
    call(Entry(inventory.build, inventory.Settings), "reserve", order_id="order-1", lines=lines)
    (item,) = shop.query(
        "#pk = :pk AND begins_with(#sk, :event)",
        {"pk": product_key(mug.id)["pk"], "event": outbox.SORT_PREFIX},
    ).items
    keys = {name: item[name] for name in ("pk", "sk")}
    change = {"Keys": to_wire(keys), "SequenceNumber": "1", "NewImage": to_wire(item)}
    record = {"eventName": "INSERT", "dynamodb": change}
    done = Entry(relay.build, relay.Settings)({"Records": [record]}, LambdaContext())
    assert done == {"batchItemFailures": []}
    assert published() == [
        Event(
            id=f"{mug.id}.2",
            type="product.low_stock",
            aggregate_id=mug.id,
            version=2,
            at=kept(shop, mug).updated_at,
            request_id="request-1",
            data=LowStockData(
                product_id=mug.id, name="Red Mug", available=4, threshold=5
            ).model_dump(),
        )
    ]


def test_the_sweeper_gives_expired_stock_back_and_publishes_what_stayed(
    shop: Table, published: Callable[[], list[Event]]
) -> None:
    mug = a_product(available=5, at=LONG_AGO)
    products = DynamoProducts(shop)
    products.add(mug)
    held = Reservation.held("order-1", (a_priced_line(mug, 2),), at=LONG_AGO)
    DynamoReservations(shop).hold(held, {mug.id: mug}, at=LONG_AGO)
    fact = outbox.event(
        "product.low_stock", aggregate_id=mug.id, version=2, at=mug.updated_at, data={}
    )
    shop.transact([outbox.recording(product_key(mug.id)["pk"], fact)])
    handler = Entry(sweeper.build, sweeper.Settings)
    assert handler({"detail-type": "Scheduled Event"}, LambdaContext()) == {
        "released": 1,
        "published": 1,
    }
    assert kept(shop, mug).available == 5
    assert [fact.id for fact in published()] == [f"{mug.id}.2"]
    assert handler({"detail-type": "Scheduled Event"}, LambdaContext()) == {
        "released": 0,
        "published": 0,
    }

"""The orders API through its Lambda handler: bodies, headers and error codes of the contract."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from botocore.exceptions import EndpointConnectionError

from orders.models import Status, order_id
from tests.orders.builders import MINUTE, a_basket, a_line, added, an_order, confirmed
from tests.orders.fakes import InMemoryOrders
from tests.orders.harness import ORDERS, ServiceHarness
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import NOON

LINE: Final = {"product_id": "mug", "quantity": 1}
MUG: Final = {
    "product_id": "mug",
    "name": "Mug",
    "quantity": 3,
    "unit_price": "11.00",
    "line_total": "33.00",
}

# ── Placing ─────────────────────────────────────────────────────────────────────────────────────


def test_post_order_returns_the_pending_order(shop: ServiceHarness) -> None:
    tray = {"product_id": "tray", "quantity": 1}
    answer = shop.post_order({"items": [LINE, tray, {**LINE, "quantity": 2}]})
    assert answer.status == 201
    id_ = answer.json["id"]
    assert answer.json == {
        "id": id_,
        "user_id": ALICE.id,
        "user_name": "Alice Example",
        "status": "pending",
        "items": [
            MUG,
            {
                "product_id": "tray",
                "name": "Tray",
                "quantity": 1,
                "unit_price": "11.00",
                "line_total": "11.00",
            },
        ],
        "total_amount": "44.00",
        "currency": "EUR",
        "created_at": "2026-11-20T12:00:00.000Z",
        "updated_at": "2026-11-20T12:00:00.000Z",
        "version": 1,
    }
    assert answer.headers["location"] == f"{ORDERS}/{id_}"
    assert "idempotent-replayed" not in answer.headers
    assert shop.http.get(f"{ORDERS}/{id_}", caller=ALICE).json == answer.json
    assert shop.orders.orders[id_].payment_token == "tok_ok"


def test_post_order_returns_the_same_order_for_the_same_request(shop: ServiceHarness) -> None:
    first = shop.post_order(key="k")
    shop.http.post(f"{ORDERS}/{first.json['id']}/cancel", caller=ALICE)
    again = shop.post_order(key="k")
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    reused = shop.post_order({"items": [{**LINE, "quantity": 2}]}, key="k")
    assert (reused.status, reused.code) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("body", [None, {"items": []}])
@pytest.mark.parametrize("key", [None, " ", "k" * 256])
def test_post_order_requires_a_key(shop: ServiceHarness, key: str | None, body: object) -> None:
    answer = shop.post_order(body, key=key)
    assert (answer.status, answer.code) == (400, "idempotency-key-required")


def test_post_order_accepts_a_key_of_255_characters(shop: ServiceHarness) -> None:
    assert shop.post_order(key="k" * 255).status == 201


@pytest.mark.parametrize(
    ("body", "status", "code", "members"),
    [
        (
            {"items": [{**LINE, "quantity": 11}]},
            409,
            "out-of-stock",
            {"product_id": "mug", "requested": 11, "available": 10},
        ),
        (
            {"items": [{**LINE, "product_id": "ghost"}]},
            422,
            "unknown-product",
            {"product_id": "ghost"},
        ),
    ],
)
def test_post_order_names_the_product_that_is_refused(
    shop: ServiceHarness, body: object, status: int, code: str, members: dict[str, Any]
) -> None:
    answer = shop.post_order(body)
    assert (answer.status, answer.code) == (status, code)
    assert answer.json | members == answer.json


def hold_the_key(shop: ServiceHarness) -> None:
    shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket().lines)


def deactivate(shop: ServiceHarness) -> None:
    shop.customers.deactivate(ALICE.id)


def stop_inventory(shop: ServiceHarness) -> None:
    shop.inventory.down = True


@pytest.mark.parametrize(
    ("prepare", "status", "code", "retry_after"),
    [
        (hold_the_key, 409, "request-in-progress", "1"),
        (deactivate, 403, "account-inactive", None),
        (stop_inventory, 503, "service-unavailable", "2"),
    ],
)
def test_post_order_reports_why_it_is_refused(
    shop: ServiceHarness,
    prepare: Callable[[ServiceHarness], None],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    prepare(shop)
    answer = shop.post_order(key="k")
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers.get("retry-after") == retry_after


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/items"),
        ({"items": []}, "#/items"),
        ({"items": "mug"}, "#/items"),
        ({"items": [LINE] * 51}, "#/items"),
        ({"items": [{**LINE, "quantity": 600}] * 2}, "#/items"),
        ({"items": [{**LINE, "quantity": 0}]}, "#/items/0/quantity"),
        ({"items": [{**LINE, "quantity": 1001}]}, "#/items/0/quantity"),
        ({"items": [{**LINE, "quantity": "1"}]}, "#/items/0/quantity"),
        ({"items": [{**LINE, "quantity": True}]}, "#/items/0/quantity"),
        ({"items": [{**LINE, "quantity": 1.5}]}, "#/items/0/quantity"),
        ({"items": [{"product_id": "mug"}]}, "#/items/0/quantity"),
        ({"items": [{"quantity": 1}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": 7}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": ""}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": "p" * 256}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": "mu\u0000g"}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "unit_price": "0.01"}]}, "#/items/0/unit_price"),
        ({"items": [LINE], "total_amount": "0.01"}, "#/total_amount"),
        ({"items": [LINE], "payment_token": ""}, "#/payment_token"),
        ({"items": [LINE], "payment_token": "t" * 256}, "#/payment_token"),
    ],
)
def test_post_order_points_at_what_is_invalid(
    shop: ServiceHarness, body: object, pointer: str
) -> None:
    answer = shop.post_order(body)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("quantity", ["1", "2.0", "2e0", "1000"])
def test_post_order_accepts_whole_quantities(shop: ServiceHarness, quantity: str) -> None:
    shop.inventory.available["mug"] = 1000
    body = f'{{"items": [{{"product_id": "mug", "quantity": {quantity}}}], "payment_token": null}}'
    headers = {"idempotency-KEY": "k"}
    answer = shop.http.request("POST", ORDERS, body=body, caller=ALICE, headers=headers)
    assert answer.json["items"][0]["quantity"] == float(quantity)


# ── Seeing ──────────────────────────────────────────────────────────────────────────────────────


def test_order_of_another_customer_is_not_found(shop: ServiceHarness) -> None:
    path = f"{ORDERS}/{added(shop.orders).id}"
    for answer in (
        shop.http.get(path, caller=BOB),
        shop.http.get(f"{path}/events", caller=BOB),
        shop.http.post(f"{path}/cancel", caller=BOB),
        shop.http.get(f"{ORDERS}/nothing", caller=ADMIN),
        shop.http.post(f"{ORDERS}/nothing/ship", caller=ADMIN),
        shop.http.post(f"{ORDERS}/nothing/deliver", caller=ADMIN),
    ):
        assert (answer.status, answer.code) == (404, "order-not-found")
    assert shop.http.get(path, caller=ADMIN).status == 200


def test_list_is_read_page_by_page(shop: ServiceHarness) -> None:
    placed = [added(shop.orders, an_order(n, at=NOON + n * MINUTE)) for n in range(3)]
    added(shop.orders, an_order(9, user_id=BOB.id))
    first = shop.http.get(f"{ORDERS}?limit=2", caller=ALICE).json
    assert first.keys() == {"orders", "count", "next_cursor"}
    assert [order["id"] for order in first["orders"]] == [placed[2].id, placed[1].id]
    assert first["count"] == 2
    path = f"{ORDERS}?limit=2&cursor={first['next_cursor']}"
    second = shop.http.get(path, caller=ALICE).json
    assert [order["id"] for order in second["orders"]] == [placed[0].id]
    assert (second["count"], second["next_cursor"]) == (1, None)
    foreign = shop.http.get(path, caller=BOB)
    assert (foreign.status, foreign.code) == (400, "invalid-cursor")


def test_list_is_filtered_by_status_and_user(shop: ServiceHarness) -> None:
    order = added(shop.orders, an_order(1))
    added(shop.orders, an_order(2, user_id=BOB.id))
    shop.service.cancel(order.id, ALICE)
    [found] = shop.http.get(f"{ORDERS}?status=cancelled", caller=ALICE).json["orders"]
    assert (found["id"], found["cancel_reason"]) == (order.id, "customer_request")
    of_bob = shop.http.get(f"{ORDERS}?user_id={BOB.id}", caller=ADMIN).json
    assert [order["user_id"] for order in of_bob["orders"]] == [BOB.id]
    refused = shop.http.get(f"{ORDERS}?user_id={BOB.id}", caller=ALICE)
    assert (refused.status, refused.code) == (403, "forbidden")


@pytest.mark.parametrize("query", ["status=lost", "user_id=", "limit=101"])
def test_list_refuses_an_invalid_query(shop: ServiceHarness, query: str) -> None:
    answer = shop.http.get(f"{ORDERS}?{query}", caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    pointers = [error["pointer"] for error in answer.json["errors"]]
    assert pointers == [f"#/query/{query.partition('=')[0]}"]


def test_history_shows_each_event_without_the_email(shop: ServiceHarness) -> None:
    order = added(shop.orders, an_order(lines=[a_line("mug", 3)]))
    shop.service.cancel(order.id, ALICE)
    path = f"{ORDERS}/{order.id}/events"
    answer = shop.http.get(path, caller=ALICE)
    placed, cancelled = answer.json["events"]
    assert (answer.json["count"], answer.json["next_cursor"]) == (2, None)
    assert placed == {
        "type": "order.placed",
        "at": "2026-11-20T12:00:00.000Z",
        "version": 1,
        "data": {
            "order_id": order.id,
            "user_id": ALICE.id,
            "user_name": "Alice Example",
            "status": "pending",
            "items": [MUG],
            "total_amount": "33.00",
            "currency": "EUR",
        },
    }
    assert (cancelled["type"], cancelled["version"]) == ("order.cancelled", 2)
    assert cancelled["data"]["cancel_reason"] == "customer_request"
    assert "example.com" not in answer.text
    first = shop.http.get(f"{path}?limit=1", caller=ADMIN).json
    second = shop.http.get(f"{path}?limit=1&cursor={first['next_cursor']}", caller=ADMIN).json
    assert first["events"] + second["events"] == [placed, cancelled]


# ── Changing ────────────────────────────────────────────────────────────────────────────────────


def test_order_is_cancelled_by_its_customer(shop: ServiceHarness) -> None:
    answer = shop.http.post(f"{ORDERS}/{confirmed(shop.orders).id}/cancel", caller=ALICE)
    assert answer.status == 200
    assert (answer.json["status"], answer.json["version"]) == ("cancelled", 3)
    assert answer.json["cancel_reason"] == "customer_request"


def test_order_is_shipped_and_delivered_by_admins_only(shop: ServiceHarness) -> None:
    path = f"{ORDERS}/{confirmed(shop.orders).id}"
    for action, status in (("ship", "shipped"), ("deliver", "delivered")):
        refused = shop.http.post(f"{path}/{action}", caller=ALICE)
        assert (refused.status, refused.code) == (403, "forbidden")
        answer = shop.http.post(f"{path}/{action}", caller=ADMIN)
        assert (answer.status, answer.json["status"]) == (200, status)


@pytest.mark.parametrize(
    ("status", "action", "wanted"),
    [
        ("shipped", "cancel", "cancelled"),
        ("pending", "ship", "shipped"),
        ("confirmed", "deliver", "delivered"),
    ],
)
def test_order_refuses_a_transition_that_its_status_does_not_allow(
    shop: ServiceHarness, status: Status, action: str, wanted: str
) -> None:
    order = added(shop.orders)
    shop.orders.orders[order.id] = replace(order, status=status)
    answer = shop.http.post(f"{ORDERS}/{order.id}/{action}", caller=ADMIN)
    assert (answer.status, answer.code) == (409, "illegal-transition")
    assert (answer.json["from"], answer.json["to"]) == (status, wanted)


# ── Health ──────────────────────────────────────────────────────────────────────────────────────


def test_health_counts_orders_by_status(shop: ServiceHarness) -> None:
    added(shop.orders, an_order(2))
    confirmed(shop.orders)
    answer = shop.http.get("/health/orders")
    assert answer.status == 200
    assert answer.json.pop("uptime_seconds") >= 0
    assert {name: answer.json[name] for name in ("status", "total", "by_status")} == {
        "status": "healthy",
        "total": 2,
        "by_status": {"pending": 1, "confirmed": 1, "shipped": 0, "delivered": 0, "cancelled": 0},
    }


def test_health_is_degraded_when_the_figures_cannot_be_read() -> None:
    class Unreachable(InMemoryOrders):
        def totals(self) -> dict[Status, int]:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    answer = ServiceHarness(Unreachable()).http.get("/health/orders")
    assert answer.status == 200
    assert answer.json.keys() == {"status", "uptime_seconds", "memory_mb"}
    assert answer.json["status"] == "degraded"

"""The orders API through its Lambda handler: bodies, headers and error codes of the contract."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from botocore.exceptions import EndpointConnectionError

from orders.models import Status, order_id
from orders.repository import DynamoOrders
from shared.auth.tokens import Caller
from tests.orders.builders import MINUTE, a_basket, a_line, added, an_order, confirmed
from tests.orders.harness import ORDERS, OrdersHarness
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import NOON
from tests.support.http import Answer

LINE: Final = {"product_id": "mug", "quantity": 1}
MUG: Final = {
    "product_id": "mug",
    "name": "Mug",
    "quantity": 3,
    "unit_price": "11.00",
    "line_total": "33.00",
}

# ── Bodies ──────────────────────────────────────────────────────────────────────────────────────


def test_post_order_returns_the_pending_order(shop: OrdersHarness) -> None:
    answer = shop.post_order({"items": [LINE, {**LINE, "quantity": 2}]})
    id_ = answer.json["id"]
    assert (answer.status, answer.headers["location"]) == (201, f"{ORDERS}/{id_}")
    assert "idempotent-replayed" not in answer.headers
    assert answer.json == {
        "id": id_,
        "user_id": ALICE.id,
        "user_name": "Alice Example",
        "status": "pending",
        "items": [MUG],
        "total_amount": "33.00",
        "refunded_amount": "0.00",
        "currency": "EUR",
        "created_at": "2026-11-20T12:00:00.000Z",
        "updated_at": "2026-11-20T12:00:00.000Z",
        "version": 1,
    }
    assert shop.http.get(f"{ORDERS}/{id_}", caller=ALICE).json == answer.json
    order = shop.orders.find(id_)
    assert order
    assert order.payment_token == "tok_ok"


def test_post_order_returns_the_same_order_for_the_same_request(shop: OrdersHarness) -> None:
    first = shop.post_order(key="k" * 255)
    shop.http.post(f"{ORDERS}/{first.json['id']}/cancel", caller=ALICE)
    again = shop.post_order(key="k" * 255)
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


@pytest.mark.parametrize("quantity", ["1", "2.0", "2e0", "1000"])
def test_post_order_accepts_whole_quantities(shop: OrdersHarness, quantity: str) -> None:
    shop.inventory.available["mug"] = 1000
    body = f'{{"items": [{{"product_id": "mug", "quantity": {quantity}}}], "payment_token": null}}'
    headers = {"idempotency-KEY": "k"}
    answer = shop.http.request("POST", ORDERS, body=body, caller=ALICE, headers=headers)
    assert answer.json["items"][0]["quantity"] == float(quantity)


def test_list_is_read_page_by_page(shop: OrdersHarness) -> None:
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


def test_list_is_filtered_by_status_and_user(shop: OrdersHarness) -> None:
    order = confirmed(shop.orders)
    added(shop.orders, an_order(2))
    added(shop.orders, an_order(3, user_id=BOB.id))
    [found] = shop.http.get(f"{ORDERS}?status=confirmed", caller=ALICE).json["orders"]
    assert found["id"] == order.id
    [of_bob] = shop.http.get(f"{ORDERS}?user_id={BOB.id}", caller=ADMIN).json["orders"]
    assert of_bob["user_id"] == BOB.id


def test_history_shows_each_event_without_the_email(shop: OrdersHarness) -> None:
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
    first = shop.http.get(f"{path}?limit=1", caller=ADMIN).json
    second = shop.http.get(f"{path}?limit=1&cursor={first['next_cursor']}", caller=ADMIN).json
    assert first["events"] + second["events"] == [placed, cancelled]
    assert second["next_cursor"] is None


def test_order_is_shipped_and_delivered_by_admins_and_cancelled_by_its_customer(
    shop: OrdersHarness,
) -> None:
    path = f"{ORDERS}/{confirmed(shop.orders).id}"
    for action, status in (("ship", "shipped"), ("deliver", "delivered")):
        answer = shop.http.post(f"{path}/{action}", caller=ADMIN)
        assert (answer.status, answer.json["status"]) == (200, status)
    cancelled = shop.http.post(f"{ORDERS}/{shop.confirmed().id}/cancel", caller=ALICE)
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    assert cancelled.json["cancel_reason"] == "customer_request"


def test_only_the_customer_sees_what_to_do_for_the_payment(shop: OrdersHarness) -> None:
    order = shop.placed("k", token="tok_action")
    path = f"{ORDERS}/{order.id}"
    assert "payment" not in shop.http.get(path, caller=ALICE).json
    shop.advance(order)
    seen = shop.http.get(path, caller=ALICE).json
    assert seen.pop("payment") == {
        "status": "action_required",
        "client_secret": f"sandbox_secret_{order.id}",
        "provider": "sandbox",
    }
    own_admin = replace(ADMIN, id=ALICE.id)
    assert "payment" in shop.http.get(path, caller=own_admin).json
    assert shop.http.get(path, caller=ADMIN).json == seen
    for caller in (ALICE, ADMIN):
        assert shop.http.get(f"{ORDERS}?user_id={ALICE.id}", caller=caller).json["orders"] == [seen]
        history = shop.http.get(f"{path}/events", caller=caller)
        assert "secret" not in history.text
    again = shop.post_order({"items": [LINE], "payment_token": "tok_action"}, key="k")
    assert again.json == {**seen, "updated_at": order.updated_at}
    cancelled = shop.http.post(f"{path}/cancel", caller=ALICE)
    assert cancelled.status == 200
    for answer in (cancelled, shop.http.get(path, caller=ALICE)):
        assert "secret" not in answer.text


def test_health_counts_orders_by_status(shop: OrdersHarness) -> None:
    added(shop.orders, an_order(2))
    confirmed(shop.orders)
    answer = shop.http.get("/health/orders")
    assert (answer.status, answer.json["status"], answer.json["total"]) == (200, "healthy", 2)
    assert answer.json["by_status"] == {
        "pending": 1,
        "confirmed": 1,
        "shipped": 0,
        "delivered": 0,
        "cancelled": 0,
    }


def test_health_is_degraded_when_the_figures_cannot_be_read() -> None:
    class Unreachable(DynamoOrders):
        def totals(self) -> dict[Status, int]:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    answer = OrdersHarness(Unreachable).http.get("/health/orders")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json.keys() == {"status", "uptime_seconds", "memory_mb"}


# ── Errors ──────────────────────────────────────────────────────────────────────────────────────

type Send = Callable[[OrdersHarness], Answer]


def post_after(prepare: Callable[[OrdersHarness], object]) -> Send:
    def post(shop: OrdersHarness) -> Answer:
        prepare(shop)
        return shop.post_order(key="k")

    return post


def reserve(shop: OrdersHarness) -> None:
    shop.inventory.reserve(RESERVED, a_basket().lines)


def stop_inventory(shop: OrdersHarness) -> None:
    shop.inventory.down = True


def post_line(**line: object) -> Send:
    return lambda shop: shop.post_order({"items": [{**LINE, **line}]})


def call(method: str, path: str, caller: Caller) -> Send:
    return lambda shop: shop.http.request(method, f"{ORDERS}{path}", caller=caller)


def move(status: Status, action: str) -> Send:
    def post(shop: OrdersHarness) -> Answer:
        order = added(shop.orders, an_order(status=status))
        return shop.http.post(f"{ORDERS}/{order.id}/{action}", caller=ADMIN)

    return post


OUT_OF_STOCK: Final = {"product_id": "mug", "requested": 11, "available": 10}
TO_CANCELLED: Final = {"from": "shipped", "to": "cancelled"}
TO_SHIPPED: Final = {"from": "pending", "to": "shipped"}
RESERVED: Final = order_id(ALICE.id, "k")


@pytest.mark.parametrize(
    ("send", "problem", "said"),
    [
        (lambda shop: shop.post_order(key=None), "400 idempotency-key-required", {}),
        (lambda shop: shop.post_order({}, key=" "), "400 idempotency-key-required", {}),
        (lambda shop: shop.post_order(key="k" * 256), "400 idempotency-key-required", {}),
        (post_after(lambda s: s.placed("k", ("tray", 1))), "422 idempotency-key-reused", {}),
        (
            post_after(lambda s: s.customers.change(ALICE.id, is_active=False)),
            "403 account-inactive",
            {},
        ),
        (
            post_after(lambda s: s.customers.change(ALICE.id, email_confirmed=False)),
            "403 email-not-confirmed",
            {},
        ),
        (
            post_after(lambda s: s.customers.change(ALICE.id, session_epoch=1)),
            "401 unauthenticated",
            {},
        ),
        (post_after(lambda s: s.inventory.release(RESERVED)), "409 reservation-ended", {}),
        (post_after(reserve), "409 request-in-progress", {"retry-after": "1"}),
        (post_after(stop_inventory), "503 service-unavailable", {"retry-after": "2"}),
        (post_line(quantity=11), "409 out-of-stock", OUT_OF_STOCK),
        (
            lambda shop: shop.post_order(
                {"items": [{"product_id": "mug", "quantity": 1}], "expected_total": "10.99"}
            ),
            "409 price-changed",
            {"total_amount": "11.00"},
        ),
        (post_line(product_id="ghost"), "422 unknown-product", {"product_id": "ghost"}),
        (call("GET", f"?user_id={BOB.id}", ALICE), "403 forbidden", {}),
        (call("GET", "/nothing", ADMIN), "404 order-not-found", {}),
        (call("POST", "/nothing/ship", ALICE), "403 forbidden", {}),
        (call("POST", "/nothing/deliver", ALICE), "403 forbidden", {}),
        (move("shipped", "cancel"), "409 illegal-transition", TO_CANCELLED),
        (move("pending", "ship"), "409 illegal-transition", TO_SHIPPED),
    ],
)
def test_refusal_has_its_status_code_and_data(
    shop: OrdersHarness, send: Send, problem: str, said: dict[str, Any]
) -> None:
    answer = send(shop)
    assert f"{answer.status} {answer.code}" == problem
    assert said.items() <= {**answer.json, **answer.headers}.items()


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
        ({"items": [{"quantity": 1}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": ""}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": "p" * 256}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "product_id": "mu\u0000g"}]}, "#/items/0/product_id"),
        ({"items": [{**LINE, "unit_price": "0.01"}]}, "#/items/0/unit_price"),
        ({"items": [LINE], "total_amount": "0.01"}, "#/total_amount"),
        ({"items": [LINE], "payment_token": ""}, "#/payment_token"),
    ],
)
def test_post_order_points_at_what_is_invalid(
    shop: OrdersHarness, body: object, pointer: str
) -> None:
    answer = shop.post_order(body)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("query", ["status=lost", "user_id=", "limit=101"])
def test_list_refuses_an_invalid_query(shop: OrdersHarness, query: str) -> None:
    answer = shop.http.get(f"{ORDERS}?{query}", caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    pointers = [error["pointer"] for error in answer.json["errors"]]
    assert pointers == [f"#/query/{query.partition('=')[0]}"]

"""The contract's rows about orders that have been placed, with every error code, through the real handler."""

from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError

from orders.models import Status
from tests.orders.builders import MINUTE, NOON, a_line, an_order
from tests.orders.counter import ORDERS, Counter
from tests.orders.fakes import InMemoryOrders
from tests.orders.shop import Shop
from tests.support.callers import ADMIN, ALICE, BOB

# ── Seeing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_of_another_is_not_there(counter: Counter) -> None:
    path = f"{ORDERS}/{counter.added().id}"
    for answer in (
        counter.http.get(path, caller=BOB),
        counter.http.get(f"{path}/events", caller=BOB),
        counter.http.post(f"{path}/cancel", caller=BOB),
        counter.http.get(f"{ORDERS}/nothing", caller=ADMIN),
        counter.http.get(f"{ORDERS}/nothing/events", caller=ALICE),
        counter.http.post(f"{ORDERS}/nothing/cancel", caller=ALICE),
        counter.http.post(f"{ORDERS}/nothing/ship", caller=ADMIN),
        counter.http.post(f"{ORDERS}/nothing/deliver", caller=ADMIN),
    ):
        assert (answer.status, answer.code) == (404, "order-not-found")
    assert counter.http.get(path, caller=ADMIN).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ORDERS),
        ("GET", ORDERS),
        ("GET", f"{ORDERS}/x"),
        ("GET", f"{ORDERS}/x/events"),
        ("POST", f"{ORDERS}/x/cancel"),
        ("POST", f"{ORDERS}/x/ship"),
        ("POST", f"{ORDERS}/x/deliver"),
    ],
)
def test_nobody_comes_in_without_a_token(counter: Counter, method: str, path: str) -> None:
    answer = counter.http.request(method, path)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert "www-authenticate" in answer.headers


def test_orders_are_listed_page_by_page(counter: Counter) -> None:
    placed = [counter.added(n, at=NOON + n * MINUTE) for n in range(3)]
    counter.added(9, user_id=BOB.id)
    first = counter.http.get(f"{ORDERS}?limit=2", caller=ALICE).json
    assert first.keys() == {"orders", "count", "next_cursor"}
    assert ([o["id"] for o in first["orders"]], first["count"]) == (
        [placed[2].id, placed[1].id],
        2,
    )
    path = f"{ORDERS}?limit=2&cursor={first['next_cursor']}"
    second = counter.http.get(path, caller=ALICE).json
    assert [o["id"] for o in second["orders"]] == [placed[0].id]
    assert (second["count"], second["next_cursor"]) == (1, None)


def test_a_cursor_is_good_for_one_caller_and_one_list(counter: Counter) -> None:
    for number in range(3):
        counter.added(number)
    cursor = counter.http.get(f"{ORDERS}?limit=2", caller=ALICE).json["next_cursor"]
    for answer in (
        counter.http.get(f"{ORDERS}?cursor={cursor}", caller=BOB),
        counter.http.get(f"{ORDERS}?cursor={cursor}&status=pending", caller=ALICE),
        counter.http.get(f"{ORDERS}?cursor={cursor[:-4]}AAAA", caller=ALICE),
        counter.http.get(f"{ORDERS}/{an_order().id}/events?cursor={cursor}", caller=ALICE),
    ):
        assert (answer.status, answer.code) == (400, "invalid-cursor")
    assert counter.http.get(f"{ORDERS}?cursor={cursor}&limit=1", caller=ALICE).status == 200


def test_a_list_is_filtered_by_status(counter: Counter) -> None:
    order = counter.added(1)
    counter.added(2)
    counter.shop.service.cancel(order.id, ALICE)
    [found] = counter.http.get(f"{ORDERS}?status=cancelled", caller=ALICE).json["orders"]
    assert (found["id"], found["cancel_reason"]) == (order.id, "customer_request")


def test_an_admin_lists_everybody_s_orders_or_one_s(counter: Counter) -> None:
    counter.added(1)
    counter.added(2, user_id=BOB.id)
    everybody = counter.http.get(ORDERS, caller=ADMIN).json
    assert everybody["count"] == 2
    of_bob = counter.http.get(f"{ORDERS}?user_id={BOB.id}", caller=ADMIN).json
    assert [o["user_id"] for o in of_bob["orders"]] == [BOB.id]


def test_a_customer_does_not_list_the_orders_of_another(counter: Counter) -> None:
    answer = counter.http.get(f"{ORDERS}?user_id={BOB.id}", caller=ALICE)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert counter.http.get(f"{ORDERS}?user_id={ALICE.id}", caller=ALICE).status == 200


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=lost", "#/query/status"),
        ("limit=0", "#/query/limit"),
        ("limit=101", "#/query/limit"),
        ("limit=x", "#/query/limit"),
        ("user_id=", "#/query/user_id"),
    ],
)
def test_a_wrong_query_is_refused(counter: Counter, query: str, pointer: str) -> None:
    answer = counter.http.get(f"{ORDERS}?{query}", caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_an_order_s_history_is_told_to_its_customer(counter: Counter) -> None:
    order = counter.added(lines=[a_line("mug", 2, 1150)])
    counter.shop.service.cancel(order.id, ALICE)
    answer = counter.http.get(f"{ORDERS}/{order.id}/events", caller=ALICE)
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
            "items": [
                {
                    "product_id": "mug",
                    "name": "Mug",
                    "quantity": 2,
                    "unit_price": "11.50",
                    "line_total": "23.00",
                }
            ],
            "total_amount": "23.00",
            "currency": "EUR",
        },
    }
    assert (cancelled["type"], cancelled["version"]) == ("order.cancelled", 2)
    assert cancelled["data"]["cancel_reason"] == "customer_request"
    assert "example.com" not in answer.text
    assert counter.http.get(f"{ORDERS}/{order.id}/events", caller=ADMIN).status == 200


def test_history_is_given_page_by_page(counter: Counter) -> None:
    order = counter.confirmed()
    path = f"{ORDERS}/{order.id}/events?limit=1"
    first = counter.http.get(path, caller=ALICE).json
    second = counter.http.get(f"{path}&cursor={first['next_cursor']}", caller=ALICE).json
    assert [e["type"] for e in first["events"] + second["events"]] == [
        "order.placed",
        "order.confirmed",
    ]
    assert second["next_cursor"] is None


# ── Changing ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_a_customer_cancels_an_order(counter: Counter, status: Status) -> None:
    order = counter.added() if status == "pending" else counter.confirmed()
    answer = counter.http.post(f"{ORDERS}/{order.id}/cancel", caller=ALICE)
    assert answer.status == 200
    assert (answer.json["status"], answer.json["cancel_reason"], answer.json["version"]) == (
        "cancelled",
        "customer_request",
        order.version + 1,
    )


def test_an_admin_cancels_ships_and_delivers(counter: Counter) -> None:
    order = counter.confirmed()
    path = f"{ORDERS}/{order.id}"
    assert counter.http.post(f"{path}/ship", caller=ADMIN).json["status"] == "shipped"
    delivered = counter.http.post(f"{path}/deliver", caller=ADMIN)
    assert (delivered.status, delivered.json["status"]) == (200, "delivered")
    other = counter.added(2)
    cancelled = counter.http.post(f"{ORDERS}/{other.id}/cancel", caller=ADMIN)
    assert cancelled.json["cancel_reason"] == "admin_request"


@pytest.mark.parametrize("action", ["ship", "deliver"])
def test_only_an_admin_ships_and_delivers(counter: Counter, action: str) -> None:
    order = counter.confirmed()
    for caller in (ALICE, BOB):
        answer = counter.http.post(f"{ORDERS}/{order.id}/{action}", caller=caller)
        assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("pending", "ship"),
        ("pending", "deliver"),
        ("confirmed", "deliver"),
        ("shipped", "ship"),
        ("shipped", "cancel"),
        ("delivered", "cancel"),
        ("delivered", "ship"),
        ("delivered", "deliver"),
        ("cancelled", "cancel"),
        ("cancelled", "ship"),
        ("cancelled", "deliver"),
    ],
)
def test_a_state_that_does_not_follow_is_refused(
    counter: Counter, status: Status, action: str
) -> None:
    order = counter.added()
    counter.shop.orders.orders[order.id] = replace(order, status=status)
    answer = counter.http.post(f"{ORDERS}/{order.id}/{action}", caller=ADMIN)
    assert (answer.status, answer.code) == (409, "illegal-transition")
    assert answer.json["from"] == status


# ── Health ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_health_shows_orders_by_status(counter: Counter) -> None:
    counter.added(2)
    counter.confirmed()
    answer = counter.http.get("/health/orders")
    health = answer.json
    assert answer.status == 200
    assert health.pop("uptime_seconds") >= 0
    assert health.pop("memory_mb") > 0
    assert health == {
        "status": "healthy",
        "total": 2,
        "by_status": {"pending": 1, "confirmed": 1, "shipped": 0, "delivered": 0, "cancelled": 0},
    }


def test_health_is_degraded_where_the_figures_cannot_be_read() -> None:
    class Unreachable(InMemoryOrders):
        def totals(self) -> dict[Status, int]:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    answer = Counter(Shop(Unreachable())).http.get("/health/orders")
    assert answer.status == 200
    assert answer.json.keys() == {"status", "uptime_seconds", "memory_mb"}
    assert answer.json["status"] == "degraded"

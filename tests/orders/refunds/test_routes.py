"""Refunds over HTTP: who may ask for them, and what a repeated request gets."""

from typing import Any, Final

import pytest

from orders.models import Order
from orders.refunds.models import RefundRequest
from shared.contracts.inventory import Line
from tests.orders.builders import SECOND, UNREADABLE, an_order, confirmed, events_of
from tests.orders.harness import ORDERS, OrdersHarness
from tests.support.aws import before_next
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.http import Answer

ONE_MUG: Final = {"items": [{"product_id": "mug", "quantity": 1}]}


@pytest.fixture
def order(shop: OrdersHarness) -> Order:
    """Three mugs for 11.00 each."""
    return confirmed(shop.orders, shop.placed("k", ("mug", 3)))


def post(
    shop: OrdersHarness, order: Order, body: Any, *, key: str | None = "key-1", **more: Any
) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"{ORDERS}/{order.id}/refunds"
    return shop.http.post(path, body, **{"caller": ADMIN, "headers": headers} | more)


def listed(shop: OrdersHarness, order: Order, query: str = "", caller: Any = ADMIN) -> Any:
    return shop.http.get(f"{ORDERS}/{order.id}/refunds{query}", caller=caller).json


def test_refund_of_items_is_pending_and_listed(shop: OrdersHarness, order: Order) -> None:
    line = {"product_id": "mug", "quantity": 1}
    body = {"items": [line, line], "reason": "Two broke.\nSorry.", "restock": True}
    answer = post(shop, order, body)
    assert (answer.status, answer.headers["location"]) == (201, f"{ORDERS}/{order.id}/refunds")
    assert "idempotent-replayed" not in answer.headers
    assert answer.json == {
        "id": answer.json["id"],
        "order_id": order.id,
        "amount": "22.00",
        "currency": "EUR",
        "status": "pending",
        "items": [{"product_id": "mug", "quantity": 2}],
        "reason": "Two broke.\nSorry.",
        "restock": True,
        "paid_otherwise": False,
        "created_at": "2026-11-20T12:00:00.000Z",
    }
    assert listed(shop, order) == {"refunds": [answer.json], "count": 1, "next_cursor": None}
    # The reason is for the admins.
    [for_customer] = listed(shop, order, caller=ALICE)["refunds"]
    assert for_customer.keys() == answer.json.keys() - {"reason"}


def test_refund_of_an_amount_has_no_items(shop: OrdersHarness, order: Order) -> None:
    answer = post(shop, order, {"amount": "0.05"})
    assert answer.json.keys() & {"items", "reason"} == set()
    assert (answer.json["amount"], answer.json["restock"]) == ("0.05", False)


def test_refund_is_an_event_of_its_order(shop: OrdersHarness, order: Order) -> None:
    id_ = post(shop, order, ONE_MUG).json["id"]
    event = events_of(shop.orders, order)[-1]
    assert (event.type, event.version) == ("order.refund_requested", 3)
    said = {"refund_id": id_, "refund_minor": 1100, "refunding_minor": 1100, "refunded_minor": 0}
    assert said.items() <= event.data.items()
    history = shop.http.get(f"{ORDERS}/{order.id}/events", caller=ALICE).json["events"]
    shown = {"refund_id": id_, "refund_amount": "11.00", "status": "confirmed"}
    assert shown.items() <= history[-1]["data"].items()


def test_refunds_are_listed_page_by_page_newest_first(shop: OrdersHarness, order: Order) -> None:
    ids = []
    for number in range(3):
        ids.append(post(shop, order, ONE_MUG, key=f"key-{number}").json["id"])
        shop.clock.now += SECOND
    first = listed(shop, order, "?limit=2")
    second = listed(shop, order, f"?limit=2&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["refunds"] + second["refunds"]] == ids[::-1]
    assert (first["count"], second["count"], second["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize("is_finished", [False, True])
def test_repeated_request_returns_the_first_refund(
    shop: OrdersHarness, order: Order, is_finished: bool
) -> None:
    first = post(shop, order, ONE_MUG)
    if is_finished:
        shop.payments.set_state(order.id, "captured")
        shop.advance(order)
    again = post(shop, order, {**ONE_MUG, "restock": False})
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(listed(shop, order)["refunds"]) == 1
    for other in ({"amount": "11.00"}, {**ONE_MUG, "reason": "x"}, {**ONE_MUG, "restock": True}):
        refused = post(shop, order, other)
        assert (refused.status, refused.code) == (422, "idempotency-key-reused")
    assert post(shop, order, {"amount": "1.00"}, key="key-2").status == 201


@pytest.mark.parametrize("key", ["key-1", "key-2"])
def test_concurrent_requests_never_refund_more_than_was_paid(
    shop: OrdersHarness, order: Order, key: str
) -> None:
    two = {"items": [{"product_id": "mug", "quantity": 2}]}
    wanted = RefundRequest((Line(product_id="mug", quantity=2),))
    before_next(
        shop.orders._table,
        "transact_write_items",
        lambda: shop.refunding.request(order.id, ADMIN, "key-1", wanted),
    )
    second = post(shop, order, two, key=key)
    if key == "key-1":
        assert (second.status, second.headers["idempotent-replayed"]) == (201, "true")
    else:
        assert (second.status, second.code) == (409, "refund-exceeds-payment")
    assert shop.current(order).refunding_minor == 2200


def test_refund_is_refused_with_its_code(shop: OrdersHarness, order: Order) -> None:
    unpaid = shop.placed("other")
    refusals = [
        (post(shop, order, ONE_MUG, key=None), "400 idempotency-key-required"),
        (post(shop, order, ONE_MUG, key="k" * 256), "400 idempotency-key-required"),
        (post(shop, order, ONE_MUG, caller=ALICE), "403 forbidden"),
        (post(shop, an_order(404), ONE_MUG), "404 order-not-found"),
        (post(shop, order, {"amount": "33.01"}), "409 refund-exceeds-payment"),
        (
            post(shop, order, {"items": [{"product_id": "mug", "quantity": 4}]}),
            "409 refund-exceeds-payment",
        ),
        (
            post(shop, order, {"items": [{"product_id": "tray", "quantity": 1}]}),
            "409 refund-exceeds-payment",
        ),
        (post(shop, unpaid, {"amount": "1"}), "409 illegal-transition"),
    ]
    for answer, problem in refusals:
        assert f"{answer.status} {answer.code}" == problem
    assert listed(shop, order)["refunds"] == []
    foreign = shop.http.get(f"{ORDERS}/{order.id}/refunds", caller=BOB)
    assert (foreign.status, foreign.code) == (404, "order-not-found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": "x"},
        {**ONE_MUG, "amount": "1.00"},
        {"items": []},
        {"items": [{"product_id": "mug", "quantity": 600}] * 2},
        {"items": None, "amount": "1.00"},
        {"amount": "0.00"},
        {"amount": 0},
        {"amount": "1.001"},
        {"amount": "-1"},
        {"amount": "1.00", "restock": True},
        {**ONE_MUG, "restock": "yes"},
        {**ONE_MUG, "reason": ""},
        {**ONE_MUG, "reason": "x" * 501},
        *({**ONE_MUG, "reason": text} for text in UNREADABLE),
        {**ONE_MUG, "status": "succeeded"},
    ],
    ids=str,
)
def test_refund_refuses_an_invalid_body(shop: OrdersHarness, order: Order, body: Any) -> None:
    answer = post(shop, order, body)
    assert (answer.status, answer.code) == (422, "invalid-request")

"""Placing orders by the contract, with every error code, through the real handler."""

import pytest

from orders.models import order_id
from tests.orders.builders import a_basket
from tests.orders.counter import ORDERS, Counter
from tests.support.callers import ALICE


def test_an_order_is_placed(counter: Counter) -> None:
    answer = counter.place(
        {
            "items": [
                {"product_id": "mug", "quantity": 1},
                {"product_id": "tray", "quantity": 1},
                {"product_id": "mug", "quantity": 2},
            ]
        }
    )
    assert answer.status == 201
    placed = answer.json
    id_ = placed["id"]
    assert placed == {
        "id": id_,
        "user_id": ALICE.id,
        "user_name": "Alice Example",
        "status": "pending",
        "items": [
            {
                "product_id": "mug",
                "name": "Mug",
                "quantity": 3,
                "unit_price": "11.00",
                "line_total": "33.00",
            },
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
    assert counter.http.get(f"{ORDERS}/{id_}", caller=ALICE).json == placed
    assert counter.shop.orders.orders[id_].payment_token == "tok_ok"


def test_the_same_request_gives_the_same_order_again(counter: Counter) -> None:
    first = counter.place(key="k")
    counter.http.post(f"{ORDERS}/{first.json['id']}/cancel", caller=ALICE)
    again = counter.place(key="k")
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


def test_a_key_s_case_in_the_header_does_not_matter(counter: Counter) -> None:
    first = counter.place(key="k")
    again = counter.place(key=None, **{"idempotency-KEY": "k"})
    assert again.json["id"] == first.json["id"]


def test_another_request_with_the_same_key_is_refused(counter: Counter) -> None:
    counter.place(key="k")
    answer = counter.place({"items": [{"product_id": "mug", "quantity": 2}]}, key="k")
    assert (answer.status, answer.code) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("body", [None, {"items": []}])
@pytest.mark.parametrize("key", [None, " ", "k" * 256])
def test_an_order_needs_a_key(counter: Counter, key: str | None, body: object) -> None:
    answer = counter.place(body, key=key)
    assert (answer.status, answer.code) == (400, "idempotency-key-required")


def test_a_key_may_have_255_characters(counter: Counter) -> None:
    assert counter.place(key="k" * 255).status == 201


def test_a_request_that_still_runs_is_not_run_again(counter: Counter) -> None:
    counter.shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket().lines)
    answer = counter.place(key="k")
    assert (answer.status, answer.code) == (409, "request-in-progress")
    assert answer.headers["retry-after"] == "1"


def test_stock_that_is_not_there_is_not_sold(counter: Counter) -> None:
    answer = counter.place({"items": [{"product_id": "mug", "quantity": 11}]})
    assert (answer.status, answer.code) == (409, "out-of-stock")
    assert answer.json["product_id"] == "mug"
    assert (answer.json["requested"], answer.json["available"]) == (11, 10)


def test_a_product_that_is_not_there_is_named(counter: Counter) -> None:
    answer = counter.place({"items": [{"product_id": "ghost", "quantity": 1}]})
    assert (answer.status, answer.code) == (422, "unknown-product")
    assert answer.json["errors"][0]["pointer"] == "#/items"
    assert answer.json["product_id"] == "ghost"


def test_an_inactive_account_orders_nothing(counter: Counter) -> None:
    counter.shop.customers.deactivate(ALICE.id)
    answer = counter.place()
    assert (answer.status, answer.code) == (403, "account-inactive")


def test_a_service_that_is_down_is_said_to_be(counter: Counter) -> None:
    counter.shop.inventory.down = True
    answer = counter.place()
    assert (answer.status, answer.code) == (503, "service-unavailable")
    assert answer.headers["retry-after"] == "2"


LINE = {"product_id": "mug", "quantity": 1}


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
def test_a_wrong_body_is_refused_at_the_place_that_is_wrong(
    counter: Counter, body: object, pointer: str
) -> None:
    answer = counter.place(body)
    assert (answer.status, answer.code) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_body_that_is_not_json_is_refused(counter: Counter) -> None:
    answer = counter.http.request(
        "POST", ORDERS, caller=ALICE, body="{", headers={"Idempotency-Key": "k"}
    )
    assert (answer.status, answer.code) == (400, "malformed-json")


@pytest.mark.parametrize("quantity", [1, 1000])
def test_one_to_a_thousand_of_a_product_are_sold(counter: Counter, quantity: int) -> None:
    counter.shop.inventory.available["mug"] = 1000
    answer = counter.place({"items": [{"product_id": "mug", "quantity": quantity}]})
    assert answer.json["items"][0]["quantity"] == quantity


@pytest.mark.parametrize("written", ["2", "2.0", "2e0"])
def test_a_quantity_is_a_whole_number_however_it_is_written(counter: Counter, written: str) -> None:
    body = f'{{"items": [{{"product_id": "mug", "quantity": {written}}}]}}'
    answer = counter.http.request(
        "POST", ORDERS, body=body, caller=ALICE, headers={"Idempotency-Key": "k"}
    )
    assert answer.json["items"][0]["quantity"] == 2

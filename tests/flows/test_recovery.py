"""What stopped on its way is found and brought to an end: by the queues, the sweepers and the
circuit breakers."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from products.catalogue.repository.products import DynamoProducts
from products.reservations.models import Reservation
from products.reservations.repository import DynamoReservations
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.flows.views import (
    CANCELLED,
    RECEIVED,
    WELCOME,
    by_status,
    figures,
    letters_to,
    order_of,
    payment_of,
)
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client, code

SWEEPERS = ("OrdersSweeper", "ProductsSweeper", "UsersSweeper")


def sweep(shop: SimulatedShop, **after: float) -> None:
    """Every sweeper once, and what comes of it, after so much time."""
    shop.pass_time(timedelta(**after))
    for sweeper in SWEEPERS:
        shop.tick(sweeper)
    shop.settle()


def test_a_replayed_key_holds_no_stock_when_its_order_is_cancelled(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    first = customer.order((mug, 3), key="old")
    assert customer.post(f"/api/v1/orders/{first['id']}/cancel").status_code == 200
    shop.come_to_rest()
    # After thirty days DynamoDB deletes the released reservation.
    key = (f"RESERVATION#{first['id']}", "RESERVATION")
    del shop.cloud.dynamodb.tables["ProductsTable"].items[key]
    again = customer.try_order((mug, 3), key="old")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert customer.stock_of(mug) == 20


def test_expired_reservations_are_released_oldest_first_from_uneven_shards(
    shop: SimulatedShop, admin: Client
) -> None:
    mug = admin.add_product(stock=600)
    table = Table("ProductsTable", aws.client("dynamodb"))
    reservations = DynamoReservations(table)
    product = DynamoProducts(table).find(mug["id"])
    assert product is not None
    line = product.priced(1)
    # Nineteen of twenty are in one of the four shards, which their ids choose.
    of_one = [id_ for n in range(1600) if sum((id_ := f"order-{n:05}").encode()) % 4 == 0]
    ids = [f"other-{n}" if n % 20 == 0 else of_one[n] for n in range(400)]
    for order_id in ids:
        shop.pass_time(timedelta(milliseconds=100))
        held = Reservation.held(order_id, (line,), at=datetime.now(UTC))
        reservations.hold(held, {product.id: product}, at=datetime.now(UTC))
    # The oldest of all can never be given back.
    key = {"pk": f"RESERVATION#{ids[0]}", "sk": "RESERVATION"}
    lines = [{**line.model_dump(), "quantity": 900}]
    table.update(key, "SET #lines = :lines", values={"lines": lines})
    sweep(shop, minutes=20)
    kept = shop.books().reservations
    assert Counter(kept[id_]["state"] for id_ in ids) == {"released": 399, "held": 1}
    assert kept[ids[0]]["state"] == "held"
    assert sorted(ids[1:], key=lambda id_: kept[id_]["updated_at"]) == ids[1:]
    assert admin.stock_of(mug) == 599


def test_an_order_is_replayed_when_other_services_are_down(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    first = customer.order((mug, 3), key="again")
    shop.internal_calls.clear()
    shop.down |= {"UsersDirectory", "ProductsInventory"}
    again = customer.try_order((mug, 3), key="again")
    assert (again.status_code, again.json()) == (201, first)
    assert shop.internal_calls == []


def test_a_repeated_request_holds_the_same_stock_when_the_first_was_lost(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    with shop.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        customer.try_order((mug, 3), key="lost")
    # It may still be at work, for all that anybody knows.
    assert code(customer.try_order((mug, 3), key="lost")) == "request-in-progress"
    shop.pass_time(timedelta(seconds=21))
    placed = customer.order((mug, 3), key="lost")
    shop.settle()
    assert order_of(customer, placed)["status"] == "confirmed"
    assert customer.stock_of(mug) == 17


def test_an_order_is_not_charged_when_its_reservation_expired(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    placed = customer.order((mug, 3))
    shop.down.add("ProductsInventory")
    shop.settle()
    shop.pass_time(timedelta(minutes=16))
    shop.tick("ProductsSweeper")
    assert customer.stock_of(mug) == 20
    shop.down.remove("ProductsInventory")
    shop.settle()
    ended = order_of(customer, placed)
    assert (ended["status"], ended["cancel_reason"]) == ("cancelled", "reservation_expired")
    assert payment_of(placed) == "voided"
    assert customer.stock_of(mug) == 20
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CANCELLED]


@pytest.mark.parametrize(
    ("function", "call"),
    [("UsersDirectory", "find_customer"), ("ProductsInventory", "reserve")],
)
def test_a_service_is_not_called_after_five_failures(
    shop: SimulatedShop, admin: Client, customer: Client, function: str, call: str
) -> None:
    mug = admin.add_product(stock=20)
    # A success, so that the circuit counts from none.
    customer.order((mug, 1))
    shop.down.add(function)
    shop.internal_calls.clear()

    def refused() -> int:
        answer = customer.try_order((mug, 1))
        assert (answer.status_code, code(answer)) == (503, "service-unavailable")
        return int(answer.headers["retry-after"])

    def asked() -> int:
        return shop.internal_calls.count(call)

    assert [refused() for _ in range(5)] == [2] * 5
    assert asked() == 5
    assert 2 < refused() <= 30
    # Another environment knows it too, and does not call the service again before the time is up.
    shop.restart("OrdersApi")
    shop.down.remove(function)
    assert 2 < refused() <= 30
    assert asked() == 5
    assert figures(customer, "orders") == by_status(pending=1)
    assert customer.stock_of(mug) == 19
    # What needs no other service works all the while.
    assert customer.get("/api/v1/orders").json()["count"] == 1
    shop.pass_time(timedelta(seconds=31))
    shop.restart("OrdersApi")
    assert customer.try_order((mug, 1)).status_code == 201
    assert asked() == 6

"""What stopped on its way is found and brought to an end: by the queues, the sweepers and the circuit breakers."""

from datetime import timedelta

import pytest

from tests.flows.views import (
    CANCELLED,
    CONFIRMED,
    RECEIVED,
    WELCOME,
    by_status,
    figures,
    history_of,
    letters_to,
    order_of,
    payment_of,
)
from tests.simulation.town import Town
from tests.support.shop import Client, code

SWEEPERS = ("OrdersSweeper", "ProductsSweeper", "UsersSweeper")


def sweep(town: Town, **after: float) -> None:
    """Every sweeper once, and what comes of it, after so much time."""
    town.pass_time(timedelta(**after))
    for sweeper in SWEEPERS:
        town.tick(sweeper)
    town.settle()


def test_an_order_waits_for_a_provider_that_is_down_until_its_deadline(
    town: Town, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    placed = customer.order((mug, 3), payment_token="tok_unavailable")
    town.settle()
    for _ in range(3):
        sweep(town, minutes=3)
        assert order_of(customer, placed)["status"] == "pending"
        assert customer.stock_of(mug) == 17
    sweep(town, minutes=2)
    given_up = order_of(customer, placed)
    assert (given_up["status"], given_up["cancel_reason"]) == ("cancelled", "payment_unavailable")
    assert customer.stock_of(mug) == 20
    assert letters_to(town, customer) == [WELCOME, RECEIVED, CANCELLED]
    assert payment_of(placed) == "voided"
    sweep(town, minutes=20)
    assert history_of(customer, placed) == ["order.placed", "order.cancelled"]
    assert figures(customer, "products") == {"total": 1, "total_stock": 20}
    assert figures(customer, "orders") == by_status(cancelled=1)


def test_an_event_that_the_topic_did_not_take_is_published_by_the_sweeper(
    town: Town, admin: Client, customer: Client
) -> None:
    scarce = admin.add_product(name="Scarce Mug", stock=6)
    placed = customer.order((scarce, 4))
    with town.refusing("sns.PublishBatch"):
        town.settle()
    # As if the stream had used its attempts up, or its day were over.
    town.forget_deliveries()
    assert town.cloud.published == []
    # For a minute they might still be on their way.
    sweep(town, seconds=30)
    assert town.cloud.published == []
    sweep(town, minutes=1)
    assert history_of(customer, placed) == ["order.placed", "order.confirmed"]
    assert sorted(letters_to(town, customer)) == sorted([WELCOME, RECEIVED, CONFIRMED])
    assert sorted(fact.type for fact in town.cloud.published) == [
        "order.confirmed",
        "order.placed",
        "product.low_stock",
        "user.registered",
        "user.registered",
    ]
    sweep(town, minutes=2)
    assert len(town.cloud.published) == 5
    assert len(town.cloud.handed_over) == 5


def test_a_reservation_whose_order_was_never_written_is_given_back(
    town: Town, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    with town.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        lost = customer.try_order((mug, 3), key="lost")
    assert (lost.status_code, code(lost)) == (500, "internal-error")
    assert figures(customer, "orders") == by_status()
    sweep(town, minutes=14)
    assert customer.stock_of(mug) == 17
    sweep(town, minutes=2)
    assert customer.stock_of(mug) == 20
    assert figures(customer, "products") == {"total": 1, "total_stock": 20}
    again = customer.try_order((mug, 3), key="lost")
    assert (again.status_code, code(again)) == (409, "reservation-ended")
    assert customer.try_order((mug, 3), key="new").status_code == 201


def test_whoever_tries_a_lost_order_again_in_time_holds_no_more_than_before(
    town: Town, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    with town.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        customer.try_order((mug, 3), key="lost")
    # It may still be at work, for all that anybody knows.
    assert code(customer.try_order((mug, 3), key="lost")) == "request-in-progress"
    town.pass_time(timedelta(seconds=21))
    placed = customer.order((mug, 3), key="lost")
    town.settle()
    assert order_of(customer, placed)["status"] == "confirmed"
    assert customer.stock_of(mug) == 17


def test_a_saga_goes_on_when_the_inventory_is_back(
    town: Town, admin: Client, customer: Client
) -> None:
    placed = customer.order((admin.add_product(), 1))
    town.down.add("ProductsInventory")
    town.settle()
    assert order_of(customer, placed)["status"] == "pending"
    # What may not be sold is not charged.
    assert payment_of(placed) is None
    town.down.remove("ProductsInventory")
    # By the queue, which delivers what its worker sent again: after seconds, and not before.
    town.pass_time(timedelta(seconds=3))
    town.settle()
    assert order_of(customer, placed)["status"] == "pending"
    town.pass_time(timedelta(seconds=5))
    town.settle()
    assert order_of(customer, placed)["status"] == "confirmed"
    assert payment_of(placed) == "captured"


def test_an_order_whose_stock_was_given_back_meanwhile_is_not_charged(
    town: Town, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    placed = customer.order((mug, 3))
    town.down.add("ProductsInventory")
    town.settle()
    town.pass_time(timedelta(minutes=16))
    town.tick("ProductsSweeper")
    assert customer.stock_of(mug) == 20
    town.down.remove("ProductsInventory")
    town.settle()
    ended = order_of(customer, placed)
    assert (ended["status"], ended["cancel_reason"]) == ("cancelled", "reservation_expired")
    assert payment_of(placed) == "voided"
    assert customer.stock_of(mug) == 20
    assert letters_to(town, customer) == [WELCOME, RECEIVED, CANCELLED]


@pytest.mark.parametrize(
    ("function", "call"),
    [("UsersDirectory", "find_customer"), ("ProductsInventory", "reserve")],
)
def test_a_service_that_is_down_is_left_alone_after_five_failures(
    town: Town, admin: Client, customer: Client, function: str, call: str
) -> None:
    mug = admin.add_product(stock=20)
    # A success, so that the circuit counts from none.
    customer.order((mug, 1))
    town.down.add(function)
    town.internal_calls.clear()

    def refused() -> int:
        answer = customer.try_order((mug, 1))
        assert (answer.status_code, code(answer)) == (503, "service-unavailable")
        return int(answer.headers["retry-after"])

    def asked() -> int:
        return town.internal_calls.count(call)

    assert [refused() for _ in range(5)] == [2] * 5
    assert asked() == 5
    assert 2 < refused() <= 30
    # Another environment knows it too, and when the service is back nobody asks before the time is up.
    town.restart("OrdersApi")
    town.down.remove(function)
    assert 2 < refused() <= 30
    assert asked() == 5
    assert figures(customer, "orders") == by_status(pending=1)
    assert customer.stock_of(mug) == 19
    # What needs no other service works all the while.
    assert customer.get("/api/v1/orders").json()["count"] == 1
    town.pass_time(timedelta(seconds=31))
    town.restart("OrdersApi")
    assert customer.try_order((mug, 1)).status_code == 201
    assert asked() == 6

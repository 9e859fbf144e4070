"""An order's way through all services, as its customer, the shop's admin and the books see it."""

from datetime import timedelta

from tests.flows.views import (
    ARRIVED,
    CANCELLED,
    CONFIRMED,
    RECEIVED,
    SHIPPED,
    WELCOME,
    by_status,
    figures,
    history_of,
    letters_to,
    order_of,
    payment_of,
    told,
)
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client, code


def test_a_customer_registers_is_welcomed_and_buys(
    shop: SimulatedShop, admin: Client, anyone: Client
) -> None:
    shop.settle()
    before = len(shop.cloud.handed_over)
    customer = anyone.register()
    mug = admin.add_product(name="Mug", price="11.00", stock=20)
    tray = admin.add_product(name="Tray", price="24.50", stock=30)
    placed = customer.order((mug, 2), (tray, 1))
    assert (placed["status"], placed["total_amount"]) == ("pending", "46.50")
    assert (customer.stock_of(mug), customer.stock_of(tray)) == (18, 29)
    shop.settle()
    bought = order_of(customer, placed)
    assert (bought["status"], bought["version"]) == ("confirmed", 2)
    assert history_of(customer, placed) == ["order.placed", "order.confirmed"]
    assert (customer.stock_of(mug), customer.stock_of(tray)) == (18, 29)
    assert payment_of(placed) == "captured"
    assert told(customer) == [
        ("user.registered", "sent"),
        ("order.placed", "sent"),
        ("order.confirmed", "sent"),
    ]
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CONFIRMED]
    # Nobody else heard of it.
    assert len(shop.cloud.handed_over) == before + 3
    assert figures(customer, "users") == {"total": 3, "active": 3}
    assert figures(customer, "products") == {"total": 2, "total_stock": 47}
    assert figures(customer, "orders") == by_status(confirmed=1)
    assert figures(customer, "notifications") == {"sent": before + 3, "failed": 0}


def test_what_is_confirmed_is_sold_and_no_time_brings_it_back(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    placed = customer.order((mug, 2))
    shop.settle()
    shop.pass_time(timedelta(minutes=16))
    for sweeper in ("ProductsSweeper", "OrdersSweeper", "UsersSweeper"):
        shop.tick(sweeper)
    shop.settle()
    assert order_of(customer, placed)["status"] == "confirmed"
    assert customer.stock_of(mug) == 18
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CONFIRMED]


def test_a_declined_payment_gives_the_stock_back_and_tells_the_customer(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    placed = customer.order((mug, 3), payment_token="tok_declined")
    assert customer.stock_of(mug) == 17
    shop.settle()
    refused = order_of(customer, placed)
    assert (refused["status"], refused["cancel_reason"]) == ("cancelled", "payment_declined")
    assert history_of(customer, placed) == ["order.placed", "order.cancelled"]
    assert customer.stock_of(mug) == 20
    assert payment_of(placed) == "declined"
    assert told(customer)[1:] == [("order.placed", "sent"), ("order.cancelled", "sent")]
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CANCELLED]
    latest = customer.get("/api/v1/notifications?limit=1").json()["notifications"][0]
    assert "Your payment was declined" in latest["body"]
    assert figures(customer, "products") == {"total": 1, "total_stock": 20}
    assert figures(customer, "orders") == by_status(cancelled=1)


def test_a_confirmed_order_that_is_cancelled_is_refunded_and_restocked(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    kept, cancelled = customer.order((mug, 1)), customer.order((mug, 4))
    shop.settle()
    assert figures(customer, "products") == {"total": 1, "total_stock": 15}
    answer = customer.post(f"/api/v1/orders/{cancelled['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    shop.settle()
    assert order_of(customer, cancelled)["cancel_reason"] == "customer_request"
    assert history_of(customer, cancelled) == ["order.placed", "order.confirmed", "order.cancelled"]
    assert (payment_of(cancelled), payment_of(kept)) == ("refunded", "captured")
    assert customer.stock_of(mug) == 19
    assert letters_to(shop, customer).count(CANCELLED) == 1
    assert figures(customer, "users") == {"total": 2, "active": 2}
    assert figures(customer, "products") == {"total": 1, "total_stock": 19}
    assert figures(customer, "orders") == by_status(confirmed=1, cancelled=1)
    # Two welcomes; received and confirmed of two orders; one cancelled.
    assert figures(customer, "notifications") == {"sent": 7, "failed": 0}
    assert len(shop.cloud.handed_over) == 7


def test_an_order_is_shipped_and_delivered(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    placed = customer.order((admin.add_product(), 1))
    path = f"/api/v1/orders/{placed['id']}"
    early = admin.post(f"{path}/ship")
    assert (early.status_code, code(early)) == (409, "illegal-transition")
    shop.settle()
    assert admin.post(f"{path}/ship").json()["status"] == "shipped"
    shop.settle()
    assert admin.post(f"{path}/deliver").json()["status"] == "delivered"
    shop.settle()
    late = customer.post(f"{path}/cancel")
    assert (late.status_code, code(late)) == (409, "illegal-transition")
    shop.settle()
    assert history_of(customer, placed) == [
        "order.placed",
        "order.confirmed",
        "order.shipped",
        "order.delivered",
    ]
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CONFIRMED, SHIPPED, ARRIVED]
    assert figures(customer, "orders") == by_status(delivered=1)


def test_a_charge_whose_answer_never_came_confirms_the_order(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    placed = customer.order((admin.add_product(), 1), payment_token="tok_timeout")
    shop.settle()
    assert order_of(customer, placed)["status"] == "confirmed"
    assert payment_of(placed) == "captured"
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CONFIRMED]


def test_a_deactivated_customer_is_refused(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=20)
    deactivated = admin.delete(f"/api/v1/users/{customer.user['id']}")
    assert deactivated.status_code == 200
    # The access token is good for some minutes yet.
    answer = customer.try_order((mug, 1))
    assert (answer.status_code, code(answer)) == (403, "account-inactive")
    shop.settle()
    assert admin.stock_of(mug) == 20
    assert figures(admin, "orders") == by_status()
    assert figures(admin, "users") == {"total": 2, "active": 1}
    # That an account was deactivated is an event, but nobody is told of it.
    assert "user.deactivated" in [fact.type for fact in shop.cloud.published]
    assert sorted((email.to, email.subject) for email in shop.cloud.handed_over) == [
        (admin.user["email"], WELCOME),
        (customer.user["email"], WELCOME),
    ]


def test_the_admins_hear_once_of_a_product_that_runs_low(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    scarce = admin.add_product(name="Scarce Mug", stock=6)
    for _ in range(2):
        customer.order((scarce, 2))
        shop.settle()
    low = [e.to for e in shop.cloud.handed_over if e.subject == "Running low: Scarce Mug"]
    assert low == ["admin@example.com"]
    assert ("product.low_stock", "sent") in told(admin)
    assert ("product.low_stock", "sent") not in told(customer)


def test_the_id_of_a_request_stands_in_every_event_that_it_caused(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    scarce = admin.add_product(stock=6)
    shop.settle()
    answer = customer.try_order((scarce, 4), headers={"X-Request-ID": "the-order"})
    assert answer.headers["x-request-id"] == "the-order"
    shop.settle()
    path = f"/api/v1/orders/{answer.json()['id']}/cancel"
    customer.post(path, headers={"X-Request-ID": "the-cancel"})
    shop.settle()
    caused = [(fact.type, fact.request_id) for fact in shop.cloud.published]
    assert sorted(caused[2:]) == [
        ("order.cancelled", "the-cancel"),
        ("order.confirmed", "the-order"),
        ("order.placed", "the-order"),
        ("product.low_stock", "the-order"),
    ]

"""An order's way through all services, as its customer, the shop's admin and the books see it."""

from tests.flows.views import (
    CONFIRMED,
    RECEIVED,
    WELCOME,
    by_status,
    figures,
    history_of,
    letters_to,
    notified,
    order_of,
    payment_of,
)
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client


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
    assert notified(customer) == [
        ("user.registered", "sent"),
        ("order.placed", "sent"),
        ("order.confirmed", "sent"),
    ]
    assert letters_to(shop, customer) == [WELCOME, RECEIVED, CONFIRMED]
    # No other recipient got an e-mail.
    assert len(shop.cloud.handed_over) == before + 3
    assert figures(customer, "users") == {"total": 3, "active": 3}
    assert figures(customer, "products") == {"total": 4, "total_stock": 85}
    assert figures(customer, "orders") == by_status(confirmed=1)
    assert figures(customer, "notifications") == {"sent": before + 3, "failed": 0}


def test_events_have_the_id_of_the_request_that_caused_them(
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

"""A queue may deliver late, often and in any order: it makes no difference in the end."""

from datetime import timedelta

import pytest

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
)
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client


@pytest.mark.parametrize(
    ("times", "backwards"), [(1, False), (5, True)], ids=["as-sent", "five-times-backwards"]
)
def test_events_end_in_the_same_however_they_are_delivered(
    shop: SimulatedShop, admin: Client, customer: Client, times: int, backwards: bool
) -> None:
    mug = admin.add_product(stock=50)
    arrived = customer.order((mug, 1))
    declined = customer.order((mug, 2), payment_token="tok_declined")
    called_off = customer.order((mug, 4))
    # Before its saga has begun: backwards, the worker hears of the cancelled order before it hears of the placed one.
    customer.post(f"/api/v1/orders/{called_off['id']}/cancel")
    while shop.publish():
        shop.deliver("CheckoutQueue", times=times, backwards=backwards)
    admin.post(f"/api/v1/orders/{arrived['id']}/ship")
    admin.post(f"/api/v1/orders/{arrived['id']}/deliver")
    shop.publish()
    # All at once, so that backwards the first letter is of the delivery.
    assert shop.deliver("NotificationsQueue", times=times, backwards=backwards) == 10 * times
    shop.settle()
    assert history_of(customer, arrived)[1:] == [
        "order.confirmed",
        "order.shipped",
        "order.delivered",
    ]
    for order, reason in ((declined, "payment_declined"), (called_off, "customer_request")):
        assert order_of(customer, order)["cancel_reason"] == reason
        assert history_of(customer, order) == ["order.placed", "order.cancelled"]
    assert [payment_of(order) for order in (arrived, declined, called_off)] == [
        "captured",
        "declined",
        "voided",
    ]
    assert figures(customer, "products") == {"total": 1, "total_stock": 49}
    assert figures(customer, "orders") == by_status(delivered=1, cancelled=2)
    assert sorted(letters_to(shop, customer)) == sorted(
        [WELCOME, RECEIVED, CONFIRMED, SHIPPED, ARRIVED, *[RECEIVED, CANCELLED] * 2]
    )
    # And one welcome to the admin.
    assert figures(customer, "notifications") == {"sent": 10, "failed": 0}
    # However late the letters were, the list has them when and in the order in which things happened.
    listed = [
        (notification["type"], notification["created_at"])
        for notification in customer.get("/api/v1/notifications").json()["notifications"]
        if notification.get("order_id") == arrived["id"]
    ]
    history = customer.get(f"/api/v1/orders/{arrived['id']}/events").json()["events"]
    assert listed[::-1] == [(event["type"], event["at"]) for event in history]


def test_what_was_delivered_long_ago_changes_nothing_when_it_comes_again(
    shop: SimulatedShop, admin: Client, customer: Client
) -> None:
    mug = admin.add_product(stock=50)
    placed = customer.order((mug, 1))
    shop.settle()
    customer.post(f"/api/v1/orders/{placed['id']}/cancel")
    shop.settle()
    before = list(shop.cloud.handed_over)
    shop.pass_time(timedelta(days=3))
    for fact in reversed(shop.cloud.published):
        for queue in ("CheckoutQueue", "NotificationsQueue"):
            shop.cloud.put(queue, fact.model_dump_json())
    shop.settle()
    assert shop.cloud.handed_over == before
    assert history_of(customer, placed) == ["order.placed", "order.confirmed", "order.cancelled"]
    assert payment_of(placed) == "refunded"
    assert customer.stock_of(mug) == 50

"""A customer gets an e-mail that the order was received only if it is not confirmed within about a
minute; the notification is in the list at once."""

from datetime import timedelta

import pytest

from shared.messaging import outbox
from shared.messaging.publishing import QUARANTINE
from shared.storage.dynamodb import Table
from tests.flows.views import letters_to, order_of
from tests.simulation.shop import SimulatedShop
from tests.support.invariants import breaches

RECEIVED, CONFIRMED = "We have received your order", "Your order is confirmed"
_SECONDS = timedelta(seconds=10)


def wait(shop: SimulatedShop, seconds: int) -> None:
    """Let time pass; the sweeper ticks each minute."""
    for passed in range(10, seconds + 1, 10):
        shop.pass_time(_SECONDS)
        shop.settle()
        if passed % 60 == 0:
            shop.tick("OrdersSweeper")
            shop.settle()


def of_orders(shop: SimulatedShop) -> list[tuple[str, str, str]]:
    """Type, channel and status of the customer's notifications of orders, the newest first."""
    listed = shop.customer.get("/api/v1/notifications").json()["notifications"]
    return [(n["type"], n["channel"], n["status"]) for n in listed if "order_id" in n]


def test_order_that_is_confirmed_at_once_has_one_email(shop: SimulatedShop) -> None:
    shop.customer.order((shop.mug, 1))
    shop.settle()
    assert of_orders(shop) == [
        ("order.confirmed", "email", "sent"),
        ("order.placed", "inbox", "sent"),
    ]
    # Nothing is left to do.
    assert shop.is_quiet()
    wait(shop, 300)
    assert letters_to(shop, shop.customer)[-1] == CONFIRMED
    assert RECEIVED not in letters_to(shop, shop.customer)


def test_order_that_waits_for_its_payment_has_an_email_after_a_minute(shop: SimulatedShop) -> None:
    order = shop.customer.order((shop.mug, 1), payment_token="tok_unavailable")
    shop.settle()
    assert of_orders(shop) == [("order.placed", "inbox", "sent")]
    wait(shop, 50)
    assert RECEIVED not in letters_to(shop, shop.customer)
    wait(shop, 50)
    assert letters_to(shop, shop.customer).count(RECEIVED) == 1
    assert of_orders(shop) == [("order.placed", "email", "sent")]
    wait(shop, 600)
    assert order_of(shop.customer, order)["status"] == "cancelled"
    assert letters_to(shop, shop.customer).count(RECEIVED) == 1


@pytest.mark.parametrize("minutes", [2, 5])
def test_order_whose_messages_are_not_handled_has_an_email_after_a_minute(
    shop: SimulatedShop, minutes: int
) -> None:
    """As if OrdersCheckout did not run."""
    order = shop.customer.order((shop.mug, 1))
    deliver = shop.deliver
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop, "deliver", lambda queue: queue != "CheckoutQueue" and deliver(queue))
        shop.settle()
        assert of_orders(shop) == [("order.placed", "inbox", "sent")]
        wait(shop, minutes * 60 + 10)
        assert letters_to(shop, shop.customer).count(RECEIVED) == 1
    shop.come_to_rest()
    assert order_of(shop.customer, order)["status"] == "confirmed"
    assert letters_to(shop, shop.customer)[-2:] == [RECEIVED, CONFIRMED]
    assert not breaches(shop.books(), shop.witness)


def test_event_that_is_invalid_when_it_is_published_again_is_quarantined(
    shop: SimulatedShop,
) -> None:
    order = shop.customer.order((shop.mug, 1))
    shop.settle()
    pk, sk = f"ORDER#{order['id']}", outbox.sort_key(1)
    items = shop.cloud.dynamodb.tables["OrdersTable"].items
    items[pk, sk] = {**items[pk, sk], "event": {"M": {}}}
    outbox.repeat(Table("OrdersTable", shop._dynamodb), pk, 1)
    shop.settle()  # fails if it goes on
    assert items[pk, sk]["unsent"] == {"S": QUARANTINE}

"""What an order costs that is paid through Stripe."""

from collections import Counter

import pytest

from tests.costs import flows, through_stripe
from tests.costs.capacity import Units
from tests.costs.through_stripe import SERVICE
from tools.local.places import LOCALSTRIPE_PYTHON

pytestmark = [
    pytest.mark.skipif(not LOCALSTRIPE_PYTHON.exists(), reason="make setup installs localstripe"),
    pytest.mark.timeout(120),
]


def test_order_makes_three_requests_to_stripe_and_no_write_more_than_with_the_sandbox() -> None:
    with through_stripe.opened() as shop:
        shop.forget()
        order = shop.place()
        flows.bring_to_emails(shop)
        shop.report(order)
        shop.settle()
        confirmed = shop.customer.get(f"/api/v1/orders/{order['id']}").json()["status"]
        calls = shop.calls
    assert confirmed == "confirmed"
    assert Counter(call.operation for call in calls if call.service == SERVICE) == {
        "POST payment_intents": 1,
        "POST payment_intents/{id}/confirm": 1,
        "POST payment_intents/{id}/capture": 1,
    }
    units = sum((call.units for call in calls), Units())
    # One of the units read is for the customer's look at the order, one for the webhook's message.
    assert (units.write, units.read) == (39, 10)

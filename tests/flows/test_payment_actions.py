"""An order whose customer has to act for the payment, from the API to the checkout's queue."""

from datetime import timedelta

from tests.crashes.scenarios import report_payment
from tests.simulation.shop import SimulatedShop


def test_report_of_the_provider_confirms_an_order_before_its_delayed_message(
    shop: SimulatedShop,
) -> None:
    order = shop.customer.order((shop.mug, 1), payment_token="tok_action")
    path = f"/api/v1/orders/{order['id']}"
    shop.settle()
    shop.pass_time(timedelta(seconds=19))
    shop.settle()
    asked = shop.customer.get(path).json()
    assert (asked["status"], asked["payment"]["status"]) == ("pending", "action_required")
    # The customer has acted, and the message is delayed by nine seconds at least.
    shop.pass_time(timedelta(seconds=2))
    shop.settle()
    assert shop.customer.get(path).json() == asked
    report_payment(shop, order)
    confirmed = shop.customer.get(path).json()
    assert (confirmed["status"], confirmed.get("payment")) == ("confirmed", None)
    assert asked["payment"]["client_secret"] not in str(shop.books().orders)

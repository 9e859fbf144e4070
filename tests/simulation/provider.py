"""What happens at the payment provider itself."""

from collections.abc import Mapping
from typing import Any

from orders.payments.ports import Charge
from orders.payments.sandbox import SandboxPayments
from shared.runtime import aws, clock
from shared.storage.dynamodb import Table
from tests.simulation.shop import SimulatedShop
from tests.support import stripe


def refund_at_the_provider(shop: SimulatedShop, order: Mapping[str, Any], minor: int) -> None:
    """Refund in the provider's dashboard: the shop has no record of it."""
    ledger = Table("OrdersTable", aws.client("dynamodb"))
    charge = Charge(order["id"], 0, order["currency"], "", None)
    SandboxPayments(ledger).refund(charge, key="by hand", amount_minor=minor)


def dispute_at_the_provider(shop: SimulatedShop) -> None:
    """A customer disputes a payment, and Stripe reports it."""
    body = stripe.report(None, "charge.dispute.created", id="du_1", payment_intent="pi_1")
    headers = stripe.signed(body, at=clock.now())
    assert shop.anyone.http.post(stripe.PATH, content=body, headers=headers).is_success

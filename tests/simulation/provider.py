"""What the shop's owner does at the payment provider itself."""

from collections.abc import Mapping
from typing import Any

from orders.payments.ports import Charge
from orders.payments.sandbox import SandboxPayments
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.simulation.shop import SimulatedShop


def refund_at_the_provider(shop: SimulatedShop, order: Mapping[str, Any], minor: int) -> None:
    """A refund of which the shop does not know."""
    ledger = Table("OrdersTable", aws.client("dynamodb"))
    charge = Charge(order["id"], 0, order["currency"], "", None)
    SandboxPayments(ledger).refund(charge, key="by hand", amount_minor=minor)

"""What the saga's two entries, the worker and the sweeper, are both made of."""

from orders.neighbours import InventoryStock
from orders.repository import DynamoOrders
from orders.saga import Checkout
from orders.sandbox_payments import SandboxPayments
from shared import aws
from shared.contracts.inventory import REFUSALS
from shared.dynamodb import Table
from shared.internal import InternalClient


def checkout(table: Table, products_inventory: str) -> Checkout:
    """The saga on real collaborators."""
    # Five messages of a batch, each waiting this long, still fit into the worker's 60 s.
    lambda_ = aws.client("lambda", connect=0.5, read=8, attempts=1)
    inventory = InternalClient(lambda_, products_inventory, refusals=REFUSALS)
    return Checkout(DynamoOrders(table), InventoryStock(inventory), SandboxPayments(table))

"""OrdersCheckout: takes placed orders through their saga, gives back what cancelled ones took, and takes the names of
erased customers out of theirs."""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import queue_worker  # isort: skip
from dataclasses import dataclass

from orders import due_orders
from orders.circuits import GuardedPayments, GuardedStock
from orders.clients import InventoryStock
from orders.erasure import Erasure
from orders.repository import DynamoOrders
from orders.saga import Checkout
from orders.sandbox_payments import SandboxPayments
from shared.calls.internal import InternalClient
from shared.contracts.events import Event
from shared.contracts.inventory import REFUSALS
from shared.runtime import aws, logging
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import QueueSettings
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings(QueueSettings):
    """`products_inventory` names the function that holds the stock."""

    table_name: str
    products_inventory: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    table = Table(settings.table_name, aws.client("dynamodb"))
    # Longer than the inventory's own 6 s with a cold start before them; called twice at most, within the worker's 60 s.
    lambda_ = aws.client("lambda", connect=0.5, read=8, attempts=1)
    inventory = InternalClient(lambda_, settings.products_inventory, refusals=REFUSALS)
    orders = DynamoOrders(table)
    stock = GuardedStock(InventoryStock(inventory))
    payments = GuardedPayments(SandboxPayments(table))
    saga = Checkout(orders, stock, payments, last=(stock.insisting, payments.insisting))
    erasure = Erasure(orders)

    def react(event: Event) -> None:
        match event.type:
            case "user.erased":
                erasure.erase(event)
            case "order.placed" | "order.cancelled":
                # The order's item says what is to be done, whatever the event.
                saga.advance(event.aggregate_id)
            case due_orders.ORDER_DUE:
                with due_orders.superseded(event):
                    saga.advance(event.aggregate_id)
            case _:
                logging.logger().debug("nothing to do for %s", event.type)

    return queue_worker(react, settings)


handler = Entry(build, Settings)

"""OrdersCheckout: takes placed orders through their saga, gives back what cancelled ones took, and takes the names of
erased customers out of theirs."""

# First of all: see shared.workers.
from shared.workers import queue_worker  # isort: skip
from dataclasses import dataclass

from orders.composition import checkout
from orders.erasure import Erasure
from orders.repository import DynamoOrders
from shared import aws
from shared.contracts.events import Event
from shared.dynamodb import Table
from shared.entry import Entry, Handler
from shared.settings import QueueSettings


@dataclass(frozen=True)
class Settings(QueueSettings):
    """`products_inventory` names the function that holds the stock."""

    table_name: str
    products_inventory: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    table = Table(settings.table_name, aws.client("dynamodb"))
    saga = checkout(table, settings.products_inventory)
    erasure = Erasure(DynamoOrders(table))

    def react(event: Event) -> None:
        if event.type == "user.erased":
            erasure.erase(event)
        else:
            # The order's item says what is to be done, whatever event it was that woke us.
            saga.advance(event.aggregate_id)

    return queue_worker(react, settings)


handler = Entry(build, Settings)

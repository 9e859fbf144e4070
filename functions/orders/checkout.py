"""OrdersCheckout: takes placed orders through their saga, and gives back what cancelled ones took."""

# First of all: see shared.workers.
from shared.workers import queue_worker  # isort: skip
from dataclasses import dataclass

from orders.composition import checkout
from shared.contracts.events import Event
from shared.entry import Entry, Handler
from shared.settings import QueueSettings


@dataclass(frozen=True)
class Settings(QueueSettings):
    """`products_inventory` names the function that holds the stock."""

    table_name: str
    products_inventory: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    saga = checkout(settings.table_name, settings.products_inventory)

    def react(event: Event) -> None:
        # The order's item says what is to be done, whatever event it was that woke us.
        saga.advance(event.aggregate_id)

    return queue_worker(react, settings)


handler = Entry(build, Settings)

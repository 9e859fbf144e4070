"""OrdersSweeper: every minute, goes on with what stopped: sagas, compensations, events that stayed unsent."""

# First of all: see shared.workers.
from shared.workers import chores  # isort: skip
from dataclasses import dataclass

from orders.composition import checkout
from shared import aws
from shared.dynamodb import Table
from shared.entry import Entry, Handler
from shared.outbox import Relay
from shared.settings import OutboxSettings


@dataclass(frozen=True)
class Settings(OutboxSettings):
    """`products_inventory` names the function that holds the stock."""

    products_inventory: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    saga = checkout(Table(settings.table_name, aws.client("dynamodb")), settings.products_inventory)
    return chores(advanced=saga.sweep, published=Relay.connected(settings).sweep)


handler = Entry(build, Settings)

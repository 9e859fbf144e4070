"""OrdersSweeper: every minute, goes on with what stopped: sagas, compensations, events that stayed unsent."""

# First of all: see shared.workers.
from shared.workers import task  # isort: skip
from dataclasses import dataclass
from typing import Any

from orders.composition import checkout
from shared import aws
from shared.dynamodb import Table
from shared.entry import Entry, Handler
from shared.outbox import Relay


@dataclass(frozen=True)
class Settings:
    """`products_inventory` names the function that holds the stock, `topic_arn` is where events go."""

    table_name: str
    topic_arn: str
    products_inventory: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    saga = checkout(settings.table_name, settings.products_inventory)
    table = Table(settings.table_name, aws.client("dynamodb"))
    relay = Relay(table, aws.client("sns"), settings.topic_arn)

    def sweep(_tick: dict[str, Any]) -> None:
        # Events first: they are quick, and others wait for them.
        relay.sweep()
        saga.sweep()

    return task(sweep)


handler = Entry(build, Settings)

"""OrdersSweeper: every minute, sends messages for due orders and publishes events that stayed
unsent.
"""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import chores  # isort: skip
from dataclasses import dataclass

from orders.due_orders import DueOrderSweep
from orders.repository import DynamoOrders
from shared.messaging.publishing import Relay
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import OutboxSettings
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings(OutboxSettings):
    """`queue_url` is the checkout's queue."""

    queue_url: str


def build(settings: Settings) -> Handler:
    """Wire the function."""
    # All attempts at a call take less than orders.due_orders.CALL_SECONDS.
    client = aws.client("dynamodb", connect=0.5, read=1, attempts=2)
    table = Table(settings.table_name, client, shards=settings.shards)
    sqs = aws.client("sqs", connect=0.5, read=1, attempts=2)
    sweep = DueOrderSweep(DynamoOrders(table), sqs, settings.queue_url)
    # In this order: the sweep of orders has events published again, which the relay does at once.
    return chores(published=Relay.connected(settings).sweep, enqueued=sweep.run)


handler = Entry(build, Settings)

"""OrdersSweeper: every minute, sends the checkout messages for orders that stopped, and publishes events that stayed unsent."""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import chores  # isort: skip
from dataclasses import dataclass

from orders.due_orders import Overdue
from orders.repository import DynamoOrders
from shared.messaging.outbox import Relay
from shared.runtime import aws
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import OutboxSettings
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings(OutboxSettings):
    """`queue_url` is the checkout's queue."""

    queue_url: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    # All attempts at a call fit into orders.due_orders.CALL_SECONDS.
    table = Table(settings.table_name, aws.client("dynamodb", connect=0.5, read=1, attempts=2))
    sqs = aws.client("sqs", connect=0.5, read=1, attempts=2)
    overdue = Overdue(DynamoOrders(table), sqs, settings.queue_url)
    return chores(enqueued=overdue.sweep, published=Relay.connected(settings).sweep)


handler = Entry(build, Settings)

"""OrdersRelay: publishes the orders' events from the table's stream."""

# First of all: see shared.workers.
from shared.workers import task  # isort: skip
from dataclasses import dataclass

from shared import aws
from shared.dynamodb import Table
from shared.entry import Entry, Handler
from shared.outbox import Relay


@dataclass(frozen=True)
class Settings:
    """`topic_arn` is where events go."""

    table_name: str
    topic_arn: str


def build(settings: Settings) -> Handler:
    """The function's graph."""
    table = Table(settings.table_name, aws.client("dynamodb"))
    return task(Relay(table, aws.client("sns"), settings.topic_arn).relay)


handler = Entry(build, Settings)

"""Lambda entry for the table's stream: publishes the products' events."""

# First of all: see shared.workers.
from shared.workers import task  # isort: skip
from shared.entry import Entry, Handler
from shared.outbox import Relay
from shared.settings import OutboxSettings

Settings = OutboxSettings


def build(settings: Settings) -> Handler:
    """The relay from the table to the topic."""
    return task(Relay.connected(settings).relay)


handler = Entry(build, Settings)

"""Lambda entry for a table's stream: publishes the events of a service."""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import task  # isort: skip
from shared.messaging.publishing import Relay
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import OutboxSettings

Settings = OutboxSettings


def build(settings: Settings) -> Handler:
    """The relay from the table to the topic."""
    return task(Relay.connected(settings).relay)


handler = Entry(build, Settings)

"""Lambda entry for the schedule: publishes the users' events that stayed unsent."""

# First of all: see shared.workers.
from shared.workers import chores  # isort: skip
from shared.entry import Entry, Handler
from shared.outbox import Relay
from shared.settings import OutboxSettings

Settings = OutboxSettings


def build(settings: Settings) -> Handler:
    """The sweep of the table's unsent events."""
    return chores(published=Relay.connected(settings).sweep)


handler = Entry(build, Settings)

"""Lambda entry for a schedule: publishes the events of a service that stayed unsent.

A service with more to do at each tick has a sweeper of its own, as orders and products have.
"""

# First of all: see shared.messaging.workers.
from shared.messaging.workers import chores  # isort: skip
from shared.messaging.publishing import Relay
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import OutboxSettings

Settings = OutboxSettings


def build(settings: Settings) -> Handler:
    """The sweep of the table's unsent events."""
    return chores(published=Relay.connected(settings).sweep)


handler = Entry(build, Settings)

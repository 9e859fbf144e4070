"""Lambda entry for the schedule: publishes the users' events that stayed unsent."""

# First of all: see shared.workers.
from shared.workers import task  # isort: skip
from typing import Any

from shared.entry import Entry, Handler
from shared.outbox import Relay
from shared.settings import OutboxSettings

Settings = OutboxSettings


def build(settings: Settings) -> Handler:
    """The sweep of the table's unsent events."""
    relay = Relay.connected(settings)

    def sweep(_tick: dict[str, Any]) -> dict[str, int]:
        return {"found": relay.sweep()}

    return task(sweep)


handler = Entry(build, Settings)

"""Lambda entry for the schedule: publishes the users' events that stayed unsent."""

from dataclasses import dataclass
from typing import Any

from shared import aws
from shared.dynamodb import Table
from shared.entry import Entry, Handler
from shared.outbox import Relay
from shared.workers import task


@dataclass(frozen=True)
class Settings:
    table_name: str
    topic_arn: str


def build(settings: Settings) -> Handler:
    """The sweep of the table's unsent events."""
    table = Table(settings.table_name, aws.client("dynamodb"))
    relay = Relay(table, aws.client("sns"), settings.topic_arn)

    def sweep(_tick: dict[str, Any]) -> dict[str, int]:
        return {"found": relay.sweep()}

    return task(sweep)


handler = Entry(build, Settings)

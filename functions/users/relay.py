"""Lambda entry for the table's stream: publishes the users' events."""

from dataclasses import dataclass

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
    """The relay from the table to the topic."""
    table = Table(settings.table_name, aws.client("dynamodb"))
    return task(Relay(table, aws.client("sns"), settings.topic_arn).relay)


handler = Entry(build, Settings)

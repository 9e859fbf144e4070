"""Lambda entry for the schedule: releases expired reservations, and publishes unsent events."""

# Before pydantic, which everything below imports: see there.
from shared.messaging.workers import chores  # isort: skip

from products.reservations.repository import DynamoReservations
from products.reservations.service import ReservationService
from shared.messaging.publishing import Relay
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.runtime.settings import OutboxSettings
from shared.storage.dynamodb import Table

Settings = OutboxSettings


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb"), shards=settings.shards)
    reservations = ReservationService(DynamoReservations(table))
    return chores(released=reservations.release_expired, published=Relay.connected(settings).sweep)


handler = Entry(build, Settings)

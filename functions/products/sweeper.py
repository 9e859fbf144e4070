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


def create_handler(reservations: ReservationService, relay: Relay) -> Handler:
    """The handler of the schedule."""
    return chores(released=reservations.release_expired, published=relay.sweep)


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb"))
    reservations = ReservationService(DynamoReservations(table))
    return create_handler(reservations, Relay.connected(settings))


handler = Entry(build, Settings)

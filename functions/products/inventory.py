"""Lambda entry for internal calls: reserve stock for an order, then confirm, release or partly give
it back."""

from dataclasses import dataclass
from typing import Any

from products.reservations.repository import DynamoReservations
from products.reservations.service import ReservationService
from shared.calls.internal import internal_handler
from shared.contracts.inventory import Confirm, Done, GiveBack, Release, Reservation, Reserve
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler
from shared.storage.dynamodb import Table


@dataclass(frozen=True)
class Settings:
    """The function's settings.

    Attributes:
        currency: the shop's currency (ISO 4217).
        low_stock_threshold: a product on sale with fewer available units is reported.
    """

    table_name: str
    shards: int
    currency: str
    low_stock_threshold: int


def create_handler(service: ReservationService, *, currency: str) -> Handler:
    """The handler of the commands of shared.contracts.inventory."""

    def reserve(body: dict[str, Any]) -> Reservation:
        command = Reserve.model_validate(body)
        hold = service.reserve(
            command.order_id, command.lines, expected_total_minor=command.expected_total_minor
        )
        return Reservation(
            order_id=hold.reservation.order_id,
            lines=list(hold.reservation.lines),
            currency=currency,
            held_seconds_ago=hold.seconds_ago,
        )

    def confirm(body: dict[str, Any]) -> Done:
        service.confirm(Confirm.model_validate(body).order_id)
        return Done()

    def release(body: dict[str, Any]) -> Done:
        service.release(Release.model_validate(body).order_id)
        return Done()

    def give_back(body: dict[str, Any]) -> Done:
        command = GiveBack.model_validate(body)
        service.give_back(command.order_id, command.lines, key=command.key)
        return Done()

    commands = {
        "reserve": reserve,
        "confirm": confirm,
        "release": release,
        "give_back": give_back,
    }
    return internal_handler(commands)


def build(settings: Settings) -> Handler:
    """Wire the function."""
    table = Table(settings.table_name, client("dynamodb", attempts=2), shards=settings.shards)
    reservations = DynamoReservations(table, low_stock_threshold=settings.low_stock_threshold)
    service = ReservationService(reservations)
    return create_handler(service, currency=settings.currency)


handler = Entry(build, Settings)

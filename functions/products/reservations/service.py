"""Reservations: stock held for an order, then sold or given back."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from products.attempts import insist
from products.catalogue.models import Product
from products.reservations.errors import BooksBroken
from products.reservations.models import Hold, Reservation
from products.reservations.ports import Reservations
from shared.calls.deadline import Deadline
from shared.contracts.inventory import (
    Line,
    OutOfStock,
    PricedLine,
    ReservationEnded,
    UnknownProduct,
)
from shared.errors import ServiceUnavailable
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, now

# What giving one back may take; the sweep begins none with less time left.
RELEASE_SECONDS: Final = 15.0
_ENDED: Final = "The reservation has ended, or never was."


class ReservationService:
    """Holds, sells and gives back. Each of these may be asked for again and again, and is done once."""

    def __init__(self, reservations: Reservations, *, clock: Clock = now) -> None:
        self._reservations = reservations
        self._clock = clock

    def reserve(self, order_id: str, lines: Iterable[Line]) -> Hold:
        """Hold all lines at today's prices, or none; what the order holds already is given again.

        Raises:
            OutOfStock, UnknownProduct: nothing is held.
            ReservationEnded: it was released before.
        """
        quantities: Counter[str] = Counter()
        for line in lines:
            quantities[line.product_id] += line.quantity
        return insist(self._reserve, order_id, quantities)

    def _reserve(self, order_id: str, quantities: Mapping[str, int]) -> Hold:
        existing, products = self._reservations.look_up(order_id, quantities)
        lines: tuple[PricedLine, ...] = ()
        if existing is None:
            try:
                lines = _priced(quantities, products)
            except (OutOfStock, UnknownProduct):
                # The same command may be running twice, and the other one may have taken what this one misses.
                existing = self._reservations.find(order_id)
                if existing is None:
                    raise
        at = self._clock()
        if existing:
            if existing.state == "released":
                raise ReservationEnded(_ENDED)
            return Hold(existing, existing.seconds_held(at))
        held = Reservation.held(order_id, lines, at=at)
        self._reservations.hold(held, products, at=at)
        metrics.count("ReservationsHeld")
        return Hold(held, None)

    def confirm(self, order_id: str) -> None:
        """What the order holds is sold.

        Raises:
            ReservationEnded: it was released, or nothing was ever held.
        """
        insist(self._confirm, order_id)

    def _confirm(self, order_id: str) -> None:
        found = self._reservations.find(order_id)
        if found is None:
            raise ReservationEnded(_ENDED)
        confirmed = found.confirmed()
        if confirmed is not found:
            self._reservations.settle(found, confirmed, at=self._clock())
            metrics.count("ReservationsConfirmed")

    def release(self, order_id: str) -> None:
        """What the order holds or has bought is available again, and nothing can be held for it any more."""
        insist(self._release, order_id)

    def _release(self, order_id: str) -> None:
        found = self._reservations.find(order_id)
        at = self._clock()
        if found is None:
            self._reservations.settle(None, Reservation.tombstone(order_id, at=at), at=at)
        elif found.state != "released":
            self._reservations.settle(found, found.released(), at=at)
            metrics.count("ReservationsReleased")

    def release_expired(self, deadline: Deadline) -> int:
        """Give back what was held for too long, oldest first; return how many reservations that were.

        One that cannot be given back does not keep the others from it; the next call tries it again.
        """
        released = 0
        for order_id in self._reservations.due(self._clock()):
            if not deadline.allows(RELEASE_SECONDS):
                break
            try:
                released += insist(self._expire, order_id)
            except (BooksBroken, ServiceUnavailable) as failure:
                is_broken = isinstance(failure, BooksBroken)
                metrics.count("ReservationsBroken" if is_broken else "ReservationsNotExpired")
                logging.logger().exception(
                    "could not give back a reservation", extra={"order_id": order_id}
                )
        if released:
            metrics.count("ReservationsExpired", released)
        return released

    def _expire(self, order_id: str) -> bool:
        found = self._reservations.find(order_id)
        at = self._clock()
        # An index may be behind: what counts is the reservation. One that was confirmed meanwhile is a sale.
        if found is None or not found.has_expired(at):
            return False
        self._reservations.settle(found, found.released(), at=at)
        return True


def _priced(
    quantities: Mapping[str, int], products: Mapping[str, Product]
) -> tuple[PricedLine, ...]:
    for product_id in quantities:
        if product_id not in products:
            raise UnknownProduct(product_id=product_id)
    return tuple(products[id_].priced(quantity) for id_, quantity in quantities.items())

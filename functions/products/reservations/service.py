"""Reservations: stock that is held for an order, then sold or released."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from products.catalogue.models import Product
from products.catalogue.ports import CONFLICT_ATTEMPTS
from products.reservations.models import Hold, Reservation
from products.reservations.ports import Reservations, StockMismatch
from shared.calls.deadline import Deadline
from shared.contracts.inventory import (
    Line,
    OutOfStock,
    PriceChanged,
    PricedLine,
    ReservationEnded,
    UnknownProduct,
)
from shared.errors import ServiceUnavailable
from shared.money import to_text
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, now
from shared.storage.conflicts import ConcurrentChange, retry_on_conflict

# The longest time for one release; the sweep starts none with less time left.
RELEASE_SECONDS: Final = 15.0
_ENDED: Final = "The reservation has ended, or never was."


class ReservationService:
    """Reserves, confirms and releases. Each command is idempotent by the order's id, `give_back` by
    its own key."""

    def __init__(self, reservations: Reservations, *, clock: Clock = now) -> None:
        self._reservations = reservations
        self._clock = clock

    def reserve(
        self, order_id: str, lines: Iterable[Line], *, expected_total_minor: int | None = None
    ) -> Hold:
        """Hold all lines at the present prices, or none; return the order's reservation if it has
        one.

        Args:
            expected_total_minor: what the lines may cost; None for any price.

        Raises:
            OutOfStock, UnknownProduct, PriceChanged: nothing is held.
            ReservationEnded: it was released before.
        """
        quantities: Counter[str] = Counter()
        for line in lines:
            quantities[line.product_id] += line.quantity

        def reserve(found: tuple[Reservation | None, Mapping[str, Product]]) -> Hold:
            existing, products = found
            priced: tuple[PricedLine, ...] = ()
            if existing is None:
                try:
                    priced = _priced(quantities, products)
                except (OutOfStock, UnknownProduct):
                    # The same command may run twice at once: the other one may have taken the
                    # missing units.
                    existing = self._reservations.find(order_id)
                    if existing is None:
                        raise
            at = self._clock()
            if existing:
                if existing.state == "released":
                    raise ReservationEnded(_ENDED)
                return Hold(existing, existing.seconds_held(at))
            total = sum(line.total_minor for line in priced)
            if expected_total_minor not in (None, total):
                raise PriceChanged(total_amount=to_text(total))
            held = Reservation.held(order_id, priced, at=at)
            self._reservations.hold(held, products, at=at)
            return Hold(held, None)

        return retry_on_conflict(
            lambda: self._reservations.look_up(order_id, quantities),
            reserve,
            attempts=CONFLICT_ATTEMPTS,
        )

    def confirm(self, order_id: str) -> None:
        """Sell what the order holds.

        Raises:
            ReservationEnded: it was released, or nothing was ever held.
        """

        def confirm(found: Reservation | None) -> None:
            if found is None:
                raise ReservationEnded(_ENDED)
            confirmed = found.confirmed()
            if confirmed is not found:
                self._reservations.settle(found, confirmed, at=self._clock())

        self._retry(order_id, confirm)

    def release(self, order_id: str) -> None:
        """Make the order's units available again, held or sold; it can hold nothing any more."""

        def release(found: Reservation | None) -> None:
            at = self._clock()
            if found is None:
                self._reservations.settle(None, Reservation.tombstone(order_id, at=at), at=at)
            elif found.state != "released":
                self._reservations.settle(found, found.released(), at=at)

        self._retry(order_id, release)

    def give_back(self, order_id: str, lines: Iterable[Line], *, key: str) -> None:
        """Make some of the order's units available again, once for each key. A released order has
        none."""

        def give_back(found: Reservation | None) -> None:
            after = found.without(lines, key=key) if found else None
            if found and after and after is not found:
                self._reservations.give_back(found, after, at=self._clock())

        self._retry(order_id, give_back)

    def _look_after(self, product_id: str) -> None:
        """Look after a spread product; if that fails, the next call tries it again."""
        try:
            self._reservations.look_after(product_id, at=self._clock())
        except (ConcurrentChange, ServiceUnavailable):
            metrics.count("ProductsNotGathered")
            logging.logger().warning(
                "could not look after a spread product",
                exc_info=True,
                extra={"product_id": product_id},
            )

    def release_expired(self, deadline: Deadline) -> int:
        """Release the expired reservations, oldest first, and look after spread products; return
        the number of reservations.

        One that cannot be released does not stop the others; the next call tries it again.
        """
        released = 0
        for kind, order_id in self._reservations.due(self._clock()):
            if not deadline.allows(RELEASE_SECONDS):
                break
            if kind == "PRODUCT":
                self._look_after(order_id)
                continue
            try:
                released += self._retry(order_id, self._release_if_expired)
            except (StockMismatch, ServiceUnavailable) as failure:
                is_broken = isinstance(failure, StockMismatch)
                metrics.count("ReservationsBroken" if is_broken else "ReservationsNotExpired")
                logging.logger().exception(
                    "could not release a reservation", extra={"order_id": order_id}
                )
        if released:
            metrics.count("ReservationsExpired", released)
        return released

    def _release_if_expired(self, found: Reservation | None) -> bool:
        at = self._clock()
        # The index may be behind: the reservation itself decides. One that is confirmed by now is a
        # sale.
        if found is None or not found.has_expired(at):
            return False
        self._reservations.settle(found, found.released(), at=at)
        return True

    def _retry[R](self, order_id: str, settle: Callable[[Reservation | None], R]) -> R:
        return retry_on_conflict(
            lambda: self._reservations.find(order_id), settle, attempts=CONFLICT_ATTEMPTS
        )


def _priced(
    quantities: Mapping[str, int], products: Mapping[str, Product]
) -> tuple[PricedLine, ...]:
    for product_id in quantities:
        if product_id not in products:
            raise UnknownProduct(product_id=product_id)
    return tuple(products[id_].priced(quantity) for id_, quantity in quantities.items())

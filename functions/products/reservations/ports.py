"""What reservations need from outside; the repository and the tests' fakes implement it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from products.catalogue.models import Product
from products.reservations.models import Reservation


class Reservations(Protocol):
    """Where reservations are kept, and the stock that they move."""

    def find(self, order_id: str) -> Reservation | None:
        """The order's reservation, None where there is none."""

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        """The order's reservation and, by id, those of the products that exist; at most 50 are asked for."""

    def hold(self, reservation: Reservation, seen: Mapping[str, Product], *, at: datetime) -> None:
        """Keep a new reservation, take its units, and keep an event for each product that runs low by it, all or nothing.

        Args:
            seen: the lines' products, as they were when the lines were priced.

        Raises:
            Overtaken: there is a reservation already; or a product is not on sale, not at this price, or not there in
                this number any more, or not on the side of the low-stock threshold where it was seen.
        """

    def settle(self, before: Reservation | None, after: Reservation, *, at: datetime) -> None:
        """Keep the reservation's new state, and give its units back if it is released, all or nothing. What is sold
        was taken before, so none move then.

        Args:
            before: None for a tombstone.

        Raises:
            Overtaken: the reservation is not as in `before` any more.
            BooksBroken: see there.
        """

    def due(self, at: datetime) -> Iterator[str]:
        """Ids of orders whose reservations are past their time, oldest first, read page by page as they are consumed."""

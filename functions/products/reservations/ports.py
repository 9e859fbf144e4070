"""What reservations need from outside; the repository and the tests' fakes implement it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from products.catalogue.models import Product
from products.reservations.models import Reservation
from shared.errors import OwnError


class StockMismatch(OwnError):
    """A product has fewer taken units than its reservations say. An operator must look at it."""


class Reservations(Protocol):
    """Stores reservations, and moves the stock of their products."""

    def find(self, order_id: str) -> Reservation | None:
        """The order's reservation."""

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        """The order's reservation, and by id those of at most 50 products that exist."""

    def hold(self, reservation: Reservation, seen: Mapping[str, Product], *, at: datetime) -> None:
        """Store a new reservation, take its units, and store an event for each product that runs
        low, all or nothing.

        Args:
            seen: the products of the lines, as they were when the lines were priced.

        Raises:
            ConcurrentChange: the order has a reservation already; or a product is not on sale any
                more, has another price or too few units, or is on the other side of the low-stock
                threshold.
        """

    def settle(self, before: Reservation | None, after: Reservation, *, at: datetime) -> None:
        """Store the reservation's next state, and make its units available if it is released, all
        or nothing. A confirmation moves no units: they were taken before.

        Args:
            before: None for a tombstone.

        Raises:
            ConcurrentChange: the reservation is not as in `before` any more.
            StockMismatch: a product has fewer taken units than the reservation.
        """

    def due(self, at: datetime) -> Iterator[str]:
        """The ids of the orders with expired reservations, oldest first, read page by page."""

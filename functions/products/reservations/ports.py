"""What reservations need from outside; the repository and the tests' fakes implement it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from products.catalogue.models import Product
from products.reservations.models import Reservation
from shared.errors import OwnError


class Due(NamedTuple):
    """What a sweeper finds: an order with a reservation, or a product."""

    kind: str  # RESERVATION or PRODUCT
    id: str


class StockMismatch(OwnError):
    """A product has fewer taken units than its reservations say. An operator must look at it."""


class Reservations(Protocol):
    """Stores reservations, and moves the stock of their products."""

    def find(self, order_id: str) -> Reservation | None:
        """The order's reservation."""

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        """The order's reservation, and by id those of at most 50 products that exist; of a spread
        one, what its own item has."""

    def hold(self, reservation: Reservation, seen: Mapping[str, Product], *, at: datetime) -> None:
        """Store a new reservation, take its units, and store an event for each product that runs
        low, all or nothing.

        Args:
            seen: the products of the lines, as they were when the lines were priced.

        Raises:
            ConcurrentChange: the order has a reservation already; or a product is not on sale any
                more, has another price or too few units, or is on the other side of the low-stock
                threshold; or its units are being moved.
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

    def give_back(self, before: Reservation, after: Reservation, *, at: datetime) -> None:
        """Store a reservation with fewer units than `before`, and make the others available, all or
        nothing.

        Raises:
            ConcurrentChange, StockMismatch: as `settle`.
        """

    def due(self, at: datetime) -> Iterator[Due]:
        """The expired reservations and the spread products to look after, oldest first, read page
        by page."""

    def look_after(self, product_id: str, *, at: datetime) -> None:
        """Move all units of a spread product into its own item again, if few buyers want it.

        Raises:
            ConcurrentChange, Contended: not yet.
        """

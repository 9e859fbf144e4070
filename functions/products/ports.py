"""What the services need of the world; the repositories and the tests' fakes give it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from products.models import Place, Product, ProductPage, Receipt, Reservation, Search


class Products(Protocol):
    """Where products and their stock are kept."""

    def add(self, product: Product) -> None:
        """Keep a new product."""

    def find(self, product_id: str) -> Product | None:
        """The product as it is now, withdrawn or not."""

    def change(self, before: Product, after: Product, *, exactly: bool) -> None:
        """Keep what people changed of a product. Its stock stays as it is at that moment.

        Args:
            exactly: also its stock must be as in `before`.

        Raises:
            Overtaken: the product is not as in `before` any more.
        """

    def restock(
        self, product: Product, delta: int, *, at: datetime, receipt: Receipt | None
    ) -> None:
        """Add to the available units, keep the receipt, and an event if the product runs low by it, all or nothing.

        Raises:
            Overtaken: the receipt is there already, the product was put on or off sale since it was read, fewer are
                available than are to be taken away, or the product is on the other side of the low-stock threshold.
        """

    def find_receipt(self, receipt: Receipt) -> Receipt | None:
        """The receipt that stands for this one's caller, product and key."""

    def keep_answer(self, receipt: Receipt, answer: Product) -> Product:
        """Keep what is answered to a change; if somebody has kept an answer already, return that."""

    def totals(self) -> Mapping[str, int]:
        """How many products are on sale (`total`), and how many units of them (`total_stock`)."""


class ProductIndex(Protocol):
    """Finds products on sale, however many there are."""

    def page(self, search: Search, *, limit: int, after: Place | None) -> ProductPage:
        """At most `limit` products from after a place.

        It may be fewer though more follow: what an answer may cost is bounded.
        """


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

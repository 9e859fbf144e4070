"""What the catalogue needs from outside; the repositories and the tests' fakes implement it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, Protocol

from products.catalogue.models import Position, Product, Receipt, Search
from shared.pages import Page

CONFLICT_ATTEMPTS: Final = 25
"""Attempts at a write. While a popular product is sold, one attempt of five succeeds."""


class Products(Protocol):
    """Stores products and their stock."""

    def add(self, product: Product, *, receipt: Receipt | None = None) -> None:
        """Store a new product, and the receipt with its answer.

        Raises:
            ConcurrentChange: the receipt exists already.
        """

    def find(self, product_id: str) -> Product | None:
        """The product as it is now, withdrawn or not."""

    def change(self, before: Product, after: Product, *, exactly: bool) -> None:
        """Store an admin's change. The stock stays as it is at that moment.

        Args:
            exactly: the stock must be as in `before`, too.

        Raises:
            ConcurrentChange: the product is not as in `before` any more.
        """

    def restock(
        self, product: Product, delta: int, *, at: datetime, receipt: Receipt | None
    ) -> None:
        """Add to the available units, store the receipt, and an event if the product runs low, all
        or nothing.

        Raises:
            ConcurrentChange: the receipt exists already, the product was put on or off sale after
                it was read, fewer units are available than are to be removed, or the product is on
                the other side of the low-stock threshold.
        """

    def find_receipt(self, receipt: Receipt) -> Receipt | None:
        """The stored receipt of the same caller, product and key."""

    def keep_answer(self, receipt: Receipt, answer: Product) -> Product:
        """Store the response to a change, unless there is one; return the stored response."""

    def totals(self) -> Mapping[str, int]:
        """The number of products on sale (`total`), and of their units (`total_stock`)."""

    def categories(self) -> Mapping[str, int]:
        """The categories with products on sale, in the order of their names, and how many products
        each has."""


class ProductIndex(Protocol):
    """Finds products on sale, however many there are."""

    def page(
        self, search: Search, *, limit: int, after: Position | None
    ) -> Page[Product, Position]:
        """At most `limit` products from after a position. A page may be short though more follow:
        its cost is bounded.
        """

    def several(self, product_ids: Collection[str]) -> list[Product]:
        """Those of the products that are on sale, in the order of the ids."""

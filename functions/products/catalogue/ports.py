"""What the catalogue needs from outside; the repositories and the tests' fakes implement it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from products.catalogue.models import Place, Product, ProductPage, Receipt, Search


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

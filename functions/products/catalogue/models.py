"""A product and its stock, and searches for products. Values are frozen; a transition returns the next value or raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Self, TypedDict

from products.catalogue.text import words_of
from shared.contracts.events import LowStockData
from shared.contracts.inventory import OutOfStock, PricedLine, UnknownProduct
from shared.runtime.clock import rfc3339

Sort = Literal["price", "-price", "name", "newest"]

_PRODUCT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_product_id(text: str) -> bool:
    """Whether a product could have this id."""
    return _PRODUCT_ID.fullmatch(text) is not None


class ProductChanges(TypedDict, total=False):
    """What a person may change of a product; what is left out stays."""

    name: str
    description: str
    price_minor: int
    category: str
    is_active: bool


@dataclass(frozen=True)
class Product:
    """Something to sell. All times are RFC 3339.

    Of its units, so many are `available`, and so many `taken`: held for orders, or sold. Which of the two, the
    reservations say. `version` counts every change that a client can see, stock included; `edition` only those that people make to the product itself, so that these
    need not wait for a pause between sales.
    """

    id: str
    name: str
    description: str
    price_minor: int
    category: str
    is_active: bool
    available: int
    taken: int
    version: int
    edition: int
    created_at: str
    updated_at: str

    @classmethod
    def added(
        cls,
        id_: str,
        *,
        name: str,
        description: str,
        price_minor: int,
        category: str,
        stock: int,
        at: datetime,
    ) -> Self:
        """A new product, on sale."""
        now = rfc3339(at)
        return cls(
            id=id_,
            name=name,
            description=description,
            price_minor=price_minor,
            category=category,
            is_active=True,
            available=stock,
            taken=0,
            version=1,
            edition=1,
            created_at=now,
            updated_at=now,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """What its name is found by."""
        return words_of(self.name)

    def changed(self, changes: ProductChanges, *, at: datetime) -> Self:
        """With these changes; the very same product if they change nothing."""
        changed = replace(self, **changes)
        if changed == self:
            return self
        return replace(
            changed, version=self.version + 1, edition=self.edition + 1, updated_at=rfc3339(at)
        )

    def restocked(self, delta: int, *, at: datetime) -> Self:
        """With so many more units, or fewer.

        Raises:
            OutOfStock: fewer are available than are to be taken away.
        """
        if self.available + delta < 0:
            raise OutOfStock(product_id=self.id, requested=-delta, available=self.available)
        return replace(
            self,
            available=self.available + delta,
            version=self.version + 1,
            updated_at=rfc3339(at),
        )

    def priced(self, quantity: int) -> PricedLine:
        """A line of so many at today's price.

        Raises:
            UnknownProduct: it is not on sale.
            OutOfStock: fewer are available.
        """
        if not self.is_active:
            raise UnknownProduct(product_id=self.id)
        if self.available < quantity:
            raise OutOfStock(product_id=self.id, requested=quantity, available=self.available)
        return PricedLine(
            product_id=self.id,
            name=self.name,
            quantity=quantity,
            unit_price_minor=self.price_minor,
        )

    def low_stock_since(self, before: "Product", threshold: int) -> LowStockData | None:
        """What is to be told if the step from `before` took a product on sale below the threshold."""
        if not self.is_active or not self.available < threshold <= before.available:
            return None
        return LowStockData(
            product_id=self.id, name=self.name, available=self.available, threshold=threshold
        )


@dataclass(frozen=True)
class Receipt:
    """That a stock change was done under an idempotency key.

    `digest` is SHA-256 of what was asked for. `answer` is the product as the caller was told it, None as long as
    nobody was.
    """

    caller_id: str
    product_id: str
    key: str
    digest: str
    answer: Product | None = None


@dataclass(frozen=True)
class Search:
    """What is looked for among the products on sale: every condition holds for each one found.

    Prices include both ends. `prefixes` are folded; each begins a word of the name.
    """

    category: str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    prefixes: tuple[str, ...] = ()
    sort: Sort = "newest"

    def finds(self, product: Product) -> bool:
        """Whether the product is one of those looked for."""
        return (
            product.is_active
            and self.category in (None, product.category)
            and self.admits_price(product.price_minor)
            and self.admits_words(product.words)
        )

    def admits_price(self, price_minor: int) -> bool:
        lowest, highest = self.min_price_minor, self.max_price_minor
        return (lowest is None or lowest <= price_minor) and (
            highest is None or price_minor <= highest
        )

    def admits_words(self, words: tuple[str, ...]) -> bool:
        return all(any(word.startswith(prefix) for word in words) for prefix in self.prefixes)


type Place = Mapping[str, Any]
"""Where a list goes on; only the index that made it can read it."""


@dataclass(frozen=True)
class ProductPage:
    """Products in the order asked for; `last` is where the next page goes on, None at the end."""

    products: list[Product]
    last: Place | None

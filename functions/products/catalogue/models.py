"""Products with their stock, and searches. A transition returns the next value or raises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self, TypedDict

from products.catalogue.text import words_of
from shared.contracts.events import LowStockData
from shared.contracts.inventory import OutOfStock, PricedLine, UnknownProduct
from shared.runtime.clock import rfc3339

Sort = Literal["price", "-price", "name", "newest"]


@dataclass(frozen=True)
class NewProduct:
    """What an admin says of a new product."""

    name: str
    description: str
    price_minor: int
    category: str
    stock: int


class ProductChanges(TypedDict, total=False):
    """The fields of a product that an admin changes; the others stay."""

    name: str
    description: str
    price_minor: int
    category: str
    is_active: bool


@dataclass(frozen=True)
class Spread:
    """Where the units of a product are while more buyers want it than one item serves
    (products.catalogue.repository.shares).

    Attributes:
        id: of this time; the product's next spread has another.
        shares: the number of items.
        closing_at: since when the units are moved back; None while they are sold.
    """

    id: str
    shares: int
    closing_at: str | None = None


@dataclass(frozen=True)
class Product:
    """A product and its stock. Times are RFC 3339.

    Attributes:
        available: units that can be ordered.
        taken: units that are held for orders, or sold; the reservations distinguish the two.
        version: counts every change that a client can see, stock included.
        edition: counts only the changes of admins, so that these do not conflict with sales.
        spread: where units are that its own item does not have; None if there are none.
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
    spread: Spread | None = None

    @classmethod
    def added(cls, new: NewProduct, *, id_: str, at: datetime) -> Self:
        """A new product, on sale."""
        return cls(
            id=id_,
            name=new.name,
            description=new.description,
            price_minor=new.price_minor,
            category=new.category,
            is_active=True,
            available=new.stock,
            taken=0,
            version=1,
            edition=1,
            created_at=rfc3339(at),
            updated_at=rfc3339(at),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its name, by which searches find it."""
        return words_of(self.name)

    def changed(self, changes: ProductChanges, *, at: datetime) -> Self:
        """The product with these changes; itself if they change nothing."""
        changed = replace(self, **changes)
        if changed == self:
            return self
        return replace(
            changed, version=self.version + 1, edition=self.edition + 1, updated_at=rfc3339(at)
        )

    def restocked(self, delta: int, *, at: datetime) -> Self:
        """The product with `delta` more units available, or fewer.

        Raises:
            OutOfStock: fewer units are available than are to be removed.
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
        """An order line at the present price.

        Raises:
            UnknownProduct: the product is not on sale.
            OutOfStock: fewer units are available, and all are in its own item.
        """
        if not self.is_active:
            raise UnknownProduct(product_id=self.id)
        if self.spread is None and self.available < quantity:
            raise OutOfStock(product_id=self.id, requested=quantity, available=self.available)
        return PricedLine(
            product_id=self.id,
            name=self.name,
            quantity=quantity,
            unit_price_minor=self.price_minor,
        )

    def low_stock_since(self, before: "Product", threshold: int) -> LowStockData | None:
        """The event's data if the step from `before` took a product on sale below the threshold."""
        if not self.is_active or not self.available < threshold <= before.available:
            return None
        return LowStockData(
            product_id=self.id, name=self.name, available=self.available, threshold=threshold
        )


@dataclass(frozen=True)
class Receipt:
    """Proof that a product was added, or its stock changed, under an idempotency key.

    Attributes:
        product_id: whose stock was changed; empty if a product was added.
        digest: SHA-256 of the request.
        answer: the product as the caller was shown it; None until the first response.
    """

    caller_id: str
    product_id: str
    key: str
    digest: str
    answer: Product | None = None


@dataclass(frozen=True)
class Search:
    """A search among the products on sale: a product is found if every condition holds.

    Prices include both ends. `prefixes` are folded; each begins a word of the name.
    """

    category: str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    prefixes: tuple[str, ...] = ()
    sort: Sort = "newest"

    def finds(self, product: Product) -> bool:
        """Whether every condition holds for the product."""
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


type Position = Mapping[str, Any]
"""A position in a list; only the index that returned it can read it."""

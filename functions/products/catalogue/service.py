"""The catalogue: adding, changing, withdrawing and restocking products, and finding them."""

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from products.attempts import insist
from products.catalogue.errors import IdempotencyKeyReused, ProductNotFound, VersionConflict
from products.catalogue.models import (
    Place,
    Product,
    ProductChanges,
    ProductPage,
    Receipt,
    Search,
    is_product_id,
)
from products.catalogue.ports import ProductIndex, Products
from shared.runtime.clock import Clock, now


@dataclass(frozen=True)
class Restocked:
    """The product after a change of its stock, and whether this is an earlier answer given again."""

    product: Product
    replayed: bool


class CatalogueService:
    """Everything about products but their reservations.

    Args:
        currency: what all prices are in (ISO 4217).
    """

    def __init__(
        self,
        products: Products,
        index: ProductIndex,
        *,
        currency: str,
        clock: Clock = now,
    ) -> None:
        self._products = products
        self._index = index
        self._clock = clock
        self.currency = currency

    def add(
        self, *, name: str, description: str, price_minor: int, category: str, stock: int
    ) -> Product:
        """Put a new product on sale."""
        product = Product.added(
            uuid.uuid4().hex,
            name=name,
            description=description,
            price_minor=price_minor,
            category=category,
            stock=stock,
            at=self._clock(),
        )
        self._products.add(product)
        return product

    def get(self, product_id: str) -> Product:
        """The product, withdrawn or not.

        Raises:
            ProductNotFound: there is none.
        """
        product = self._products.find(product_id) if is_product_id(product_id) else None
        if product is None:
            raise ProductNotFound
        return product

    def list(self, search: Search, *, limit: int, after: Place | None) -> ProductPage:
        """A page of the products on sale, from after a place."""
        return self._index.page(search, limit=limit, after=after)

    def change(
        self,
        product_id: str,
        changes: ProductChanges,
        *,
        expected: Collection[int] | None = None,
    ) -> Product:
        """Change what is given, and return the product as it is then.

        Args:
            expected: the versions that the caller's decision holds for; None for any.

        Raises:
            ProductNotFound: there is none.
            VersionConflict: it is at none of the versions expected.
        """
        return insist(self._change, product_id, changes, expected)

    def _change(
        self, product_id: str, changes: ProductChanges, expected: Collection[int] | None
    ) -> Product:
        before = self.get(product_id)
        if expected is not None and before.version not in expected:
            raise VersionConflict(version=before.version)
        after = before.changed(changes, at=self._clock())
        if after is before:
            return before
        self._products.change(before, after, exactly=expected is not None)
        # Read again, because units may have been sold meanwhile.
        return self.get(product_id)

    def withdraw(self, product_id: str) -> None:
        """Take the product off sale; nothing happens to one that is.

        Raises:
            ProductNotFound: there is none.
        """
        self.change(product_id, {"is_active": False})

    def restock(
        self, product_id: str, delta: int, *, caller_id: str, idempotency_key: str | None
    ) -> Restocked:
        """Add to the stock, once for each key that a caller uses for a product.

        Raises:
            ProductNotFound: there is none.
            OutOfStock: fewer are available than are to be taken away.
            IdempotencyKeyReused: the key came with another delta.
        """
        receipt = None
        if idempotency_key is not None:
            digest = hashlib.sha256(json.dumps({"delta": delta}).encode()).hexdigest()
            receipt = Receipt(caller_id, product_id, idempotency_key, digest)
        return insist(self._restock, product_id, delta, receipt)

    def _restock(self, product_id: str, delta: int, receipt: Receipt | None) -> Restocked:
        before = self.get(product_id)
        # The receipt is looked for after the stock is read, so that a repeated request does not take for a lack
        # of stock what the first one has taken.
        earlier = self._products.find_receipt(receipt) if receipt else None
        if receipt and earlier:
            return self._replayed(receipt, earlier)
        at = self._clock()
        before.restocked(delta, at=at)
        self._products.restock(before, delta, at=at, receipt=receipt)
        product = self.get(product_id)
        if receipt:
            product = self._products.keep_answer(receipt, product)
        return Restocked(product, replayed=False)

    def _replayed(self, asked: Receipt, earlier: Receipt) -> Restocked:
        if earlier.digest != asked.digest:
            raise IdempotencyKeyReused
        # Whoever made the change may have died before answering: then this is the first answer, and it is kept.
        answer = earlier.answer or self._products.keep_answer(earlier, self.get(earlier.product_id))
        return Restocked(answer, replayed=True)

    def totals(self) -> Mapping[str, int]:
        """How many products are on sale (`total`), and how many units of them (`total_stock`)."""
        return self._products.totals()

"""The catalogue: adding, changing, withdrawing, restocking and listing products."""

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from products.catalogue.errors import IdempotencyKeyReused, ProductNotFound, VersionConflict
from products.catalogue.models import (
    NewProduct,
    Position,
    Product,
    ProductChanges,
    Receipt,
    Search,
)
from products.catalogue.ports import CONFLICT_ATTEMPTS, ProductIndex, Products
from shared.pages import Page
from shared.runtime.clock import Clock, now
from shared.storage.conflicts import retry_on_conflict


@dataclass(frozen=True)
class Answer:
    """The product after a change; `replayed` if an earlier request with the key made the change."""

    product: Product
    replayed: bool


class CatalogueService:
    """All about products but their reservations.

    Args:
        currency: the currency of all prices (ISO 4217).
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
        self, new: NewProduct, *, caller_id: str = "", idempotency_key: str | None = None
    ) -> Answer:
        """Put a new product on sale, once for each key that a caller uses.

        Raises:
            IdempotencyKeyReused: the key came with another product.
        """
        product = Product.added(new, id_=uuid.uuid4().hex, at=self._clock())
        if idempotency_key is None:
            self._products.add(product)
            return Answer(product, replayed=False)
        receipt = Receipt(caller_id, "", idempotency_key, _digest(asdict(new)), answer=product)

        def add(earlier: Receipt | None) -> Answer:
            if earlier:
                return self._replayed(receipt, earlier)
            self._products.add(product, receipt=receipt)
            return Answer(product, replayed=False)

        return retry_on_conflict(lambda: self._products.find_receipt(receipt), add)

    def get(self, product_id: str) -> Product:
        """The product, withdrawn or not.

        Raises:
            ProductNotFound: it does not exist.
        """
        product = self._products.find(product_id)
        if product is None:
            raise ProductNotFound
        return product

    def list(
        self, search: Search, *, limit: int, after: Position | None
    ) -> Page[Product, Position]:
        """A page of the products on sale, from after a position."""
        return self._index.page(search, limit=limit, after=after)

    def several(self, product_ids: Collection[str]) -> Sequence[Product]:
        """Those of the products that are on sale, each once, in the order of the ids."""
        return self._index.several(dict.fromkeys(product_ids))

    def categories(self) -> Mapping[str, int]:
        """The categories with products on sale, by name, and how many products each has."""
        return self._products.categories()

    def change(
        self,
        product_id: str,
        changes: ProductChanges,
        *,
        expected: Collection[int] | None = None,
    ) -> Product:
        """Change the given fields, and return the product as it is then.

        Args:
            expected: the versions that the caller has decided on; None for any.

        Raises:
            ProductNotFound: it does not exist.
            VersionConflict: it is at none of the expected versions.
        """

        def change(before: Product) -> Product:
            if expected is not None and before.version not in expected:
                raise VersionConflict(version=before.version)
            after = before.changed(changes, at=self._clock())
            if after is before:
                return before
            self._products.change(before, after, exactly=expected is not None)
            # Read again, because a concurrent order may have taken units.
            return self.get(product_id)

        return retry_on_conflict(lambda: self.get(product_id), change, attempts=CONFLICT_ATTEMPTS)

    def withdraw(self, product_id: str) -> None:
        """Take the product off sale; a withdrawn one stays as it is.

        Raises:
            ProductNotFound: it does not exist.
        """
        self.change(product_id, {"is_active": False})

    def restock(
        self, product_id: str, delta: int, *, caller_id: str, idempotency_key: str | None
    ) -> Answer:
        """Add to the stock, once for each key that a caller uses for a product.

        Raises:
            ProductNotFound: it does not exist.
            OutOfStock: fewer units are available than are to be removed.
            IdempotencyKeyReused: the key came with another delta.
        """
        receipt = None
        if idempotency_key is not None:
            digest = _digest({"delta": delta})
            receipt = Receipt(caller_id, product_id, idempotency_key, digest)

        def restock(before: Product) -> Answer:
            # The stock is read before the receipt, so that a repeated request never sees the units
            # missing that the first one has removed, but not its receipt.
            earlier = self._products.find_receipt(receipt) if receipt else None
            if receipt and earlier:
                return self._replayed(receipt, earlier)
            at = self._clock()
            before.restocked(delta, at=at)
            self._products.restock(before, delta, at=at, receipt=receipt)
            product = self.get(product_id)
            if receipt:
                product = self._products.keep_answer(receipt, product)
            return Answer(product, replayed=False)

        return retry_on_conflict(lambda: self.get(product_id), restock, attempts=CONFLICT_ATTEMPTS)

    def _replayed(self, requested: Receipt, earlier: Receipt) -> Answer:
        if earlier.digest != requested.digest:
            raise IdempotencyKeyReused
        # If the function died between the change and its answer, this answer is the first one, and
        # is kept.
        answer = earlier.answer or self._products.keep_answer(earlier, self.get(earlier.product_id))
        return Answer(answer, replayed=True)

    def totals(self) -> Mapping[str, int]:
        return self._products.totals()


def _digest(request: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(request).encode()).hexdigest()

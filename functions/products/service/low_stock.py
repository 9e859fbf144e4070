"""Notices when a product runs low."""

from products.models import Product
from products.ports import Outbox
from shared import logging, metrics, outbox


class LowStockWatch:
    """Tells of each step that takes a product below the threshold, once."""

    def __init__(self, facts: Outbox, *, threshold: int) -> None:
        self._facts = facts
        self._threshold = threshold

    def notice(self, before: Product, after: Product) -> None:
        """Look at one change of a product, under the id of the request that made it."""
        data = after.low_stock_since(before, self._threshold)
        if data is None:
            return
        fact = outbox.event(
            "product.low_stock",
            aggregate_id=after.id,
            version=after.version,
            at=after.updated_at,
            data=data.model_dump(),
        )
        self._facts.record(fact)
        metrics.count("LowStock")
        logging.logger().info("a product runs low", extra={"product_id": after.id})

"""Changes of a product's available units, which report low stock in the same transaction."""

from dataclasses import dataclass
from typing import Any

from products.catalogue.models import Product
from products.catalogue.repository.items import product_key
from products.catalogue.repository.shares import in_one_item
from shared.messaging import outbox
from shared.storage.dynamodb import Put, Table


@dataclass(frozen=True)
class StockStep:
    """A step of a product's available units.

    Attributes:
        condition: must hold for the write, with `values`.
        event: is written in the same transaction if the step crosses the low-stock threshold.
    """

    condition: str
    values: dict[str, Any]
    event: Put | None = None


def stock_step(table: Table, before: Product, after: Product, threshold: int) -> StockStep:
    """The step from `before`, as it was read, to `after`.

    Steps that stay on one side of the threshold do not exclude each other: their condition only
    says that they stay there. A step across it requires the version that was read, because its
    event has the next version. All units must be in the product's item.
    """
    whole, seen = in_one_item(before)
    if low := after.low_stock_since(before, threshold):
        fact = outbox.event(
            "product.low_stock",
            aggregate_id=after.id,
            version=after.version,
            at=after.updated_at,
            data=low.model_dump(),
        )
        event = outbox.recording(table, product_key(after.id)["pk"], fact)
        values = {"seen_version": before.version, **seen}
        return StockStep(f"#version = :seen_version AND {whole}", values, event)
    taken = before.available - after.available
    # A withdrawn product does not run low.
    threshold = max(0, threshold) if after.is_active else 0
    return StockStep(
        f"#available >= :taken AND (#available < :threshold OR #available >= :enough) AND {whole}",
        {"taken": taken, "threshold": threshold, "enough": taken + threshold, **seen},
    )

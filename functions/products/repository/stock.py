"""Taking available units off a product, and the event of a product that runs low by it."""

from dataclasses import dataclass
from typing import Any

from products.models import Product
from products.repository.items import product_key
from shared import outbox
from shared.dynamodb import Put


@dataclass(frozen=True)
class Taking:
    """A step of a product's available units: the condition on which it may be written, and the event that is written
    in the same transaction if the product runs low by it."""

    condition: str
    values: dict[str, Any]
    event: Put | None = None


def taking(before: Product, after: Product, threshold: int) -> Taking:
    """The step from `before`, as it was read, to `after`.

    Steps that stay on one side of the threshold do not exclude each other: their condition is that they do. Only the step
    across it needs the product at the very version that was read, for its event.
    """
    if low := after.low_stock_since(before, threshold):
        fact = outbox.event(
            "product.low_stock",
            aggregate_id=after.id,
            version=after.version,
            at=after.updated_at,
            data=low.model_dump(),
        )
        event = outbox.recording(product_key(after.id)["pk"], fact)
        return Taking("#version = :seen_version", {"seen_version": before.version}, event)
    taken = before.available - after.available
    # What is not on sale does not run low.
    threshold = max(0, threshold) if after.is_active else 0
    return Taking(
        "#available >= :taken AND (#available < :threshold OR #available >= :enough)",
        {"taken": taken, "threshold": threshold, "enough": taken + threshold},
    )

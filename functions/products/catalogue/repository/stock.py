"""Takes available units off a product, and reports low stock in the same transaction."""

from dataclasses import dataclass
from typing import Any

from products.catalogue.models import Product
from products.catalogue.repository.items import product_key
from shared.messaging import outbox
from shared.storage.dynamodb import Put


@dataclass(frozen=True)
class Taking:
    """A step of a product's available units: the condition on which it may be written, and the event to write in the same
    transaction if the step crosses the threshold."""

    condition: str
    values: dict[str, Any]
    event: Put | None = None


def taking(before: Product, after: Product, threshold: int) -> Taking:
    """The step from `before`, as it was read, to `after`.

    Steps that stay on one side of the threshold do not exclude each other: their condition only says that they stay. A step
    across it pins the version that was read, because its event has the next one.
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
    # A withdrawn product does not run low.
    threshold = max(0, threshold) if after.is_active else 0
    return Taking(
        "#available >= :taken AND (#available < :threshold OR #available >= :enough)",
        {"taken": taken, "threshold": threshold, "enough": taken + threshold},
    )

"""Products, and times to change them at."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from products.catalogue.models import Product
from shared.contracts.inventory import Line
from shared.runtime.clock import rfc3339
from tools.local.places import ROOT

NOW: Final = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
LATER: Final = NOW + timedelta(minutes=1)
AFTER_EXPIRY: Final = NOW + timedelta(minutes=16)

# English as people write it: neither one repeated word nor noise.
PROSE: Final = " ".join((ROOT / "docs/reliability.md").read_text().split())

_numbers = count(1)


def a_product(id_: str | None = None, *, at: datetime = NOW, **changed: Any) -> Product:
    """By default ten red mugs for 11.00 each."""
    product = {
        "id": id_ or f"product-{next(_numbers)}",
        "name": "Red Mug",
        "description": "",
        "price_minor": 1100,
        "category": "kitchen",
        "is_active": True,
        "available": 10,
        "taken": 0,
        "version": 1,
        "edition": 1,
        "created_at": rfc3339(at),
        "updated_at": rfc3339(at),
    }
    return Product(**{**product, **changed})


def a_line(product: Product, quantity: int = 1) -> Line:
    return Line(product_id=product.id, quantity=quantity)


SHELF: Final = [
    a_product(id_, name=name, price_minor=price, category=category, created_at=created)
    for id_, name, price, category, created in (
        ("p1", "Red Mug", 1100, "kitchen", "2026-01-01"),
        ("p2", "Blue Mug", 950, "kitchen", "2026-01-02"),
        ("p3", "red kettle", 7450, "kitchen", "2026-01-03"),
        ("p4", "Grinder", 5990, "kitchen", "2026-01-04"),
        ("p5", "Redwood Tray", 2400, "table", "2026-01-05"),
        ("p6", "Red", 1100, "table", "2026-01-05"),
    )
]

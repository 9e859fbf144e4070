"""Products, and times to change them at."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from products.catalogue.models import Product
from shared.contracts.inventory import Line, PricedLine
from shared.runtime.clock import rfc3339

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
MUCH_LATER = NOW + timedelta(minutes=16)

_numbers = count(1)


def a_product(id_: str | None = None, *, at: datetime = NOW, **changed: Any) -> Product:
    """Ten red mugs for 11.00 each, where nothing else is said."""
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


def a_priced_line(product: Product, quantity: int = 1) -> PricedLine:
    return product.priced(quantity)


SHELF = [
    a_product("p1", name="Red Mug", price_minor=1100, category="kitchen", created_at="2026-01-01"),
    a_product("p2", name="Blue Mug", price_minor=950, category="kitchen", created_at="2026-01-02"),
    a_product("p3", name="red kettle", price_minor=7450, category="kitchen", created_at="2026-01-03"),
    a_product("p4", name="Grinder", price_minor=5990, category="kitchen", created_at="2026-01-04"),
    a_product("p5", name="Redwood Tray", price_minor=2400, category="table", created_at="2026-01-05"),
    a_product("p6", name="Red", price_minor=1100, category="table", created_at="2026-01-05"),
]  # fmt: skip

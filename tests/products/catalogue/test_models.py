"""When a product's stock runs low; its other rules are tested through the services."""

from dataclasses import replace

import pytest

from tests.products.builders import a_product


@pytest.mark.parametrize(
    ("before", "after", "is_active", "is_reported"),
    [
        (5, 4, True, True),
        (9, 0, True, True),
        (6, 5, True, False),
        (4, 3, True, False),
        (4, 5, True, False),
        (5, 4, False, False),
    ],
)
def test_low_stock_is_reported_when_it_falls_below_the_threshold(
    before: int, after: int, is_active: bool, is_reported: bool
) -> None:
    product = a_product(available=before, is_active=is_active)
    data = replace(product, available=after).low_stock_since(product, 5)
    assert (data is not None) == is_reported
    if data:
        assert (data.product_id, data.name, data.available, data.threshold) == (
            product.id,
            "Red Mug",
            after,
            5,
        )

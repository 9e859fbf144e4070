"""What every list of products finds, in memory and in DynamoDB. These tests only read: one shelf does for all."""

from typing import Any

import pytest

from products.catalogue.models import Product, Search, Sort
from tests.products.conftest import Stores


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, "p6 p5 p4 p3 p2 p1"),
        ({"sort": "newest"}, "p6 p5 p4 p3 p2 p1"),
        ({"sort": "price"}, "p2 p1 p6 p5 p4 p3"),
        ({"sort": "-price"}, "p3 p4 p5 p6 p1 p2"),
        ({"sort": "name"}, "p2 p4 p6 p3 p1 p5"),
        ({"category": "table"}, "p6 p5"),
        ({"category": "Table"}, ""),
        ({"category": "kitchen", "sort": "price"}, "p2 p1 p4 p3"),
        ({"category": "kitchen", "sort": "-price"}, "p3 p4 p1 p2"),
        ({"category": "kitchen", "sort": "name"}, "p2 p4 p3 p1"),
        ({"min_price_minor": 1100, "sort": "price"}, "p1 p6 p5 p4 p3"),
        ({"max_price_minor": 1100, "sort": "price"}, "p2 p1 p6"),
        ({"max_price_minor": 1100, "sort": "-price"}, "p6 p1 p2"),
        ({"min_price_minor": 1100, "max_price_minor": 2400, "sort": "-price"}, "p5 p6 p1"),
        ({"min_price_minor": 1100, "max_price_minor": 2400, "sort": "name"}, "p6 p1 p5"),
        ({"min_price_minor": 1101, "max_price_minor": 2399}, ""),
        ({"min_price_minor": 1000, "category": "kitchen", "sort": "newest"}, "p4 p3 p1"),
        ({"prefixes": ("red",), "sort": "price"}, "p1 p6 p5 p3"),
        ({"prefixes": ("mu", "re")}, "p1"),
        ({"prefixes": ("re", "mu")}, "p1"),
        ({"prefixes": ("ug",)}, ""),
        ({"prefixes": ("r",), "category": "table", "sort": "name"}, "p6 p5"),
        ({"prefixes": ("r",), "min_price_minor": 2000, "sort": "-price"}, "p3 p5"),
    ],
)
def test_a_list_has_what_is_asked_for_in_the_order_asked_for(
    shelf: Stores, search: dict[str, Any], found: str
) -> None:
    assert shelf.ids(**search) == found


@pytest.mark.parametrize("limit", [1, 4])
@pytest.mark.parametrize("sort", ["price", "-price", "name", "newest"])
@pytest.mark.parametrize("more", [{}, {"prefixes": ("r",)}, {"max_price_minor": 6000}])
def test_pages_follow_each_other_without_gap_or_repetition(
    shelf: Stores, limit: int, sort: Sort, more: dict[str, Any]
) -> None:
    search = Search(sort=sort, **more)
    whole = shelf.index.page(search, limit=20, after=None)
    seen: list[Product] = []
    place = None
    while True:
        page = shelf.index.page(search, limit=limit, after=place)
        assert len(page.products) == limit or page.last is None
        assert page.products, "a cursor promised a page that is empty"
        seen += page.products
        place = page.last
        if place is None:
            break
    assert seen == whole.products

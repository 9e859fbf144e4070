"""The catalogue's stores in DynamoDB."""

from dataclasses import replace
from typing import Any

import pytest

from products.catalogue.models import Product, Receipt, Search
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.products.builders import LATER, SHELF, a_product
from tests.products.conftest import Stores
from tests.support.aws import wired_table

RECEIPT = Receipt("admin-1", "mug", "key-1", "digest")


@pytest.fixture
def table() -> Table:
    return wired_table("ProductsTable")


def test_product_is_found_as_it_was_added(stores: Stores) -> None:
    product = a_product(description="For tea.\nAnd coffee.")
    stores.add(product)
    assert stores.products.find(product.id) == product
    for id_ in ("nothing", "", "x" * 5000, "no/such", "ä", "\0"):
        assert stores.products.find(id_) is None


def test_change_leaves_the_stock_and_counts_a_version(stores: Stores) -> None:
    product = a_product(available=7)
    stores.add(product)
    stores.restock(product, -2)
    after = product.changed({"name": "Blue Mug", "price_minor": 950}, at=LATER)
    stores.products.change(product, after, exactly=False)
    assert stores.current(product) == replace(after, available=5, version=3)


@pytest.mark.parametrize("exactly", [True, False], ids=["sale", "another change"])
def test_change_raises_when_the_product_has_changed(stores: Stores, exactly: bool) -> None:
    product = a_product()
    stores.add(product)
    if exactly:
        stores.restock(product, -2)
    else:
        stores.change(product, {"price_minor": 900})
    before = stores.current(product)
    after = product.changed({"price_minor": 950}, at=LATER)
    with pytest.raises(ConcurrentChange):
        stores.products.change(product, after, exactly=exactly)
    assert stores.current(product) == before


def test_withdrawal_and_restock_exclude_each_other(stores: Stores) -> None:
    product = a_product()
    stores.add(product)
    stores.restock(product, 5)
    withdrawn = product.changed({"is_active": False}, at=LATER)
    with pytest.raises(ConcurrentChange):
        stores.products.change(product, withdrawn, exactly=False)
    stores.change(product, {"is_active": False})
    with pytest.raises(ConcurrentChange):
        stores.restock(product, 5)
    assert stores.products.totals() == {"total": 0, "total_stock": 0}


def test_restock_adds_and_removes_but_never_below_zero(stores: Stores) -> None:
    product = a_product(available=7)
    stores.add(product)
    stores.restock(product, 5)
    with pytest.raises(ConcurrentChange):
        stores.restock(replace(product, available=20), -13)
    stores.restock(stores.current(product), -12)
    expected = replace(product, available=0, version=3, updated_at=rfc3339(LATER))
    assert stores.current(product) == expected


def test_restock_reports_low_stock_in_the_same_step(stores: Stores) -> None:
    mug, tray = a_product(available=5), a_product(available=6)
    stores.add(mug, tray)
    stores.restock(mug, -1)
    stores.restock(tray, -1)
    assert [(e.id, e.data["available"]) for e in stores.events()] == [(f"{mug.id}.2", 4)]


@pytest.mark.parametrize(
    ("seen", "now"), [(6, 5), (5, 4), (4, 5)], ids=["low now", "low before", "low again"]
)
def test_restock_raises_when_the_threshold_was_crossed_meanwhile(
    stores: Stores, seen: int, now: int
) -> None:
    mug = a_product(available=seen)
    stores.add(mug)
    stores.restock(mug, now - seen)
    events = stores.events()
    with pytest.raises(ConcurrentChange):
        stores.restock(mug, -1)
    assert (stores.current(mug).available, stores.events()) == (now, events)


def test_low_stock_is_not_reported_while_a_product_is_withdrawn(stores: Stores) -> None:
    mug = a_product(available=6)
    stores.add(mug)
    stores.change(mug, {"is_active": False})
    stores.restock(stores.current(mug), -3)
    stores.change(mug, {"is_active": True, "price_minor": 1})
    stores.restock(stores.current(mug), -1)
    assert (stores.current(mug).available, stores.events()) == (2, [])


def test_restock_with_a_receipt_is_done_once(stores: Stores) -> None:
    product = a_product("mug", available=7)
    stores.add(product)
    assert stores.products.find_receipt(RECEIPT) is None
    stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    with pytest.raises(ConcurrentChange):
        stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    assert stores.current(product).available == 12
    assert stores.products.find_receipt(RECEIPT) == RECEIPT
    for other in (
        replace(RECEIPT, caller_id="admin-2"),
        replace(RECEIPT, product_id="tray"),
        replace(RECEIPT, key="key-2"),
    ):
        assert stores.products.find_receipt(other) is None


def test_first_answer_of_a_receipt_stays(stores: Stores) -> None:
    product = a_product("mug")
    stores.add(product)
    stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    first, second = replace(product, available=15), replace(product, available=14)
    assert stores.products.keep_answer(RECEIPT, first) == first
    assert stores.products.keep_answer(RECEIPT, second) == first
    assert stores.products.find_receipt(RECEIPT) == replace(RECEIPT, answer=first)


def test_totals_count_what_is_on_sale(stores: Stores) -> None:
    mug, tray = a_product(available=7), a_product(available=2)
    assert stores.products.totals() == {"total": 0, "total_stock": 0}
    stores.add(mug, tray)
    stores.restock(mug, -3)
    stores.change(mug, {"is_active": False})
    assert stores.products.totals() == {"total": 1, "total_stock": 2}
    stores.restock(stores.current(mug), 1)
    stores.change(mug, {"is_active": True})
    assert stores.products.totals() == {"total": 2, "total_stock": 7}


def test_categories_are_those_of_products_on_sale(stores: Stores) -> None:
    mug, tray, jug = (a_product(category=name) for name in ("kitchen", "Café", "kitchen"))
    assert stores.products.categories() == {}
    stores.add(mug, tray, jug)
    assert list(stores.products.categories().items()) == [("Café", 1), ("kitchen", 2)]
    stores.change(mug, {"category": "bar", "is_active": False})
    stores.change(tray, {"category": "bar"})
    stores.change(jug, {"price_minor": 1})
    assert stores.products.categories() == {"bar": 1, "kitchen": 1}
    stores.change(mug, {"is_active": True})
    assert stores.products.categories() == {"bar": 2, "kitchen": 1}


def test_several_products_come_in_the_order_of_their_ids(stores: Stores) -> None:
    mug, tray, jug = a_product(), a_product(), a_product()
    stores.add(mug, tray, jug)
    stores.change(tray, {"is_active": False})
    asked = (jug.id, "no/such", "missing", tray.id, mug.id)
    assert [product.id for product in stores.index.several(asked)] == [jug.id, mug.id]


SEARCHES: list[tuple[dict[str, Any], str]] = [
    ({}, "p6 p5 p4 p3 p2 p1"),
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
]


def test_list_finds_and_sorts(stores: Stores) -> None:
    stores.add(*SHELF)
    assert [(search, stores.ids(**search)) for search, _ in SEARCHES] == SEARCHES


@pytest.mark.parametrize(
    "search",
    [
        Search(sort="price"),
        Search(sort="-price", prefixes=("r",)),
        Search(sort="name", prefixes=("r",)),
        Search(sort="newest", max_price_minor=6000),
        Search(sort="name", category="kitchen"),
    ],
    ids=str,
)
def test_pages_have_no_gap_and_no_repetition(stores: Stores, search: Search) -> None:
    stores.add(*SHELF)
    every = stores.index.page(search, limit=20, after=None)
    seen: list[Product] = []
    last = None
    while not seen or last:
        page = stores.index.page(search, limit=2, after=last)
        assert len(page.items) == 2 or (page.items and page.last is None)
        seen += page.items
        last = page.last
    assert seen == every.items


def test_product_leaves_every_list_while_it_is_withdrawn(stores: Stores) -> None:
    stores.add(*SHELF)
    searches: list[dict[str, Any]] = [
        *({"sort": sort} for sort in ("price", "name", "newest")),
        *({"sort": sort, "category": "kitchen"} for sort in ("price", "name", "newest")),
        {"prefixes": ("mug",)},
    ]
    for is_active in (False, True):
        stores.change(SHELF[0], {"is_active": is_active})
        for search in searches:
            assert ("p1" in stores.ids(**search).split()) == is_active, search


def test_changed_product_is_found_as_it_is_now(stores: Stores) -> None:
    stores.add(*SHELF)
    stores.restock(SHELF[0], -4)
    stores.change(SHELF[0], {"name": "Green Cup Cup", "price_minor": 1, "category": "table"})
    assert stores.ids(prefixes=("mu",)) == "p2"
    assert stores.ids(prefixes=("red",), category="kitchen") == "p3"
    assert stores.ids(prefixes=("gr",), max_price_minor=1) == "p1"
    assert stores.ids(category="kitchen", sort="name") == "p2 p4 p3"
    for search in (Search(category="table", sort="price"), Search(prefixes=("c",))):
        page = stores.index.page(search, limit=20, after=None)
        assert (page.items[0].id, page.items[0].available) == ("p1", 6)

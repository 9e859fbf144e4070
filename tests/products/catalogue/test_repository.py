"""What every store of products does, in memory and in DynamoDB."""

from dataclasses import replace
from typing import Any

import pytest

from products.catalogue.models import Receipt, Search
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from tests.products.builders import LATER, SHELF, a_product
from tests.products.conftest import Stores

RECEIPT = Receipt("admin-1", "mug", "key-1", "digest")


def test_a_product_is_found_as_it_was_added(stores: Stores) -> None:
    product = a_product(description="For tea.\nAnd coffee.")
    stores.keep(product)
    assert stores.products.find(product.id) == product
    assert stores.products.find("nothing") is None


def test_a_change_counts_a_version_and_leaves_the_stock(stores: Stores) -> None:
    product = a_product(available=7)
    stores.keep(product)
    stores.change(product, {"name": "Blue Mug", "price_minor": 950})
    assert stores.kept(product) == replace(
        product, name="Blue Mug", price_minor=950, version=2, edition=2, updated_at=rfc3339(LATER)
    )


def test_a_sale_between_reading_and_changing_is_not_lost(stores: Stores) -> None:
    product = a_product(available=7)
    stores.keep(product)
    stores.products.restock(product, -2, at=LATER, receipt=None)
    after = product.changed({"price_minor": 950}, at=LATER)
    stores.products.change(product, after, exactly=False)
    changed = stores.kept(product)
    assert (changed.price_minor, changed.available, changed.version) == (950, 5, 3)


def test_a_change_of_exactly_what_was_read_is_overtaken_by_a_sale(stores: Stores) -> None:
    product = a_product()
    stores.keep(product)
    stores.products.restock(product, -2, at=LATER, receipt=None)
    after = product.changed({"price_minor": 950}, at=LATER)
    with pytest.raises(ConcurrentChange):
        stores.products.change(product, after, exactly=True)
    assert stores.kept(product).price_minor == product.price_minor


def test_the_second_of_two_changes_of_the_same_edition_is_overtaken(stores: Stores) -> None:
    product = a_product()
    stores.keep(product)
    stores.change(product, {"price_minor": 950})
    after = product.changed({"name": "Blue Mug"}, at=LATER)
    with pytest.raises(ConcurrentChange):
        stores.products.change(product, after, exactly=False)
    assert stores.kept(product).name == product.name


def test_stock_goes_up_and_down(stores: Stores) -> None:
    product = a_product(available=7)
    stores.keep(product)
    stores.products.restock(product, 5, at=LATER, receipt=None)
    stores.products.restock(stores.kept(product), -12, at=LATER, receipt=None)
    assert stores.kept(product) == replace(
        product, available=0, version=3, updated_at=rfc3339(LATER)
    )


def test_stock_never_goes_below_zero(stores: Stores) -> None:
    product = a_product(available=17)
    stores.keep(product)
    stores.products.restock(product, -8, at=LATER, receipt=None)
    before = stores.kept(product)
    with pytest.raises(ConcurrentChange):
        stores.products.restock(product, -10, at=LATER, receipt=None)
    assert stores.kept(product) == before


@pytest.mark.parametrize(
    ("before", "delta", "told"),
    [(5, -1, True), (9, -9, True), (6, -1, False), (4, -1, False), (4, 1, False), (3, 9, False)],
)
def test_a_change_of_the_stock_reports_that_it_runs_low(
    stores: Stores, before: int, delta: int, told: bool
) -> None:
    mug = a_product(available=before)
    stores.keep(mug)
    stores.products.restock(mug, delta, at=LATER, receipt=None)
    assert [(fact.id, fact.data["available"]) for fact in stores.facts()] == [
        (f"{mug.id}.2", before + delta)
    ] * told


@pytest.mark.parametrize(
    ("seen", "now"), [(6, 5), (5, 4), (4, 5)], ids=["low now", "low before", "low again"]
)
def test_a_step_across_the_threshold_is_not_written_without_its_event(
    stores: Stores, seen: int, now: int
) -> None:
    mug = a_product(available=seen)
    stores.keep(mug)
    stores.products.restock(mug, now - seen, at=LATER, receipt=None)
    told = stores.facts()
    with pytest.raises(ConcurrentChange):
        stores.products.restock(mug, -1, at=LATER, receipt=None)
    assert stores.kept(mug).available == now
    assert stores.facts() == told


def test_a_product_that_is_not_on_sale_does_not_run_low(stores: Stores) -> None:
    mug = a_product(available=6)
    stores.keep(mug)
    stores.change(mug, {"is_active": False})
    stores.products.restock(stores.kept(mug), -3, at=LATER, receipt=None)
    stores.change(mug, {"is_active": True, "price_minor": 1})
    stores.products.restock(stores.kept(mug), -1, at=LATER, receipt=None)
    assert stores.kept(mug).available == 2
    assert stores.facts() == []


def test_a_stock_change_with_a_receipt_is_done_once(stores: Stores) -> None:
    product = a_product("mug", available=7)
    stores.keep(product)
    assert stores.products.find_receipt(RECEIPT) is None
    stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    with pytest.raises(ConcurrentChange):
        stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    assert stores.kept(product).available == 12
    assert stores.products.find_receipt(RECEIPT) == RECEIPT


@pytest.mark.parametrize(
    "other",
    [
        replace(RECEIPT, caller_id="admin-2"),
        replace(RECEIPT, product_id="tray"),
        replace(RECEIPT, key="key-2"),
    ],
)
def test_a_receipt_is_of_one_caller_product_and_key(stores: Stores, other: Receipt) -> None:
    product = a_product("mug")
    stores.keep(product)
    stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    assert stores.products.find_receipt(other) is None


def test_the_first_answer_that_is_kept_stands(stores: Stores) -> None:
    product = a_product("mug")
    stores.keep(product)
    stores.products.restock(product, 5, at=LATER, receipt=RECEIPT)
    first, second = replace(product, available=15), replace(product, available=14)
    assert stores.products.keep_answer(RECEIPT, first) == first
    assert stores.products.keep_answer(RECEIPT, second) == first
    assert stores.products.find_receipt(RECEIPT) == replace(RECEIPT, answer=first)


def test_totals_are_of_what_is_on_sale(stores: Stores) -> None:
    mug, tray = a_product(available=7), a_product(available=2)
    assert stores.products.totals() == {"total": 0, "total_stock": 0}
    stores.keep(mug, tray)
    assert stores.products.totals() == {"total": 2, "total_stock": 9}
    stores.products.restock(mug, -3, at=LATER, receipt=None)
    assert stores.products.totals() == {"total": 2, "total_stock": 6}
    stores.change(mug, {"is_active": False})
    assert stores.products.totals() == {"total": 1, "total_stock": 2}
    stores.products.restock(stores.kept(mug), 1, at=LATER, receipt=None)
    assert stores.products.totals() == {"total": 1, "total_stock": 2}
    stores.change(mug, {"is_active": True})
    assert stores.products.totals() == {"total": 2, "total_stock": 7}


def test_units_do_not_move_unseen_while_a_product_goes_off_sale(stores: Stores) -> None:
    product = a_product()
    stores.keep(product)
    stores.products.restock(product, 5, at=LATER, receipt=None)
    withdrawn = product.changed({"is_active": False}, at=LATER)
    with pytest.raises(ConcurrentChange):
        stores.products.change(product, withdrawn, exactly=False)
    stores.change(product, {"is_active": False})
    with pytest.raises(ConcurrentChange):
        stores.products.restock(product, 5, at=LATER, receipt=None)
    assert stores.products.totals() == {"total": 0, "total_stock": 0}


def test_a_withdrawn_product_leaves_every_list_and_comes_back(stores: Stores) -> None:
    stores.keep(*SHELF)
    mug = SHELF[0]
    searches: list[dict[str, Any]] = [
        *({"sort": sort} for sort in ("price", "-price", "name", "newest")),
        *({"sort": sort, "category": "kitchen"} for sort in ("price", "name", "newest")),
        {"prefixes": ("mug",)},
    ]
    for is_active in (False, True):
        stores.change(mug, {"is_active": is_active})
        for search in searches:
            assert ("p1" in stores.ids(**search).split()) == is_active, search


def test_a_changed_product_is_found_as_it_is_now(stores: Stores) -> None:
    stores.keep(*SHELF)
    mug = SHELF[0]
    stores.change(mug, {"name": "Green Cup Cup", "price_minor": 1, "category": "table"})
    assert stores.ids(prefixes=("mu",)) == "p2"
    assert stores.ids(prefixes=("red",), category="kitchen") == "p3"
    assert stores.ids(prefixes=("c",)) == "p1"
    assert stores.ids(prefixes=("gr",), max_price_minor=1) == "p1"
    assert stores.ids(category="table", sort="price") == "p1 p6 p5"
    assert stores.ids(category="kitchen", sort="name") == "p2 p4 p3"


def test_lists_show_the_stock_of_the_moment(stores: Stores) -> None:
    stores.keep(*SHELF)
    stores.products.restock(SHELF[0], -4, at=LATER, receipt=None)
    for search in (Search(sort="price"), Search(prefixes=("mug",), sort="-price")):
        page = stores.index.page(search, limit=20, after=None)
        assert {p.id: p.available for p in page.products}["p1"] == 6

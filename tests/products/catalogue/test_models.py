"""The rules of products and reservations."""

from dataclasses import replace

import pytest

from products.catalogue.models import Search
from products.catalogue.repository.items import is_product_id
from shared.contracts.inventory import OutOfStock, PricedLine, UnknownProduct
from shared.runtime.clock import rfc3339
from tests.products.builders import LATER, a_product


def test_a_change_keeps_what_it_leaves_out() -> None:
    product = a_product(description="For tea.")
    assert product.changed({"price_minor": 950}, at=LATER) == replace(
        product, price_minor=950, version=2, edition=2, updated_at=rfc3339(LATER)
    )


def test_a_change_to_what_is_so_already_is_none() -> None:
    product = a_product(name="Red Mug")
    assert product.changed({}, at=LATER) is product
    assert product.changed({"name": "Red Mug", "is_active": True}, at=LATER) is product


def test_no_more_is_taken_from_the_stock_than_is_there() -> None:
    product = a_product(available=3)
    assert product.restocked(-3, at=LATER).available == 0
    with pytest.raises(OutOfStock) as refused:
        product.restocked(-4, at=LATER)
    assert refused.value.data == {"product_id": product.id, "requested": 4, "available": 3}


def test_a_line_has_todays_price() -> None:
    product = a_product(available=3)
    assert product.priced(3) == PricedLine(
        product_id=product.id, name="Red Mug", quantity=3, unit_price_minor=1100
    )


def test_no_line_is_priced_beyond_stock() -> None:
    product = a_product(available=3)
    with pytest.raises(OutOfStock) as refused:
        product.priced(4)
    assert refused.value.data == {"product_id": product.id, "requested": 4, "available": 3}


def test_a_withdrawn_product_is_unknown_to_orders() -> None:
    product = a_product(is_active=False, available=0)
    with pytest.raises(UnknownProduct) as refused:
        product.priced(1)
    assert refused.value.data == {"product_id": product.id}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(5, 4, True), (9, 0, True), (6, 5, False), (4, 3, False), (4, 5, False), (3, 9, False)],
)
def test_stock_runs_low_when_it_falls_below_the_threshold(
    before: int, after: int, told: bool
) -> None:
    product = a_product(available=before)
    data = replace(product, available=after).low_stock_since(product, 5)
    assert (data is not None) == told
    if data:
        assert (data.product_id, data.name, data.available, data.threshold) == (
            product.id,
            "Red Mug",
            after,
            5,
        )


def test_what_is_not_on_sale_cannot_run_low() -> None:
    product = a_product(available=5)
    withdrawn = replace(product, available=4, is_active=False)
    assert withdrawn.low_stock_since(product, 5) is None


def test_a_search_finds_nothing_that_is_not_on_sale() -> None:
    assert Search().finds(a_product())
    assert not Search().finds(a_product(is_active=False))


def test_every_word_asked_for_begins_a_word_of_the_name() -> None:
    mug = a_product(name="Red Enamel Mug")
    assert Search(prefixes=("mu", "re")).finds(mug)
    assert not Search(prefixes=("mu", "bl")).finds(mug)
    assert not Search(prefixes=("namel",)).finds(mug)


def test_both_ends_of_a_price_range_are_in_it() -> None:
    mug = a_product(price_minor=1100)
    assert Search(min_price_minor=1100, max_price_minor=1100).finds(mug)
    assert not Search(min_price_minor=1101).finds(mug)
    assert not Search(max_price_minor=1099).finds(mug)


@pytest.mark.parametrize("text", ["", "a" * 65, "a/b", "ä", "a b", "\0", "a\n"])
def test_what_no_product_can_be_called(text: str) -> None:
    assert not is_product_id(text)

"""What the catalogue decides."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from products.catalogue.errors import IdempotencyKeyReused, ProductNotFound, VersionConflict
from products.catalogue.models import NewProduct, Product, Search
from products.catalogue.service import CatalogueService, Restocked
from shared.contracts.inventory import OutOfStock
from shared.errors import ServiceUnavailable
from shared.runtime.clock import rfc3339
from tests.products.builders import LATER, a_product
from tests.products.fakes import InMemoryShop


@pytest.fixture
def catalogue(shop: InMemoryShop) -> CatalogueService:
    return CatalogueService(shop, shop, currency="EUR", clock=lambda: LATER)


def mug(shop: InMemoryShop, *, available: int = 10) -> Product:
    product = a_product("mug", available=available)
    shop.add(product)
    return product


def restock(catalogue: CatalogueService, delta: int, key: str | None = None) -> Restocked:
    return catalogue.restock("mug", delta, caller_id="admin-1", idempotency_key=key)


def test_a_new_product_is_on_sale(shop: InMemoryShop, catalogue: CatalogueService) -> None:
    added = catalogue.add(NewProduct("Mug", "", 1100, "kitchen", stock=4))
    assert shop.products == {added.id: added}
    assert (added.is_active, added.available, added.version) == (True, 4, 1)
    assert added.created_at == added.updated_at == rfc3339(LATER)


def test_no_two_products_get_the_same_id(catalogue: CatalogueService) -> None:
    new = NewProduct("Mug", "", 1100, "kitchen", stock=4)
    assert catalogue.add(new).id != catalogue.add(new).id


def test_a_withdrawn_product_can_still_be_looked_at(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop)
    catalogue.withdraw("mug")
    assert not catalogue.get("mug").is_active
    assert catalogue.list(Search(), limit=20, after=None).products == []


def test_withdrawing_again_changes_nothing(shop: InMemoryShop, catalogue: CatalogueService) -> None:
    mug(shop)
    catalogue.withdraw("mug")
    once = shop.products["mug"]
    catalogue.withdraw("mug")
    assert shop.products["mug"] == once


@pytest.mark.parametrize("id_", ["nothing", "", "x" * 3000])
def test_an_unknown_product_is_not_found(catalogue: CatalogueService, id_: str) -> None:
    for attempt in (
        lambda: catalogue.get(id_),
        lambda: catalogue.change(id_, {"name": "X"}),
        lambda: catalogue.withdraw(id_),
        lambda: catalogue.restock(id_, 1, caller_id="admin-1", idempotency_key="key"),
    ):
        with pytest.raises(ProductNotFound):
            attempt()


def test_a_change_is_made_for_the_version_that_it_is_meant_for(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop)
    changed = catalogue.change("mug", {"price_minor": 950}, expected={1})
    assert (changed.price_minor, changed.version) == (950, 2)
    with pytest.raises(VersionConflict) as refused:
        catalogue.change("mug", {"price_minor": 900}, expected={1})
    assert refused.value.data == {"version": 2}
    assert shop.products["mug"].price_minor == 950


def test_a_change_meant_for_a_version_loses_to_a_sale_that_comes_between(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    product = mug(shop)
    shop.rivals = [lambda: shop.restock(product, -1, at=LATER, receipt=None)]
    with pytest.raises(VersionConflict):
        catalogue.change("mug", {"price_minor": 950}, expected={1})


def test_a_change_meant_for_any_version_loses_nothing_of_another(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    product = mug(shop)
    rival = product.changed({"name": "Blue Mug"}, at=LATER)
    shop.rivals = [lambda: shop.change(product, rival, exactly=False)]
    changed = catalogue.change("mug", {"price_minor": 950})
    assert (changed.name, changed.price_minor, changed.version) == ("Blue Mug", 950, 3)


def test_a_product_is_withdrawn_in_the_middle_of_a_sale(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=10)

    def sell() -> None:
        shop.products["mug"] = shop.products["mug"].restocked(-1, at=LATER)

    shop.rivals = [sell, sell]
    catalogue.withdraw("mug")
    assert (shop.products["mug"].is_active, shop.products["mug"].available) == (False, 8)


def test_who_is_overtaken_for_ever_gives_up(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=1000)

    def sell() -> None:
        shop.products["mug"] = shop.products["mug"].restocked(-1, at=LATER)
        shop.rivals.append(sell)

    shop.rivals = [sell]
    with pytest.raises(ServiceUnavailable):
        catalogue.withdraw("mug")


def test_stock_below_zero_is_refused(shop: InMemoryShop, catalogue: CatalogueService) -> None:
    product = mug(shop, available=2)
    with pytest.raises(OutOfStock) as refused:
        restock(catalogue, -3)
    assert refused.value.data == {"product_id": "mug", "requested": 3, "available": 2}
    assert shop.products["mug"] == product


def test_stock_that_is_sold_meanwhile_is_refused_too(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    product = mug(shop, available=3)
    shop.rivals = [lambda: shop.restock(product, -1, at=LATER, receipt=None)]
    with pytest.raises(OutOfStock) as refused:
        restock(catalogue, -3)
    assert refused.value.data["available"] == 2


def test_without_a_key_every_stock_change_counts(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=1)
    assert restock(catalogue, 2).product.available == 3
    assert restock(catalogue, 2).product.available == 5


def test_a_repeated_stock_change_gives_the_same_answer_again(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=1)
    first = restock(catalogue, 2, "key")
    restock(catalogue, 7)
    again = restock(catalogue, 2, "key")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.product == first.product
    assert shop.products["mug"].available == 10


def test_a_repeated_taking_is_not_refused_for_what_it_took_itself(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=5)
    first = restock(catalogue, -5, "key")
    assert restock(catalogue, -5, "key") == replace(first, replayed=True)


def test_two_requests_with_one_key_at_once_change_the_stock_once(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=5)
    twin: list[Restocked] = []
    shop.rivals = [lambda: twin.append(restock(catalogue, -5, "key"))]
    late = restock(catalogue, -5, "key")
    assert late == replace(twin[0], replayed=True)
    assert shop.products["mug"].available == 0


def test_a_twin_that_takes_between_two_reads_is_not_taken_for_a_lack_of_stock(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=5)
    find, find_receipt = shop.find, shop.find_receipt
    twin: list[Restocked] = []

    def let_the_twin_in() -> None:
        """Once, after the first read, whichever that is."""
        shop.find, shop.find_receipt = find, find_receipt  # type: ignore[method-assign]  # for this test
        if not twin:
            twin.append(restock(catalogue, -5, "key"))

    def reading[**P, T](read: Callable[P, T]) -> Callable[P, T]:
        def reads(*args: P.args, **kwargs: P.kwargs) -> T:
            found = read(*args, **kwargs)
            let_the_twin_in()
            return found

        return reads

    shop.find, shop.find_receipt = reading(find), reading(find_receipt)  # type: ignore[method-assign]  # for this test
    assert restock(catalogue, -5, "key") == replace(twin[0], replayed=True)


def test_a_change_whose_maker_died_before_answering_is_answered_once_and_for_all(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=1)
    restock(catalogue, 2, "key")
    receipt = shop.receipts["admin-1", "mug", "key"]
    shop.receipts["admin-1", "mug", "key"] = replace(receipt, answer=None)
    answered = restock(catalogue, 2, "key")
    shop.restock(shop.products["mug"], 9, at=LATER, receipt=None)
    assert restock(catalogue, 2, "key") == answered
    assert (answered.product.available, answered.replayed) == (3, True)


def test_a_key_is_for_one_change(shop: InMemoryShop, catalogue: CatalogueService) -> None:
    mug(shop, available=1)
    restock(catalogue, 2, "key")
    with pytest.raises(IdempotencyKeyReused):
        restock(catalogue, 3, "key")


def test_a_refused_stock_change_may_be_tried_again_with_its_key(
    shop: InMemoryShop, catalogue: CatalogueService
) -> None:
    mug(shop, available=1)
    with pytest.raises(OutOfStock):
        restock(catalogue, -2, "key")
    restock(catalogue, 5)
    assert restock(catalogue, -2, "key") == Restocked(shop.products["mug"], replayed=False)


def test_a_key_is_its_callers_own(shop: InMemoryShop, catalogue: CatalogueService) -> None:
    mug(shop, available=1)
    restock(catalogue, 2, "key")
    other = catalogue.restock("mug", 3, caller_id="admin-2", idempotency_key="key")
    assert (other.replayed, other.product.available) == (False, 6)

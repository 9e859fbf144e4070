"""The decisions of the catalogue."""

from dataclasses import replace

import pytest

from products.catalogue.errors import IdempotencyKeyReused, ProductNotFound, VersionConflict
from products.catalogue.models import NewProduct, Product
from products.catalogue.service import CatalogueService, Restocked
from shared.contracts.inventory import OutOfStock
from shared.errors import ServiceUnavailable
from shared.runtime.clock import rfc3339
from tests.products.builders import LATER, a_product
from tests.products.fakes import InMemoryProducts


@pytest.fixture
def catalogue(products: InMemoryProducts) -> CatalogueService:
    return CatalogueService(products, products, currency="EUR", clock=lambda: LATER)


@pytest.fixture
def mug(products: InMemoryProducts) -> Product:
    product = a_product("mug", available=5)
    products.add(product)
    return product


def restock(catalogue: CatalogueService, delta: int, key: str | None = None) -> Restocked:
    return catalogue.restock("mug", delta, caller_id="admin-1", idempotency_key=key)


def sell(products: InMemoryProducts, *, forever: bool = False) -> None:
    """A concurrent sale of one mug."""
    products.products["mug"] = products.products["mug"].restocked(-1, at=LATER)
    if forever:
        products.rivals.append(lambda: sell(products, forever=True))


def test_new_product_is_on_sale_under_an_id_of_its_own(
    products: InMemoryProducts, catalogue: CatalogueService
) -> None:
    new = NewProduct("Mug", "", 1100, "kitchen", stock=4)
    added, other = catalogue.add(new), catalogue.add(new)
    assert products.products == {added.id: added, other.id: other}
    assert (added.is_active, added.available, added.version) == (True, 4, 1)
    assert added.created_at == added.updated_at == rfc3339(LATER)


def test_unknown_product_is_not_found(catalogue: CatalogueService) -> None:
    for attempt in (
        lambda: catalogue.get("nothing"),
        lambda: catalogue.change("nothing", {"name": "X"}),
        lambda: catalogue.withdraw("nothing"),
        lambda: catalogue.restock("nothing", 1, caller_id="admin-1", idempotency_key="key"),
    ):
        with pytest.raises(ProductNotFound):
            attempt()


def test_change_is_made_at_an_expected_version_only(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    changed = catalogue.change("mug", {"price_minor": 950}, expected={1})
    assert (changed.price_minor, changed.version) == (950, 2)
    with pytest.raises(VersionConflict) as raised:
        catalogue.change("mug", {"price_minor": 900}, expected={1})
    assert raised.value.data == {"version": 2}
    # Also when a sale comes between reading and writing.
    products.rivals = [lambda: sell(products)]
    with pytest.raises(VersionConflict):
        catalogue.change("mug", {"price_minor": 900}, expected={2})
    assert products.products["mug"].price_minor == 950


def test_change_of_any_version_keeps_a_concurrent_change(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    rival = mug.changed({"name": "Blue Mug"}, at=LATER)
    products.rivals = [lambda: products.change(mug, rival, exactly=False)]
    changed = catalogue.change("mug", {"price_minor": 950})
    assert (changed.name, changed.price_minor, changed.version) == ("Blue Mug", 950, 3)


def test_withdrawal_is_retried_during_sales_and_gives_up_in_the_end(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    products.rivals = [lambda: sell(products), lambda: sell(products)]
    catalogue.withdraw("mug")
    once = products.products["mug"]
    assert (once.is_active, once.available) == (False, 3)
    catalogue.withdraw("mug")
    assert products.products["mug"] == once
    products.products["mug"] = replace(mug, available=1000)
    products.rivals = [lambda: sell(products, forever=True)]
    with pytest.raises(ServiceUnavailable):
        catalogue.withdraw("mug")


@pytest.mark.parametrize(("sold", "available"), [(False, 5), (True, 4)])
def test_restock_raises_when_too_few_units_are_available(
    products: InMemoryProducts,
    catalogue: CatalogueService,
    mug: Product,
    sold: bool,
    available: int,
) -> None:
    products.rivals = [lambda: sell(products)] if sold else []
    delta = -available - 1
    with pytest.raises(OutOfStock) as raised:
        restock(catalogue, delta)
    assert raised.value.data == {"product_id": "mug", "requested": -delta, "available": available}
    assert products.products["mug"].available == available


def test_restock_with_a_repeated_key_returns_the_same_answer(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    first = restock(catalogue, -5, "key")
    restock(catalogue, 7)
    assert restock(catalogue, -5, "key") == replace(first, replayed=True)
    assert not first.replayed
    assert products.products["mug"].available == 7
    with pytest.raises(IdempotencyKeyReused):
        restock(catalogue, 3, "key")
    other = catalogue.restock("mug", 3, caller_id="admin-2", idempotency_key="key")
    assert (other.replayed, other.product.available) == (False, 10)


def test_concurrent_restocks_with_one_key_are_made_once(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    twin: list[Restocked] = []
    products.rivals = [lambda: twin.append(restock(catalogue, -5, "key"))]
    assert restock(catalogue, -5, "key") == replace(twin[0], replayed=True)
    assert products.products["mug"].available == 0


@pytest.mark.parametrize("read", ["find", "find_receipt"])
def test_restock_is_not_out_of_stock_when_its_twin_comes_between_two_reads(
    products: InMemoryProducts,
    catalogue: CatalogueService,
    mug: Product,
    read: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin: list[Restocked] = []
    reads = getattr(products, read)

    def then_run_twin(sought: object) -> object:
        found = reads(sought)
        monkeypatch.undo()
        twin.append(restock(catalogue, -5, "key"))
        return found

    monkeypatch.setattr(products, read, then_run_twin)
    assert restock(catalogue, -5, "key") == replace(twin[0], replayed=True)


def test_restock_keeps_its_first_answer_when_the_function_died_before_it(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    restock(catalogue, 2, "key")
    receipt = products.receipts["admin-1", "mug", "key"]
    products.receipts["admin-1", "mug", "key"] = replace(receipt, answer=None)
    answered = restock(catalogue, 2, "key")
    restock(catalogue, 9)
    assert restock(catalogue, 2, "key") == answered
    assert (answered.product.available, answered.replayed) == (7, True)


def test_refused_restock_can_be_retried_with_its_key(
    products: InMemoryProducts, catalogue: CatalogueService, mug: Product
) -> None:
    with pytest.raises(OutOfStock):
        restock(catalogue, -6, "key")
    restock(catalogue, 5)
    assert restock(catalogue, -6, "key") == Restocked(products.products["mug"], replayed=False)

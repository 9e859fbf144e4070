"""The decisions of the catalogue."""

from dataclasses import replace

import pytest

from products.catalogue.errors import IdempotencyKeyReused, VersionConflict
from products.catalogue.models import NewProduct, Product
from products.catalogue.service import Answer, CatalogueService
from shared.contracts.inventory import OutOfStock
from shared.errors import ServiceUnavailable
from tests.products.builders import LATER, a_product
from tests.products.conftest import Stores
from tests.support.aws import before_next


@pytest.fixture
def catalogue(stores: Stores) -> CatalogueService:
    return CatalogueService(stores.products, stores.index, currency="EUR", clock=lambda: LATER)


@pytest.fixture
def mug(stores: Stores) -> Product:
    product = a_product("mug", available=5)
    stores.add(product)
    return product


TRAY = NewProduct("Tray", "Of wood.", price_minor=2400, category="table", stock=3)


def add(catalogue: CatalogueService, new: NewProduct, key: str | None = "key") -> Answer:
    return catalogue.add(new, caller_id="admin-1", idempotency_key=key)


def restock(catalogue: CatalogueService, delta: int, key: str | None = None) -> Answer:
    return catalogue.restock("mug", delta, caller_id="admin-1", idempotency_key=key)


def sell(stores: Stores, units: int = 1) -> None:
    """A concurrent sale of mugs."""
    mug = stores.products.find("mug")
    assert mug
    stores.restock(mug, -units)


def test_change_is_made_at_an_expected_version_only(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    changed = catalogue.change("mug", {"price_minor": 950}, expected={1})
    assert (changed.price_minor, changed.version) == (950, 2)
    with pytest.raises(VersionConflict) as raised:
        catalogue.change("mug", {"price_minor": 900}, expected={1})
    assert raised.value.data == {"version": 2}
    # Also when a sale comes between reading and writing.
    stores.before_transaction(lambda: sell(stores))
    with pytest.raises(VersionConflict):
        catalogue.change("mug", {"price_minor": 900}, expected={2})
    assert stores.current(mug).price_minor == 950


def test_change_of_any_version_keeps_a_concurrent_change(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    rival = mug.changed({"name": "Blue Mug"}, at=LATER)
    stores.before_transaction(lambda: stores.products.change(mug, rival, exactly=False))
    changed = catalogue.change("mug", {"price_minor": 950})
    assert (changed.name, changed.price_minor, changed.version) == ("Blue Mug", 950, 3)


def test_withdrawal_is_retried_during_sales_and_gives_up_in_the_end(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    stores.before_transaction(lambda: sell(stores), lambda: sell(stores))
    catalogue.withdraw("mug")
    once = stores.current(mug)
    assert (once.is_active, once.available) == (False, 3)
    catalogue.withdraw("mug")
    assert stores.current(mug) == once
    catalogue.change("mug", {"is_active": True})
    stores.restock(stores.current(mug), 1000)
    stores.before_transaction(*[lambda: sell(stores)] * 99)
    with pytest.raises(ServiceUnavailable):
        catalogue.withdraw("mug")


@pytest.mark.parametrize(("sold", "available"), [(False, 5), (True, 4)])
def test_restock_raises_when_too_few_units_are_available(
    stores: Stores,
    catalogue: CatalogueService,
    mug: Product,
    sold: bool,
    available: int,
) -> None:
    if sold:
        stores.before_transaction(lambda: sell(stores))
    delta = -available - 1
    with pytest.raises(OutOfStock) as raised:
        restock(catalogue, delta)
    assert raised.value.data == {"product_id": "mug", "requested": -delta, "available": available}
    assert stores.current(mug).available == available


def test_product_is_added_once_for_each_key_of_a_caller(
    stores: Stores, catalogue: CatalogueService
) -> None:
    first = add(catalogue, TRAY)
    catalogue.change(first.product.id, {"price_minor": 1})
    assert add(catalogue, TRAY) == replace(first, replayed=True)
    assert not first.replayed
    with pytest.raises(IdempotencyKeyReused):
        add(catalogue, replace(TRAY, stock=4))
    # The same key for another change, by another admin, or no key: these are other requests.
    catalogue.restock(first.product.id, 1, caller_id="admin-1", idempotency_key="key")
    assert not catalogue.add(TRAY, caller_id="admin-2", idempotency_key="key").replayed
    assert not add(catalogue, TRAY, None).replayed
    assert stores.products.totals() == {"total": 3, "total_stock": 10}


def test_concurrent_requests_with_one_key_add_one_product(
    stores: Stores, catalogue: CatalogueService
) -> None:
    twin: list[Answer] = []
    stores.before_transaction(lambda: twin.append(add(catalogue, TRAY)))
    assert add(catalogue, TRAY) == replace(twin[0], replayed=True)
    assert stores.products.totals() == {"total": 1, "total_stock": 3}


def test_restock_with_a_repeated_key_returns_the_same_answer(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    first = restock(catalogue, -5, "key")
    restock(catalogue, 7)
    assert restock(catalogue, -5, "key") == replace(first, replayed=True)
    assert not first.replayed
    assert stores.current(mug).available == 7
    with pytest.raises(IdempotencyKeyReused):
        restock(catalogue, 3, "key")
    other = catalogue.restock("mug", 3, caller_id="admin-2", idempotency_key="key")
    assert (other.replayed, other.product.available) == (False, 10)


def test_concurrent_restocks_with_one_key_are_made_once(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    twin: list[Answer] = []
    stores.before_transaction(lambda: twin.append(restock(catalogue, -5, "key")))
    assert restock(catalogue, -5, "key") == replace(twin[0], replayed=True)
    assert stores.current(mug).available == 0


@pytest.mark.parametrize("read", ["find", "find_receipt"])
def test_restock_is_not_out_of_stock_when_its_twin_comes_between_two_reads(
    stores: Stores,
    catalogue: CatalogueService,
    mug: Product,
    read: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin: list[Answer] = []
    reads = getattr(stores.products, read)

    def then_run_twin(sought: object) -> object:
        found = reads(sought)
        monkeypatch.undo()
        twin.append(restock(catalogue, -5, "key"))
        return found

    monkeypatch.setattr(stores.products, read, then_run_twin)
    assert restock(catalogue, -5, "key") == replace(twin[0], replayed=True)


def test_restock_keeps_its_first_answer_when_the_function_died_before_it(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    def die() -> None:
        raise ConnectionError

    before_next(stores.table, "update_item", die)
    with pytest.raises(ConnectionError):
        restock(catalogue, 2, "key")
    answered = restock(catalogue, 2, "key")
    restock(catalogue, 9)
    assert restock(catalogue, 2, "key") == answered
    assert (answered.product.available, answered.replayed) == (7, True)


def test_refused_restock_can_be_retried_with_its_key(
    stores: Stores, catalogue: CatalogueService, mug: Product
) -> None:
    with pytest.raises(OutOfStock):
        restock(catalogue, -6, "key")
    restock(catalogue, 5)
    assert restock(catalogue, -6, "key") == Answer(stores.current(mug), replayed=False)

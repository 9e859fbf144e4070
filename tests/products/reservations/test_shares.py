"""A product whose stock is in shares: units are neither lost nor doubled, whatever happens when."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from products.catalogue.models import Product, ProductChanges, Search
from products.catalogue.repository.items import product_key, read_product
from products.catalogue.repository.shares import Shares, Spreading
from products.catalogue.service import CatalogueService
from products.reservations.models import Reservation
from products.reservations.ports import StockMismatch
from products.reservations.repository import DynamoReservations
from products.reservations.service import ReservationService
from shared.contracts.inventory import OutOfStock, ReservationEnded, UnknownProduct
from shared.errors import Contended
from shared.runtime import metrics
from shared.storage.dynamodb import Item, Table, TransactionFailed
from tests.products.builders import NOW, a_line, a_product
from tests.products.conftest import THRESHOLD, Stores
from tests.support.aws import before_next, wired_table
from tests.support.clock import ManualClock
from tests.support.context import a_deadline

EIGHT: Final = Spreading(shares=8, least=10)


class Sale:
    """A hundred mugs, spread over eight shares, and a tray that is not spread."""

    def __init__(self, table: Table) -> None:
        self.stores = Stores(table)
        self.table = table
        self.shares = Shares(table, threshold=THRESHOLD, spreading=EIGHT)
        self.clock = ManualClock(NOW)
        self.service = self.new_service()
        self.mug, self.tray = a_product(available=100), a_product(available=3)
        self.stores.add(self.mug, self.tray)
        self.shares.spread(self.mug, at=NOW)

    def new_service(self) -> ReservationService:
        """That of another environment."""
        reservations = DynamoReservations(
            self.table, low_stock_threshold=THRESHOLD, spreading=EIGHT
        )
        return ReservationService(reservations, clock=self.clock)

    def items(self) -> list[Item]:
        """The product's item and its shares."""
        pages = self.table.client.scan(TableName=self.table.name)["Items"]
        found: list[Any] = [
            {name: next(iter(value.values())) for name, value in item.items()} for item in pages
        ]
        return [
            item
            for item in found
            if item["pk"] == f"PRODUCT#{self.mug.id}" and item["sk"] == "PRODUCT"
        ] + [item for item in found if item["pk"].startswith(f"STOCK#{self.mug.id}#")]

    def stored(self, name: str) -> list[int]:
        """A counter of the product's item, and those of its shares that are left."""
        return [int(item[name]) for item in self.items()]

    def current(self) -> Product:
        return self.stores.current(self.mug)

    def own_item(self) -> Product:
        """What the product's item alone says."""
        item = self.table.get(product_key(self.mug.id))
        assert item is not None
        return read_product(item)

    @property
    def catalogue(self) -> CatalogueService:
        return CatalogueService(
            self.stores.products, self.stores.index, currency="EUR", clock=self.clock
        )

    def gather(self) -> None:
        self.shares.gather(self.own_item(), at=NOW)

    def reserve(self, order_id: str, mugs: int = 1, trays: int = 0) -> Reservation:
        lines = [a_line(self.mug, mugs), *([a_line(self.tray, trays)] if trays else [])]
        self.service.reserve(order_id, lines)
        found = self.stores.reservations.find(order_id)
        assert found is not None
        return found

    def listed(self) -> int:
        """The units that lists show."""
        page = self.stores.index.page(Search(), limit=9, after=None)
        return next(one.available for one in page.items if one.id == self.mug.id)

    def total_stock(self) -> int:
        return self.stores.products.totals()["total_stock"]


@contextmanager
def conflicts(table: Table, product: Product, number: int) -> Iterator[None]:
    """Other transactions hold the items of a product during so many attempts."""
    transact, left = table.client.transact_write_items, [number]

    def meet(**request: Any) -> Any:
        keys = [next(iter(one.values())) for one in request["TransactItems"]]
        pks = [str((one.get("Key") or one["Item"])["pk"]["S"]) for one in keys]
        codes = ["TransactionConflict" if product.id in pk else "None" for pk in pks]
        if left[0] == 0 or "TransactionConflict" not in codes:
            return transact(**request)
        left[0] -= 1
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": code} for code in codes],
        }
        raise ClientError(error, "TransactWriteItems")

    with patch.object(table.client, "transact_write_items", meet):
        yield


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the pauses."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def sale(table: Table) -> Sale:
    return Sale(table)


def test_spread_keeps_the_units_and_the_version_of_the_product(sale: Sale) -> None:
    assert sale.stored("available") == [12, *[11] * 8]
    spread = sale.current()
    assert (spread.available, spread.taken, spread.version) == (100, 0, 1)
    assert spread.spread is not None
    assert sale.total_stock() == 103


def test_spread_leaves_the_low_stock_threshold_in_the_products_item(sale: Sale) -> None:
    jug = a_product(available=THRESHOLD + 80)
    sale.stores.add(jug)
    sale.shares.spread(jug, at=NOW)
    _, products = DynamoReservations(sale.table).look_up("-", [jug.id])
    assert products[jug.id].available == THRESHOLD


@pytest.mark.parametrize("available", [THRESHOLD + 39, 0])
def test_spread_does_nothing_when_there_are_too_few_units(sale: Sale, available: int) -> None:
    jug = a_product(available=available)
    sale.stores.add(jug)
    sale.shares.spread(jug, at=NOW)
    assert sale.stores.current(jug) == jug


@pytest.mark.parametrize("changes", [{"price_minor": 1}, {"is_active": False}])
def test_spread_fails_when_the_product_has_changed(sale: Sale, changes: ProductChanges) -> None:
    jug = a_product(available=100)
    sale.stores.add(jug)
    sale.stores.change(jug, changes)
    with pytest.raises(TransactionFailed):
        sale.shares.spread(jug, at=NOW)
    assert sale.stores.current(jug).spread is None


def test_product_with_many_units_is_spread_further() -> None:
    sale = Sale(wired_table("ProductsTable"))
    jug = a_product(available=5000)
    sale.stores.add(jug)
    shares = Shares(sale.table, threshold=THRESHOLD, spreading=Spreading(shares=150))
    shares.spread(jug, at=NOW)
    _, products = DynamoReservations(sale.table).look_up("-", [jug.id])
    shares.spread(products[jug.id], at=NOW)
    spread = sale.stores.current(jug)
    assert spread.spread is not None
    assert (spread.spread.shares, spread.available) == (150, 5000)
    _, products = DynamoReservations(sale.table).look_up("-", [jug.id])
    shares.gather(products[jug.id], at=NOW)
    assert sale.stores.current(jug) == jug


def test_hold_takes_units_of_one_share_and_none_of_the_products_item(sale: Sale) -> None:
    reservation = sale.reserve("order-1", 3, 1)
    assert reservation.shares is not None
    assert reservation.shares[0]
    assert reservation.shares[1] == ""
    assert sorted(sale.stored("available")) == [8, *[11] * 7, 12]
    assert sorted(sale.stored("taken")) == [*[0] * 8, 3]
    current = sale.current()
    assert (current.available, current.taken, current.version) == (97, 3, 2)
    assert sale.stores.units(sale.tray) == (2, 1)
    assert sale.total_stock() == 99


def test_basket_is_held_wholly_or_not_at_all(sale: Sale) -> None:
    with pytest.raises(OutOfStock):
        sale.reserve("order-1", 1, 4)
    sale.stores.before_transaction(lambda: sale.stores.restock(sale.tray, -3))
    with pytest.raises(OutOfStock):
        sale.reserve("order-1", 1, 1)
    assert sale.current() == sale.stores.current(sale.mug)
    assert sale.stores.units(sale.mug) == (100, 0)
    assert sale.stores.reservations.find("order-1") is None


def test_hold_takes_from_another_share_when_one_has_too_few(sale: Sale) -> None:
    for number in range(8):
        sale.reserve(f"order-{number}", 11)
    assert sorted(sale.stored("available")) == [*[0] * 8, 12]


def test_hold_gathers_when_no_share_has_enough(sale: Sale) -> None:
    sale.reserve("order-1", 20)
    assert (sale.stored("available"), sale.stored("taken")) == ([80], [20])
    assert sale.current().spread is None


def test_last_units_are_sold_with_one_report_of_low_stock(sale: Sale) -> None:
    for number in range(100):
        sale.reserve(f"order-{number}")
    with pytest.raises(OutOfStock) as refusal:
        sale.reserve("order-100")
    assert refusal.value.data["available"] == 0
    assert sale.stored("available") == [0]
    assert sale.stored("taken") == [100]
    [event] = [fact for fact in sale.stores.events() if fact.aggregate_id == sale.mug.id]
    assert (event.version, event.data["available"]) == (sale.current().version - 4, 4)
    assert sale.current().version == 101


@pytest.mark.parametrize("is_gathered", [False, True])
@pytest.mark.parametrize("is_sold", [False, True])
def test_release_returns_units_to_where_they_are(
    sale: Sale, is_gathered: bool, is_sold: bool
) -> None:
    sale.reserve("order-1", 3, 2)
    if is_sold:
        sale.service.confirm("order-1")
    if is_gathered:
        sale.gather()
        # The units of its share are not those of a share of the next spread.
        sale.shares.spread(sale.own_item(), at=NOW)
        sale.reserve("order-2", 3)
        sale.service.release("order-2")
    sale.service.release("order-1")
    sale.service.release("order-1")
    assert sale.stores.units(sale.mug) == (100, 0)
    assert set(sale.stored("taken")) == {0}
    assert sale.stores.units(sale.tray) == (3, 0)
    assert sale.total_stock() == 103
    with pytest.raises(ReservationEnded):
        sale.reserve("order-1")


def test_release_by_the_release_before_shares_loses_no_unit(sale: Sale) -> None:
    jug = a_product(available=100)
    sale.stores.add(jug)
    sale.stores.hold((jug, 3), order_id="before")
    sale.shares.spread(sale.stores.current(jug), at=NOW)
    for number in (1, 2):
        sale.service.reserve(f"order-{number}", [a_line(jug, 2)])
        found = sale.stores.reservations.find(f"order-{number}")
        assert found is not None
        # It knows nothing of shares, and finds as many units taken in the product's item.
        former = replace(found, shares=None)
        released = former.released()
        if number == 1:
            sale.stores.reservations.settle(former, released, at=NOW)
        else:
            with pytest.raises(StockMismatch):
                sale.stores.reservations.settle(former, released, at=NOW)
    assert sale.stores.units(jug) == (95, 5)
    assert sale.total_stock() == 103 + 95


def test_release_finds_the_units_when_the_share_is_gathered_at_that_moment(sale: Sale) -> None:
    sale.reserve("order-1", 3)
    sale.stores.before_transaction(sale.gather)
    ReservationService(sale.stores.reservations, clock=sale.clock).release("order-1")
    assert sale.stores.units(sale.mug) == (100, 0)


def test_gather_loses_no_unit_that_is_taken_meanwhile(sale: Sale) -> None:
    other = sale.new_service()
    other.reserve("order-0", [a_line(sale.mug)])
    # The other environment has read the product before it was closed.
    before_next(
        sale.table,
        "transact_write_items",
        lambda: None,
        lambda: other.reserve("order-1", [a_line(sale.mug, 2)]),
    )
    sale.gather()
    assert (sale.stored("available"), sale.stored("taken")) == ([97], [3])
    assert sale.current().version == 3


def test_hold_waits_for_a_gathering_and_ends_one_that_was_left(sale: Sale) -> None:
    def die() -> None:
        raise InterruptedError

    before_next(sale.table, "transact_write_items", lambda: None, die)
    with pytest.raises(InterruptedError):
        sale.gather()
    assert len(sale.items()) == 9
    with pytest.raises(Contended):
        sale.reserve("order-1")
    assert sale.current().available == 100
    sale.clock.advance(seconds=4)
    sale.reserve("order-1")
    assert (sale.stored("available"), sale.stored("taken")) == ([99], [1])


ADMIN: Final[dict[str, Callable[[CatalogueService, Product], object]]] = {
    "price": lambda catalogue, mug: catalogue.change(mug.id, {"price_minor": 1}),
    "withdrawn": lambda catalogue, mug: catalogue.withdraw(mug.id),
    "exactly": lambda catalogue, mug: catalogue.change(mug.id, {"name": "Mug"}, expected=[2]),
    "fewer": lambda catalogue, mug: catalogue.restock(
        mug.id, -97, caller_id="ada", idempotency_key="key"
    ),
}


@pytest.mark.parametrize("change", ADMIN.values(), ids=ADMIN)
def test_change_by_an_admin_has_all_units_in_the_products_item(
    sale: Sale, change: Callable[[CatalogueService, Product], object]
) -> None:
    sale.reserve("order-1", 2)
    change(sale.catalogue, sale.mug)
    current = sale.current()
    assert (current.spread, current.version, current.taken) == (None, 3, 2)
    assert len(sale.items()) == 1
    assert "due" not in sale.items()[0]
    on_sale = current.available if current.is_active else 0
    assert sale.total_stock() == on_sale + 3
    # A buyer who has read the product before meets the change.
    if current.is_active and current.available:
        [line] = sale.reserve("order-2").lines
        assert (line.name, line.unit_price_minor) == (current.name, current.price_minor)
    else:
        with pytest.raises((OutOfStock, UnknownProduct)):
            sale.reserve("order-2", 2)


def test_change_of_a_product_that_is_spread_meanwhile_is_made_after_gathering(sale: Sale) -> None:
    jug = a_product(available=100)
    sale.stores.add(jug)
    sale.stores.before_transaction(lambda: sale.shares.spread(jug, at=NOW))
    sale.catalogue.change(jug.id, {"price_minor": 1})
    current = sale.stores.current(jug)
    assert (current.price_minor, current.spread, current.available) == (1, None, 100)


def test_admin_who_gives_up_after_gathering_leaves_the_product_to_the_buyers(sale: Sale) -> None:
    sale.shares.gather(sale.own_item(), at=NOW, stay_closed=True)
    assert sale.stores.units(sale.mug) == (100, 0)
    sale.clock.advance(seconds=4)
    sale.reserve("order-1")
    assert sale.current().spread is None


def test_units_are_added_without_gathering(sale: Sale) -> None:
    sale.catalogue.restock(sale.mug.id, 50, caller_id="ada", idempotency_key=None)
    assert sale.current().available == 150
    assert len(sale.items()) == 9
    assert sale.total_stock() == 153


def test_product_is_spread_when_buyers_wait_for_each_other(table: Table) -> None:
    stores = Stores(table)
    mug, few = a_product(available=100), a_product(available=12)
    stores.add(mug, few)
    reservations = DynamoReservations(table, low_stock_threshold=THRESHOLD, spreading=EIGHT)
    service = ReservationService(reservations, clock=ManualClock(NOW))
    for product, shares in ((mug, 8), (few, 0)):
        with conflicts(table, product, 4):
            service.reserve(f"order of {product.id}", [a_line(product), a_line(few)])
        spread = stores.current(product).spread
        assert (spread.shares if spread else 0) == shares


def test_buyers_move_to_another_share_when_one_is_held(sale: Sale) -> None:
    first = sale.reserve("order-1").shares
    again = sale.reserve("order-2").shares
    assert first == again
    assert first is not None
    with conflicts(sale.table, sale.mug, 1):
        other = sale.reserve("order-3").shares
    assert sale.reserve("order-4").shares == other


def test_sweep_gathers_a_calm_product(sale: Sale) -> None:
    sale.reserve("order-1")
    sale.service.confirm("order-1")
    sale.clock.advance(seconds=59)
    sale.service.release_expired(a_deadline())
    assert len(sale.items()) == 9
    sale.clock.advance(seconds=2)
    assert sale.service.release_expired(a_deadline()) == 0
    assert sale.stored("available") == [99]
    sale.clock.advance(minutes=2)
    assert sale.service.release_expired(a_deadline()) == 0


def test_sweep_goes_on_after_a_product_of_a_later_schema_and_counts_it(
    sale: Sale, capsys: pytest.CaptureFixture[str]
) -> None:
    sale.service.reserve("order-1", [a_line(sale.tray)])
    key = {"pk": f"PRODUCT#{sale.mug.id}", "sk": "PRODUCT"}
    sale.table.update_unseen(key, "SET #schema = :later", values={"later": 2})
    sale.clock.advance(minutes=20)
    metrics.flush()  # what other tests have counted
    capsys.readouterr()
    assert sale.service.release_expired(a_deadline()) == 1
    metrics.flush()
    assert "ProductsNotGathered" in capsys.readouterr().out


def test_sweep_leaves_a_product_in_a_rush_and_notes_its_units_for_lists(sale: Sale) -> None:
    sale.reserve("order-1", 7)
    key = next(item for item in sale.items() if item["taken"] == "7")
    sale.table.update(
        {"pk": key["pk"], "sk": key["sk"]}, "SET #version = :many", values={"many": 600}
    )
    assert sale.listed() == 100
    sale.clock.advance(minutes=2)
    sale.service.release_expired(a_deadline())
    assert len(sale.items()) == 9
    assert sale.listed() == 93
    # In the next minute nobody came.
    sale.clock.advance(minutes=2)
    sale.service.release_expired(a_deadline())
    assert sale.stored("available") == [93]


def test_thousand_buyers_of_a_hundred_units_get_a_hundred(sale: Sale) -> None:
    services = [sale.new_service() for _ in range(20)]
    sold = baskets = 0
    chance = random.Random(1)
    for number in range(1000):
        if number == 60:
            sale.stores.restock(sale.tray, 20)
        lines = [a_line(sale.mug), *([a_line(sale.tray)] if number % 3 == 0 else [])]
        try:
            chance.choice(services).reserve(f"order-{number}", lines)
        except OutOfStock:
            continue
        sold += 1
        baskets += len(lines) - 1
    assert sale.stores.units(sale.mug) == (0, 100)
    assert sold == 100
    assert sale.stores.units(sale.tray) == (23 - baskets, baskets)
    assert sale.total_stock() == 23 - baskets

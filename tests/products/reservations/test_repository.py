"""Reservations in DynamoDB."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from products.catalogue.models import ProductChanges
from products.catalogue.repository.items import product_item
from products.catalogue.repository.products import DynamoProducts
from products.reservations.models import Reservation
from products.reservations.ports import StockMismatch
from products.reservations.repository import DynamoReservations
from shared.contracts.inventory import Line
from shared.runtime.clock import epoch
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Item, Table
from tests.products.builders import LATER, NOW, a_product
from tests.products.conftest import Stores
from tests.support.aws import wired_table


@pytest.fixture
def table() -> Table:
    return wired_table("ProductsTable")


def settle(stores: Stores, before: Reservation, after: Reservation) -> Reservation:
    stores.reservations.settle(before, after, at=LATER)
    return after


def test_confirmation_changes_nothing_that_a_client_sees(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.add(mug)
    reservation = stores.hold((mug, 3))
    stores.change(mug, {"is_active": False})
    before = stores.current(mug)
    settle(stores, reservation, reservation.confirmed())
    assert stores.current(mug) == before


def test_release_does_not_count_withdrawn_products_as_on_sale(stores: Stores) -> None:
    mugs = [a_product(available=5) for _ in range(3)]
    stores.add(*mugs)
    reservation = stores.hold(*((mug, 2) for mug in mugs))
    for mug in mugs[:2]:
        stores.change(mug, {"is_active": False})
    settle(stores, reservation, reservation.released())
    assert [stores.units(mug) for mug in mugs] == [(5, 0)] * 3
    # Each step that a client can see makes another version.
    assert [stores.current(mug).version for mug in mugs] == [4, 4, 3]
    assert stores.products.totals() == {"total": 1, "total_stock": 5}


def test_units_of_a_withdrawn_product_are_given_back_and_not_on_sale(stores: Stores) -> None:
    mug, tray = (a_product(available=5) for _ in range(2))
    stores.add(mug, tray)
    sold = settle(stores, reservation := stores.hold((mug, 2), (tray, 2)), reservation.confirmed())
    stores.change(mug, {"is_active": False})
    lines = [Line(product_id=product.id, quantity=1) for product in (mug, tray)]
    after = sold.without(lines, key="refund-1")
    stores.reservations.give_back(sold, after, at=LATER)
    assert stores.reservations.find("order-1") == after
    assert [stores.units(product) for product in (mug, tray)] == [(4, 1)] * 2
    assert stores.products.totals() == {"total": 1, "total_stock": 4}


def test_hold_takes_all_lines_or_none(stores: Stores) -> None:
    mug, tray = a_product(available=5), a_product(available=2)
    stores.add(mug, tray)
    stores.hold((tray, 1))
    with pytest.raises(ConcurrentChange):
        stores.hold((mug, 3), (tray, 2), order_id="order-2")
    assert stores.units(mug) == (5, 0)
    assert stores.reservations.find("order-2") is None


@pytest.mark.parametrize("changes", [{"price_minor": 1101}, {"is_active": False}])
def test_hold_raises_when_the_product_has_changed(stores: Stores, changes: ProductChanges) -> None:
    mug = a_product(available=50)
    stores.add(mug)
    stores.change(mug, changes)
    with pytest.raises(ConcurrentChange):
        stores.hold((mug, 1))
    assert stores.units(mug) == (50, 0)


def test_hold_reports_each_product_that_runs_low(stores: Stores) -> None:
    low, enough, below = (a_product(available=n) for n in (6, 7, 4))
    stores.add(low, enough, below)
    stores.hold((low, 2), (enough, 2), (below, 2))
    [event] = stores.events()
    assert (event.type, event.id) == ("product.low_stock", f"{low.id}.2")
    assert event.at == stores.current(low).updated_at
    data = {"product_id": low.id, "name": "Red Mug", "available": 4, "threshold": 5}
    assert event.data == data


@pytest.mark.parametrize(
    ("seen", "now"),
    [(8, 6), (6, 8), (6, 4), (4, 6)],
    ids=["low now", "not low now", "low before", "low again"],
)
def test_hold_raises_when_the_threshold_was_crossed_meanwhile(
    stores: Stores, seen: int, now: int
) -> None:
    mug = a_product(available=seen)
    stores.add(mug)
    stores.restock(mug, now - seen)
    events = stores.events()
    with pytest.raises(ConcurrentChange):
        stores.hold((mug, 2))
    assert (stores.units(mug), stores.events()) == ((now, 0), events)


@pytest.mark.parametrize("available", [8, 4])
def test_holds_on_one_side_of_the_threshold_do_not_conflict(stores: Stores, available: int) -> None:
    mug = a_product(available=available)
    stores.add(mug)
    for number in range(3):
        stores.hold((mug, 1), order_id=f"order-{number}")
    assert stores.units(mug) == (available - 3, 3)
    assert stores.events() == []


@pytest.mark.parametrize("first", [Reservation.confirmed, Reservation.released])
def test_settle_raises_when_the_state_has_changed(
    stores: Stores, first: Callable[[Reservation], Reservation]
) -> None:
    mug = a_product(available=5)
    stores.add(mug)
    reservation = stores.hold((mug, 2))
    settle(stores, reservation, first(reservation))
    before = stores.current(mug)
    for second in (reservation.confirmed(), reservation.released()):
        with pytest.raises(ConcurrentChange):
            settle(stores, reservation, second)
    assert stores.current(mug) == before


def test_release_raises_when_the_product_has_fewer_taken_units(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.add(mug)
    reservation = stores.hold((mug, 2))
    with pytest.raises(StockMismatch):
        settle(stores, reservation, replace(reservation.released(), lines=(mug.priced(3),)))
    assert stores.units(mug) == (3, 2)


def test_look_up_returns_the_reservation_and_the_products_that_exist(stores: Stores) -> None:
    mug, tray = a_product(), a_product()
    stores.add(mug, tray)
    ids = [mug.id, "nothing", "", "x" * 5000, "no/such"]
    assert stores.reservations.look_up("order-1", ids) == (None, {mug.id: mug})
    reservation = stores.hold((tray, 1))
    assert stores.reservations.look_up("order-1", ids) == (reservation, {mug.id: mug})


class RivalTable(Table):
    """Counts the operations of each transaction, and calls a rival before each one."""

    def __init__(self, table: Table, *rivals: Callable[[], object]) -> None:
        super().__init__(table.name, table.client)
        self._rivals = list(rivals)
        self.transactions: list[int] = []

    def transact(self, operations: Any, **more: Any) -> None:
        if self._rivals:
            self._rivals.pop(0)()
        operations = list(operations)
        self.transactions.append(len(operations))
        super().transact(operations, **more)


def test_fifty_lines_are_held_with_all_their_events(table: Table) -> None:
    mugs = {mug.id: mug for mug in (a_product(available=5) for _ in range(50))}
    for mug in mugs.values():
        table.put(product_item(mug))
    held = Reservation.held("order-1", tuple(mug.priced(1) for mug in mugs.values()), at=NOW)
    recording = RivalTable(table)
    DynamoReservations(recording, low_stock_threshold=5).hold(held, mugs, at=NOW)
    # DynamoDB's limit is a hundred operations.
    assert recording.transactions == [100, 2]
    found = [table.query("#unsent = :n", {"n": f"{n}"}, index="unsent").items for n in range(4)]
    assert {item["event"]["aggregate_id"] for items in found for item in items} == set(mugs)


def test_release_counts_once_when_a_product_goes_off_sale_and_back(table: Table) -> None:
    products = DynamoProducts(table)
    mug = a_product()
    products.add(mug)
    held = Reservation.held("order-1", (mug.priced(2),), at=NOW)
    DynamoReservations(table).hold(held, {mug.id: mug}, at=NOW)

    def set_active(is_active: bool) -> None:
        before = products.find(mug.id)
        assert before is not None
        products.change(before, before.changed({"is_active": is_active}, at=LATER), exactly=True)

    set_active(False)
    # The first attempt fails and shows the withdrawal; before the second one it is on sale again.
    rivals = RivalTable(table, lambda: None, lambda: set_active(True))
    DynamoReservations(rivals).settle(held, held.released(), at=LATER)
    assert products.totals() == {"total": 1, "total_stock": 10}


def test_only_released_reservations_have_a_ttl_and_all_keep_later_attributes(table: Table) -> None:
    mug = a_product()
    DynamoProducts(table).add(mug)
    reservations = DynamoReservations(table)
    held = Reservation.held("order-1", (mug.priced(1),), at=NOW)
    key = {"pk": "RESERVATION#order-1", "sk": "RESERVATION"}

    def item() -> Item:
        return table.get(key) or {}

    reservations.hold(held, {mug.id: mug}, at=NOW)
    table.update(key, "SET #later = :later", values={"later": "kept"})
    assert ("ttl" in item(), "due" in item()) == (False, True)
    reservations.settle(held, held.confirmed(), at=NOW)
    assert ("ttl" in item(), "due" in item()) == (False, False)
    reservations.settle(held.confirmed(), held.released(), at=NOW)
    assert (item()["ttl"], item()["later"]) == (epoch(NOW) + 30 * 24 * 3600, "kept")

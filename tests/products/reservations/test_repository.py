"""What every store of reservations does, in memory and in DynamoDB."""

from dataclasses import replace

import pytest

from products.catalogue.models import Product, ProductChanges
from products.reservations.errors import StockMismatch
from products.reservations.models import Reservation
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from tests.products.builders import LATER, MUCH_LATER, NOW, a_priced_line, a_product
from tests.products.conftest import Stores


def units(product: Product) -> tuple[int, int]:
    return product.available, product.taken


def held(stores: Stores, *lines: tuple[Product, int], order_id: str = "order-1") -> Reservation:
    priced = tuple(a_priced_line(product, quantity) for product, quantity in lines)
    reservation = Reservation.held(order_id, priced, at=NOW)
    seen = {product.id: product for product, _ in lines}
    stores.reservations.hold(reservation, seen, at=NOW)
    return reservation


def test_what_is_held_is_not_available(stores: Stores) -> None:
    mug, tray = a_product(available=5), a_product(available=2)
    stores.keep(mug, tray)
    reservation = held(stores, (mug, 3), (tray, 2))
    assert stores.reservations.find("order-1") == reservation
    assert units(stores.kept(mug)) == (2, 3)
    assert units(stores.kept(tray)) == (0, 2)
    assert stores.kept(mug).version == 2
    assert stores.products.totals() == {"total": 2, "total_stock": 2}


def test_what_is_confirmed_is_sold_and_looks_the_same_to_clients(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    reservation = held(stores, (mug, 3))
    before = stores.kept(mug)
    stores.reservations.settle(reservation, reservation.confirmed(), at=LATER)
    assert stores.kept(mug) == before
    assert stores.products.totals() == {"total": 1, "total_stock": 2}


@pytest.mark.parametrize("sold", [False, True])
def test_what_is_released_is_available_again(stores: Stores, sold: bool) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    reservation = held(stores, (mug, 3))
    if sold:
        stores.reservations.settle(reservation, reservation.confirmed(), at=LATER)
        reservation = reservation.confirmed()
    stores.reservations.settle(reservation, reservation.released(), at=LATER)
    assert units(stores.kept(mug)) == (5, 0)
    assert stores.kept(mug).version == 3
    assert stores.products.totals() == {"total": 1, "total_stock": 5}
    assert stores.reservations.find("order-1") == reservation.released()


def test_units_of_withdrawn_products_come_back_but_not_on_sale(stores: Stores) -> None:
    mugs = [a_product(available=5) for _ in range(3)]
    stores.keep(*mugs)
    reservation = held(stores, *((mug, 2) for mug in mugs))
    for mug in mugs[:2]:
        stores.change(mug, {"is_active": False})
    stores.reservations.settle(reservation, reservation.released(), at=LATER)
    assert [units(stores.kept(mug)) for mug in mugs] == [(5, 0)] * 3
    assert stores.products.totals() == {"total": 1, "total_stock": 5}


def test_a_withdrawn_product_that_is_held_can_still_be_sold(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    reservation = held(stores, (mug, 2))
    stores.change(mug, {"is_active": False})
    stores.reservations.settle(reservation, reservation.confirmed(), at=LATER)
    assert units(stores.kept(mug)) == (3, 2)


def test_all_lines_are_held_or_none(stores: Stores) -> None:
    mug, tray = a_product(available=5), a_product(available=2)
    stores.keep(mug, tray)
    held(stores, (tray, 1))
    with pytest.raises(ConcurrentChange):
        held(stores, (mug, 3), (tray, 2), order_id="order-2")
    assert units(stores.kept(mug)) == (5, 0)
    assert stores.reservations.find("order-2") is None


@pytest.mark.parametrize("changes", [{"price_minor": 1101}, {"is_active": False}])
def test_what_changed_since_it_was_priced_is_not_held(
    stores: Stores, changes: ProductChanges
) -> None:
    mug = a_product(available=50)
    stores.keep(mug)
    stores.change(mug, changes)
    with pytest.raises(ConcurrentChange):
        held(stores, (mug, 1))
    assert units(stores.kept(mug)) == (50, 0)


def test_a_sale_reports_each_product_that_runs_low_by_it(stores: Stores) -> None:
    low, enough, below = (a_product(available=n) for n in (6, 7, 4))
    stores.keep(low, enough, below)
    held(stores, (low, 2), (enough, 2), (below, 2))
    [fact] = stores.facts()
    assert (fact.type, fact.id) == ("product.low_stock", f"{low.id}.2")
    assert fact.at == stores.kept(low).updated_at
    assert fact.data == {
        "product_id": low.id, "name": "Red Mug", "available": 4, "threshold": 5
    }  # fmt: skip


def test_a_sale_that_is_given_back_and_made_again_is_reported_again(stores: Stores) -> None:
    mug = a_product(available=6)
    stores.keep(mug)
    first = held(stores, (mug, 2))
    stores.reservations.settle(first, first.released(), at=LATER)
    held(stores, (stores.kept(mug), 3), order_id="order-2")
    told = {(fact.version, fact.data["available"]) for fact in stores.facts()}
    assert told == {(2, 4), (4, 3)}


@pytest.mark.parametrize(
    ("seen", "now"),
    [(8, 6), (6, 8), (6, 4), (4, 6)],
    ids=["low now", "not low now", "low before", "low again"],
)
def test_a_sale_across_the_threshold_is_not_made_without_its_event(
    stores: Stores, seen: int, now: int
) -> None:
    mug = a_product(available=seen)
    stores.keep(mug)
    stores.products.restock(mug, now - seen, at=LATER, receipt=None)
    told = stores.facts()
    with pytest.raises(ConcurrentChange):
        held(stores, (mug, 2))
    assert (units(stores.kept(mug)), stores.facts()) == ((now, 0), told)


@pytest.mark.parametrize("available", [8, 4])
def test_sales_on_one_side_of_the_threshold_do_not_exclude_each_other(
    stores: Stores, available: int
) -> None:
    mug = a_product(available=available)
    stores.keep(mug)
    for twin in range(3):
        held(stores, (mug, 1), order_id=f"order-{twin}")
    assert units(stores.kept(mug)) == (available - 3, 3)
    assert stores.facts() == []


def test_an_order_holds_once(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    held(stores, (mug, 1))
    with pytest.raises(ConcurrentChange):
        held(stores, (mug, 1))
    assert units(stores.kept(mug)) == (4, 1)


@pytest.mark.parametrize("first", ["confirmed", "released"])
@pytest.mark.parametrize("second", ["confirmed", "released"])
def test_a_step_from_a_state_that_is_past_moves_nothing(
    stores: Stores, first: str, second: str
) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    reservation = held(stores, (mug, 2))
    next_states = {"confirmed": reservation.confirmed(), "released": reservation.released()}
    stores.reservations.settle(reservation, next_states[first], at=LATER)
    before = stores.kept(mug)
    with pytest.raises(ConcurrentChange):
        stores.reservations.settle(reservation, next_states[second], at=LATER)
    assert stores.kept(mug) == before


def test_nothing_can_be_held_after_a_tombstone(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    stores.reservations.settle(None, Reservation.tombstone("order-1", at=NOW), at=NOW)
    with pytest.raises(ConcurrentChange):
        held(stores, (mug, 1))
    found = stores.reservations.find("order-1")
    assert found is not None
    assert (found.state, found.lines) == ("released", ())


def test_books_that_do_not_agree_are_not_touched(stores: Stores) -> None:
    mug = a_product(available=5)
    stores.keep(mug)
    reservation = held(stores, (mug, 2))
    more = replace(reservation, lines=(a_priced_line(mug, 3),))
    with pytest.raises(StockMismatch):
        stores.reservations.settle(reservation, more.released(), at=LATER)
    assert units(stores.kept(mug)) == (3, 2)


def test_a_reservation_and_its_products_are_looked_up_together(stores: Stores) -> None:
    mug, tray = a_product(), a_product()
    stores.keep(mug, tray)
    impossible = ["", "x" * 5000, "no/such"]
    assert stores.reservations.look_up("order-1", [mug.id, "nothing", *impossible]) == (
        None,
        {mug.id: mug},
    )
    reservation = held(stores, (tray, 1))
    assert stores.reservations.look_up("order-1", [mug.id]) == (reservation, {mug.id: mug})


def test_only_what_is_held_past_its_time_is_due_oldest_first(stores: Stores) -> None:
    mug = a_product(available=9)
    stores.keep(mug)
    reservations = [held(stores, (stores.kept(mug), 1), order_id=f"order-{n}") for n in range(6)]
    stores.reservations.settle(reservations[0], reservations[0].confirmed(), at=NOW)
    stores.reservations.settle(reservations[1], reservations[1].released(), at=NOW)
    older = Reservation("order-a", "held", (), expires_at=rfc3339(NOW))
    stores.reservations.hold(older, {}, at=NOW)
    assert list(stores.reservations.due(LATER)) == ["order-a"]
    due = list(stores.reservations.due(MUCH_LATER))
    assert due[0] == "order-a"
    assert sorted(due[1:]) == ["order-2", "order-3", "order-4", "order-5"]

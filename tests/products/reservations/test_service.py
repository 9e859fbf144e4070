"""What is held for orders, sold, and given back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from products.catalogue.models import Product
from products.reservations.models import Hold, Reservation
from products.reservations.service import ReservationService
from shared.calls.deadline import Deadline
from shared.contracts.inventory import Line, OutOfStock, ReservationEnded, UnknownProduct
from shared.errors import ServiceUnavailable
from shared.runtime import metrics
from tests.products.builders import LATER, a_line, a_product
from tests.products.fakes import InMemoryReservations, InMemoryShop
from tests.support.clock import ManualClock
from tests.support.context import a_deadline


@pytest.fixture
def service(shop: InMemoryShop, clock: ManualClock) -> ReservationService:
    return ReservationService(InMemoryReservations(shop), clock=lambda: clock.now)


def stocked(shop: InMemoryShop, *numbers: int) -> list[Product]:
    products = [a_product(available=number) for number in numbers]
    for product in products:
        shop.add(product)
    return products


def units(shop: InMemoryShop, product: Product) -> tuple[int, int]:
    now = shop.products[product.id]
    return now.available, now.taken


def test_lines_are_priced_and_held(shop: InMemoryShop, service: ReservationService) -> None:
    mug, tray = stocked(shop, 5, 2)
    held = service.reserve("order-1", [a_line(mug, 3), a_line(tray, 2)]).reservation
    assert [(line.product_id, line.quantity, line.unit_price_minor) for line in held.lines] == [
        (mug.id, 3, 1100),
        (tray.id, 2, 1100),
    ]
    assert units(shop, mug) == (2, 3)
    assert units(shop, tray) == (0, 2)


def test_the_same_product_twice_is_one_line(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 2000)
    held = service.reserve("order-1", [a_line(mug, 1000), a_line(mug, 999)]).reservation
    assert [line.quantity for line in held.lines] == [1999]
    with pytest.raises(OutOfStock) as refused:
        service.reserve("order-2", [a_line(mug, 1), a_line(mug, 1)])
    assert refused.value.data == {"product_id": mug.id, "requested": 2, "available": 1}


def test_beyond_stock_nothing_is_held(shop: InMemoryShop, service: ReservationService) -> None:
    mug, tray = stocked(shop, 5, 2)
    with pytest.raises(OutOfStock) as refused:
        service.reserve("order-1", [a_line(mug, 3), a_line(tray, 3)])
    assert refused.value.data == {"product_id": tray.id, "requested": 3, "available": 2}
    assert units(shop, mug) == (5, 0)
    assert shop.reservations == {}


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_not_on_sale_is_unknown(
    shop: InMemoryShop, service: ReservationService, is_there: bool
) -> None:
    (mug,) = stocked(shop, 5)
    gone = a_product(is_active=False)
    if is_there:
        shop.add(gone)
    with pytest.raises(UnknownProduct) as refused:
        service.reserve("order-1", [a_line(mug), a_line(gone)])
    assert refused.value.data == {"product_id": gone.id}
    assert units(shop, mug) == (5, 0)


def test_a_second_reserve_gives_the_first_ones_prices(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)
    first = service.reserve("order-1", [a_line(mug, 2)]).reservation
    shop.change(mug, mug.changed({"price_minor": 1}, at=LATER), exactly=False)
    assert service.reserve("order-1", [a_line(mug, 2)]).reservation == first
    service.confirm("order-1")
    assert service.reserve("order-1", [a_line(mug, 2)]).reservation.lines == first.lines
    assert units(shop, mug) == (3, 2)


def test_a_second_reserve_does_not_miss_what_the_first_one_holds(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)
    first = service.reserve("order-1", [a_line(mug, 5)]).reservation
    assert service.reserve("order-1", [a_line(mug, 5)]).reservation == first


def test_a_second_reserve_is_told_how_long_ago_the_first_one_was(
    shop: InMemoryShop, service: ReservationService, clock: ManualClock
) -> None:
    (mug,) = stocked(shop, 5)
    assert service.reserve("order-1", [a_line(mug)]).seconds_ago is None
    assert service.reserve("order-1", [a_line(mug)]).seconds_ago == 0
    clock.now += timedelta(seconds=19.9)
    assert service.reserve("order-1", [a_line(mug)]).seconds_ago == 19


def test_the_same_reserve_twice_at_once_holds_once(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)
    twins: list[Hold] = []
    shop.rivals = [lambda: twins.append(service.reserve("order-1", [a_line(mug, 5)]))]
    twins.append(service.reserve("order-1", [a_line(mug, 5)]))
    assert twins[0].reservation == twins[1].reservation
    assert [twin.seconds_ago for twin in twins] == [None, 0]
    assert units(shop, mug) == (0, 5)


@pytest.mark.parametrize("withdrawn", [False, True], ids=["none left", "withdrawn"])
def test_a_twin_that_holds_between_two_reads_is_not_taken_for_a_lack_of_stock(
    shop: InMemoryShop, clock: ManualClock, withdrawn: bool
) -> None:
    (mug,) = stocked(shop, 5)
    twin = ReservationService(InMemoryReservations(shop), clock=lambda: clock.now)

    def look_up(
        order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        before, _ = shop.look_up(order_id, product_ids)
        twin.reserve(order_id, [a_line(mug, 5)])
        if withdrawn:
            shop.products[mug.id] = replace(shop.products[mug.id], is_active=False)
        return before, shop.look_up(order_id, product_ids)[1]

    # A batch is no snapshot: the reservation is read before the twin's holding, the stock after it.
    reservations = InMemoryReservations(shop)
    reservations.look_up = look_up
    late = ReservationService(reservations, clock=lambda: clock.now)
    assert late.reserve("order-1", [a_line(mug, 5)]) == Hold(shop.reservations["order-1"], 0)


def test_a_price_that_changes_meanwhile_is_quoted_again(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)

    def raise_price() -> None:
        now = shop.products[mug.id]
        shop.products[mug.id] = now.changed({"price_minor": now.price_minor + 1}, at=LATER)

    shop.rivals = [raise_price, raise_price]
    held = service.reserve("order-1", [a_line(mug)]).reservation
    assert [line.unit_price_minor for line in held.lines] == [1102]


def test_the_last_one_goes_to_whoever_is_first(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 1)

    def be_first() -> None:
        service.reserve("order-2", [a_line(mug)])

    shop.rivals = [be_first]
    with pytest.raises(OutOfStock) as refused:
        service.reserve("order-1", [a_line(mug)])
    assert refused.value.data["available"] == 0
    assert units(shop, mug) == (0, 1)


def test_what_is_confirmed_is_sold_once(shop: InMemoryShop, service: ReservationService) -> None:
    (mug,) = stocked(shop, 5)
    service.reserve("order-1", [a_line(mug, 2)])
    service.confirm("order-1")
    service.confirm("order-1")
    assert units(shop, mug) == (3, 2)


def test_nothing_is_confirmed_that_was_not_held(service: ReservationService) -> None:
    with pytest.raises(ReservationEnded):
        service.confirm("order-1")


@pytest.mark.parametrize("sold", [True, False])
def test_what_is_released_comes_back_once(
    shop: InMemoryShop, service: ReservationService, sold: bool
) -> None:
    (mug,) = stocked(shop, 5)
    service.reserve("order-1", [a_line(mug, 2)])
    if sold:
        service.confirm("order-1")
    service.release("order-1")
    service.release("order-1")
    assert units(shop, mug) == (5, 0)
    with pytest.raises(ReservationEnded):
        service.confirm("order-1")
    with pytest.raises(ReservationEnded):
        service.reserve("order-1", [a_line(mug, 2)])


def test_a_reserve_after_its_release_holds_nothing(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)
    service.release("order-1")
    with pytest.raises(ReservationEnded):
        service.reserve("order-1", [a_line(mug)])
    assert units(shop, mug) == (5, 0)


def test_a_release_between_quote_and_hold_wins(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)
    shop.rivals = [lambda: service.release("order-1")]
    with pytest.raises(ReservationEnded):
        service.reserve("order-1", [a_line(mug)])
    assert units(shop, mug) == (5, 0)


def test_a_confirmation_that_comes_between_is_released_too(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)
    service.reserve("order-1", [a_line(mug, 2)])
    shop.rivals = [lambda: service.confirm("order-1")]
    service.release("order-1")
    assert units(shop, mug) == (5, 0)


def test_only_what_is_held_too_long_is_given_back(
    shop: InMemoryShop, service: ReservationService, clock: ManualClock
) -> None:
    (mug,) = stocked(shop, 9)
    service.reserve("expired", [a_line(mug, 1)])
    service.reserve("confirmed", [a_line(mug, 2)])
    service.confirm("confirmed")
    clock.now += timedelta(minutes=10)
    service.reserve("fresh", [a_line(mug, 3)])
    assert service.release_expired(a_deadline()) == 0
    clock.now += timedelta(minutes=6)
    assert service.release_expired(a_deadline()) == 1
    assert units(shop, mug) == (4, 5)
    assert service.release_expired(a_deadline()) == 0


def test_an_expired_reservation_that_is_still_held_can_be_confirmed(
    shop: InMemoryShop, service: ReservationService, clock: ManualClock
) -> None:
    (mug,) = stocked(shop, 5)
    service.reserve("order-1", [a_line(mug, 2)])
    clock.now += timedelta(hours=1)
    service.confirm("order-1")
    assert service.release_expired(a_deadline()) == 0
    assert units(shop, mug) == (3, 2)


def test_a_sale_at_the_last_moment_is_not_undone_by_the_sweeper(
    shop: InMemoryShop, service: ReservationService, clock: ManualClock
) -> None:
    (mug,) = stocked(shop, 5)
    service.reserve("order-1", [a_line(mug, 2)])
    clock.now += timedelta(hours=1)
    shop.rivals = [lambda: service.confirm("order-1")]
    assert service.release_expired(a_deadline()) == 0
    assert units(shop, mug) == (3, 2)


def test_a_stale_index_does_not_undo_a_sale(shop: InMemoryShop, clock: ManualClock) -> None:
    (mug,) = stocked(shop, 5)
    reservations = InMemoryReservations(shop)
    service = ReservationService(reservations, clock=lambda: clock.now)
    service.reserve("order-1", [a_line(mug, 2)])
    service.confirm("order-1")
    reservations.due = lambda at: iter(["order-1", "never-seen"])
    clock.now += timedelta(hours=1)
    assert service.release_expired(a_deadline()) == 0
    assert units(shop, mug) == (3, 2)


def test_a_broken_reservation_does_not_keep_others_from_coming_back(
    shop: InMemoryShop,
    service: ReservationService,
    clock: ManualClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mug, tray = stocked(shop, 5, 5)
    service.reserve("broken", [a_line(mug, 2)])
    service.reserve("order-1", [a_line(tray, 2)])
    shop.products[mug.id] = mug
    clock.now += timedelta(hours=1)
    # What other tests have counted.
    metrics.flush()
    assert service.release_expired(a_deadline()) == 1
    metrics.flush()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["ReservationsBroken"] == [1]
    assert units(shop, tray) == (5, 0)
    assert shop.reservations["broken"].state == "held"


def test_the_sweep_ends_before_its_time_is_up(
    shop: InMemoryShop, service: ReservationService, clock: ManualClock
) -> None:
    (mug,) = stocked(shop, 9)
    for number in range(9):
        service.reserve(f"order-{number}", [a_line(mug)])
        clock.now += timedelta(seconds=1)
    clock.now += timedelta(hours=1)
    # Each look at the clock is five seconds later than the one before.
    left = iter(range(30, 0, -5))
    assert service.release_expired(Deadline(lambda: next(left))) == 4
    released = [id_ for id_, kept in shop.reservations.items() if kept.state == "released"]
    assert released == [f"order-{number}" for number in range(4)]


def test_who_is_overtaken_for_ever_gives_up(
    shop: InMemoryShop, service: ReservationService
) -> None:
    (mug,) = stocked(shop, 5)

    def raise_price() -> None:
        now = shop.products[mug.id]
        shop.products[mug.id] = now.changed({"price_minor": now.price_minor + 1}, at=LATER)
        shop.rivals.append(raise_price)

    shop.rivals = [raise_price]
    with pytest.raises(ServiceUnavailable):
        service.reserve("order-1", [Line(product_id=mug.id, quantity=1)])

"""The decisions of reservations."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest

from products.catalogue.models import Product
from products.catalogue.repository.items import product_key
from products.reservations.models import Hold, Reservation
from products.reservations.ports import Due
from products.reservations.repository import DynamoReservations
from products.reservations.service import ReservationService
from shared.calls.deadline import Deadline
from shared.contracts.inventory import OutOfStock, PriceChanged, ReservationEnded, UnknownProduct
from shared.errors import ServiceUnavailable
from shared.runtime import metrics
from tests.products.builders import NOW, a_line, a_product
from tests.products.conftest import Stores
from tests.support.clock import ManualClock
from tests.support.context import a_deadline


class Case:
    """Five mugs and two trays, and the service of their reservations."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.clock = ManualClock(NOW)
        self.service = ReservationService(stores.reservations, clock=self.clock)
        self.mug = self.add(5)
        self.tray = self.add(2)

    def add(self, available: int) -> Product:
        product = a_product(available=available)
        self.stores.add(product)
        return product

    def units(self, product: Product) -> tuple[int, int]:
        return self.stores.units(product)

    def state(self, order_id: str) -> str | None:
        found = self.stores.reservations.find(order_id)
        return found.state if found else None

    def raise_price(self) -> None:
        """A concurrent change of the mug's price."""
        price = self.stores.current(self.mug).price_minor
        self.stores.change(self.mug, {"price_minor": price + 1})


@pytest.fixture
def case(stores: Stores) -> Case:
    return Case(stores)


def test_reserve_prices_and_holds_each_product_once(case: Case) -> None:
    lines = [a_line(case.mug, 3), a_line(case.tray, 1), a_line(case.tray, 1)]
    held = case.service.reserve("order-1", lines).reservation
    assert held.lines == (case.mug.priced(3), case.tray.priced(2))
    assert (case.units(case.mug), case.units(case.tray)) == ((2, 3), (0, 2))


@pytest.mark.parametrize("is_withdrawn", [True, False])
def test_reserve_raises_when_a_product_is_not_on_sale(case: Case, is_withdrawn: bool) -> None:
    gone = a_product(is_active=False, available=0)
    if is_withdrawn:
        case.stores.add(gone)
    with pytest.raises(UnknownProduct) as raised:
        case.service.reserve("order-1", [a_line(case.mug), a_line(gone)])
    assert raised.value.data == {"product_id": gone.id}


def test_reserve_raises_when_units_are_missing(case: Case) -> None:
    lines = [a_line(case.mug, 3), a_line(case.tray, 1), a_line(case.tray, 2)]
    with pytest.raises(OutOfStock) as raised:
        case.service.reserve("order-1", lines)
    assert raised.value.data == {"product_id": case.tray.id, "requested": 3, "available": 2}
    assert case.state("order-1") is None


def test_reserve_holds_nothing_at_a_price_that_was_not_expected(case: Case) -> None:
    lines = [a_line(case.mug, 3), a_line(case.tray, 1)]
    told = 3 * case.mug.price_minor + case.tray.price_minor
    case.raise_price()
    with pytest.raises(PriceChanged):
        case.service.reserve("order-1", lines, expected_total_minor=told)
    assert case.state("order-1") is None


def test_repeated_reserve_returns_the_first_reservation_and_its_age(case: Case) -> None:
    first = case.service.reserve("order-1", [a_line(case.mug, 5)])
    assert first.seconds_ago is None
    case.raise_price()
    assert case.service.reserve("order-1", [a_line(case.mug, 5)]) == replace(first, seconds_ago=0)
    case.clock.advance(seconds=19.9)
    case.service.confirm("order-1")
    again = case.service.reserve("order-1", [a_line(case.mug, 5)])
    assert (again.reservation.lines, again.seconds_ago) == (first.reservation.lines, 19)
    assert case.units(case.mug) == (0, 5)


def test_concurrent_reserves_of_one_order_hold_once(case: Case) -> None:
    twins: list[Hold] = []
    case.stores.before_transaction(
        lambda: twins.append(case.service.reserve("order-1", [a_line(case.mug, 5)]))
    )
    twins.append(case.service.reserve("order-1", [a_line(case.mug, 5)]))
    assert twins[0].reservation == twins[1].reservation
    assert [twin.seconds_ago for twin in twins] == [None, 0]
    assert case.units(case.mug) == (0, 5)


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_reserve_finds_the_reservation_of_a_twin_between_its_reads(
    case: Case, is_withdrawn: bool
) -> None:
    class LateReservations(DynamoReservations):
        """Reads the reservation before the twin, and the stock after it: a batch is no snapshot."""

        def look_up(
            self, order_id: str, product_ids: Iterable[str]
        ) -> tuple[Reservation | None, Mapping[str, Product]]:
            before, _ = super().look_up(order_id, product_ids)
            case.service.reserve(order_id, [a_line(case.mug, 5)])
            if is_withdrawn:
                case.stores.change(case.mug, {"is_active": False})
            return before, super().look_up(order_id, product_ids)[1]

    late = ReservationService(LateReservations(case.stores.table), clock=case.clock)
    hold = late.reserve("order-1", [a_line(case.mug, 5)])
    assert (hold.reservation, hold.seconds_ago) == (case.stores.reservations.find("order-1"), 0)


def test_reserve_takes_the_new_price_when_it_changes_and_gives_up_in_the_end(case: Case) -> None:
    case.stores.before_transaction(case.raise_price, case.raise_price)
    held = case.service.reserve("order-1", [a_line(case.mug)]).reservation
    assert [line.unit_price_minor for line in held.lines] == [1102]
    case.stores.before_transaction(*[case.raise_price] * 99)
    with pytest.raises(ServiceUnavailable):
        case.service.reserve("order-2", [a_line(case.mug)])


def test_confirm_sells_once_and_only_what_is_held(case: Case) -> None:
    with pytest.raises(ReservationEnded):
        case.service.confirm("order-1")
    case.service.reserve("order-1", [a_line(case.mug, 2)])
    case.service.confirm("order-1")
    case.service.confirm("order-1")
    assert case.units(case.mug) == (3, 2)


@pytest.mark.parametrize("steps", ["release", "reserve release", "reserve confirm release"])
def test_release_makes_units_available_once_and_for_all(case: Case, steps: str) -> None:
    commands: dict[str, Callable[[], object]] = {
        "reserve": lambda: case.service.reserve("order-1", [a_line(case.mug, 2)]),
        "confirm": lambda: case.service.confirm("order-1"),
        "release": lambda: case.service.release("order-1"),
    }
    for step in (*steps.split(), "release"):
        commands[step]()
    for step in ("confirm", "reserve"):
        with pytest.raises(ReservationEnded):
            commands[step]()
    assert case.units(case.mug) == (5, 0)


def test_give_back_makes_units_available_once_for_each_key(case: Case) -> None:
    case.service.reserve("order-1", [a_line(case.mug, 4), a_line(case.tray, 2)])
    case.service.confirm("order-1")
    for key in ("refund-1", "refund-1", "refund-2", "refund-1"):
        case.service.give_back("order-1", [a_line(case.mug, 1), a_line(case.tray, 1)], key=key)
    assert (case.units(case.mug), case.units(case.tray)) == ((3, 2), (2, 0))
    assert case.state("order-1") == "confirmed"
    case.service.release("order-1")
    assert (case.units(case.mug), case.units(case.tray)) == ((5, 0), (2, 0))


def test_give_back_leaves_out_what_the_order_does_not_have(case: Case) -> None:
    case.service.give_back("never-held", [a_line(case.mug, 1)], key="refund-1")
    case.service.reserve("order-1", [a_line(case.mug, 2)])
    case.service.confirm("order-1")
    case.service.give_back("order-1", [a_line(case.mug, 3), a_line(case.tray, 1)], key="refund-1")
    case.service.give_back("order-1", [a_line(case.mug, 1)], key="refund-2")
    assert (case.units(case.mug), case.units(case.tray)) == ((5, 0), (2, 0))
    case.service.reserve("released", [a_line(case.mug, 2)])
    case.service.release("released")
    case.service.give_back("released", [a_line(case.mug, 1)], key="refund-1")
    assert case.units(case.mug) == (5, 0)


@pytest.mark.parametrize("rival", ["release", "give_back"])
@pytest.mark.parametrize("step", ["release", "give_back"])
def test_units_are_available_once_when_steps_meet(case: Case, step: str, rival: str) -> None:
    case.service.reserve("order-1", [a_line(case.mug, 4)])
    case.service.confirm("order-1")
    case.service.give_back("order-1", [a_line(case.mug, 1)], key="refund-0")

    def do(name: str, key: str) -> None:
        if name == "release":
            case.service.release("order-1")
        else:
            case.service.give_back("order-1", [a_line(case.mug, 1)], key=key)

    case.stores.before_transaction(lambda: do(rival, "refund-1"))
    do(step, "refund-2")
    left = 0 if "release" in (step, rival) else 1
    assert case.units(case.mug) == (5 - left, left)


def test_release_leaves_out_what_a_first_give_back_has_made_available(case: Case) -> None:
    case.service.reserve("order-1", [a_line(case.mug, 4)])
    case.service.confirm("order-1")
    case.stores.before_transaction(
        lambda: case.service.give_back("order-1", [a_line(case.mug, 1)], key="refund-1")
    )
    case.service.release("order-1")
    assert case.units(case.mug) == (5, 0)


def test_release_wins_against_a_concurrent_reserve_or_confirm(case: Case) -> None:
    case.stores.before_transaction(lambda: case.service.release("order-1"))
    with pytest.raises(ReservationEnded):
        case.service.reserve("order-1", [a_line(case.mug)])
    case.service.reserve("order-2", [a_line(case.mug, 2)])
    case.stores.before_transaction(lambda: case.service.confirm("order-2"))
    case.service.release("order-2")
    assert case.units(case.mug) == (5, 0)


def test_sweep_releases_only_what_is_expired(case: Case) -> None:
    mug = case.add(9)
    case.service.reserve("expired", [a_line(mug, 1)])
    case.service.reserve("confirmed", [a_line(mug, 2)])
    case.service.confirm("confirmed")
    case.clock.advance(minutes=10)
    case.service.reserve("fresh", [a_line(mug, 3)])
    assert list(case.stores.reservations.due(case.clock())) == []
    assert case.service.release_expired(a_deadline()) == 0
    case.clock.advance(minutes=6)
    assert case.service.release_expired(a_deadline()) == 1
    assert case.units(mug) == (4, 5)
    assert case.service.release_expired(a_deadline()) == 0


@pytest.mark.parametrize("is_concurrent", [False, True])
def test_sweep_leaves_a_sale_that_was_confirmed_after_its_expiry(
    case: Case, is_concurrent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.service.reserve("order-1", [a_line(case.mug, 2)])
    case.clock.advance(hours=1)
    if is_concurrent:
        case.stores.before_transaction(lambda: case.service.confirm("order-1"))
    else:
        case.service.confirm("order-1")
        # The index may be behind.
        monkeypatch.setattr(
            case.stores.reservations,
            "due",
            lambda at: iter([Due("RESERVATION", "order-1"), Due("RESERVATION", "never-seen")]),
        )
    assert case.service.release_expired(a_deadline()) == 0
    assert case.units(case.mug) == (3, 2)


def test_sweep_continues_after_a_broken_reservation(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.service.reserve("broken", [a_line(case.mug, 2)])
    case.service.reserve("order-1", [a_line(case.tray, 2)])
    case.stores.table.update(product_key(case.mug.id), "SET #taken = :none", values={"none": 0})
    case.clock.advance(hours=1)
    metrics.flush()  # what other tests have counted
    assert case.service.release_expired(a_deadline()) == 1
    metrics.flush()
    counted = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert counted["ReservationsBroken"] == [1]
    assert case.units(case.tray) == (2, 0)
    assert case.state("broken") == "held"


def test_sweep_ends_before_its_deadline(case: Case) -> None:
    mug = case.add(9)
    for number in range(9):
        case.service.reserve(f"order-{number}", [a_line(mug)])
        case.clock.advance(seconds=1)
    case.clock.advance(hours=1)
    # Five seconds pass between two looks at the deadline.
    left = iter(range(30, 0, -5))
    assert case.service.release_expired(Deadline(lambda: next(left))) == 4
    states = [case.state(f"order-{number}") for number in range(9)]
    assert states == ["released"] * 4 + ["held"] * 5

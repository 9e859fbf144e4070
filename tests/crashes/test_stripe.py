"""A shop that is paid through Stripe: its functions may die at any request to Stripe, and Stripe
may fail in any way. Nothing is charged twice, nothing for a cancelled order, and every order ends.

The Stripe is in memory and passes the suite of all providers.
"""

import itertools
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest

from tests.crashes import matrix
from tests.crashes.matrix import Play
from tests.crashes.scenarios import SCENARIOS
from tests.simulation.faults import Call
from tests.simulation.shop import SimulatedShop, opened
from tests.simulation.stripe import PAYMENTS, paid_through_stripe
from tests.support.invariants import breaches
from tests.support.memory_stripe import OPERATIONS, Faults, StripeFault

type Say = Callable[[str], None]

_PATHS: Final = ("order", "cancel", "refund", "return", "sweep: payment")
_PAID: Final = tuple(one for one in SCENARIOS if one.name.startswith(_PATHS))
# The number of requests that fail; None: all for a quarter of an hour.
_LENGTHS: Final = (1, 3, None)
_OUTAGE: Final = timedelta(minutes=15)
_KEY_IS_KEPT: Final = timedelta(hours=25)
_PAIRS: Final = 3000


@dataclass(frozen=True)
class Trouble:
    """Faults of some operations; "" stands for all of them."""

    faults: Mapping[str, StripeFault]
    requests: int | None

    def __str__(self) -> str:
        faults = "; ".join(f"{name or 'any'}: {fault.value}" for name, fault in self.faults.items())
        return f"[{faults}, for {self.requests or 'minutes'}]"

    def begin(self, now: float) -> dict[str, Faults]:
        until = float("inf") if self.requests else now + _OUTAGE.total_seconds()
        requests = self.requests or float("inf")
        return {name: Faults(fault, requests, until) for name, fault in self.faults.items()}


@dataclass
class Record:
    """What was played."""

    played: int = 0
    met: int = 0
    broken: list[str] = field(default_factory=list)

    def play(self, play: Play, trouble: Trouble) -> None:
        """Play a scenario with Stripe in trouble, and judge what became of it."""
        shop = play.shop
        assert shop.stripe
        play.restore()
        faults = shop.stripe.faults = trouble.begin(shop.cloud.now())
        found = list(_breaches(play, trouble))
        self.played += 1
        self.met += any(one.met for one in faults.values())
        if found:
            self.broken.append(f"{play.scenario.name} {trouble} → {' / '.join(found)}")


def _breaches(play: Play, trouble: Trouble) -> Iterator[str]:
    shop, scenario = play.shop, play.scenario
    try:
        scenario.act(shop, play.state)
        if trouble.faults.get("refund", trouble.faults.get("")) in (
            StripeFault.KEPT,
            StripeFault.KEPT_DONE,
        ):
            # A refund of a part waits for its key.
            with suppress(AssertionError):
                shop.come_to_rest()
            shop.pass_time(_KEY_IS_KEPT)
        shop.come_to_rest()
    except AssertionError as failure:
        yield f"{failure} {failure.__cause__ or ''}"
        return
    books = shop.books()
    yield from breaches(books, shop.witness)
    if trouble.requests:
        for order in books.orders.values():
            # It cancels no order.
            if scenario.ends and order["status"] not in scenario.ends:
                yield f"the order ended {order['status']} ({order.get('cancel_reason')})"


@pytest.fixture(scope="module")
def opened_shop() -> Iterator[tuple[SimulatedShop, Callable[[], None]]]:
    with opened() as shop, paid_through_stripe(shop):
        yield shop, shop.remember()


@pytest.fixture(autouse=True, scope="module")
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def plays(
    shop: SimulatedShop, opened_shop: tuple[SimulatedShop, Callable[[], None]]
) -> Iterable[Play]:
    """The scenarios, each prepared when its turn comes."""

    def prepared() -> Iterator[Play]:
        for scenario in _PAID:
            opened_shop[1]()
            yield Play(shop, scenario)

    return prepared()


def judge(say: Say, title: str, record: Record) -> None:
    """Print what was played, and fail with what broke a promise."""
    say(
        f"{title}: {record.played} points, {record.met} of which met a fault,"
        f" {len(record.broken)} broke a promise"
    )
    assert not record.broken, "\n".join(record.broken)


@pytest.mark.timeout(600)
def test_promises_hold_when_a_function_fails_at_a_request_to_stripe(
    plays: Iterable[Play], say: Say
) -> None:
    record, known = Record(), set[Call]()
    for play in plays:
        calls = play.record()
        known |= {call for call in calls if call.service != PAYMENTS}
        for point in play.run_all(matrix.sample(calls, known)):
            record.played += 1
            record.met += bool(point.met)
            record.broken += [f"{play.scenario.name} {point}"] if point.breaches else []
    judge(say, "requests to Stripe", record)


@pytest.mark.timeout(600)
def test_promises_hold_when_stripe_fails(plays: Iterable[Play], say: Say) -> None:
    record = Record()
    turns = itertools.cycle(itertools.product(_LENGTHS, StripeFault))
    for play in plays:
        calls = {call.operation for call in play.record() if call.service == PAYMENTS}
        for operation in sorted(calls):
            for _ in range(3):
                requests, fault = next(turns)
                record.play(play, Trouble({operation: fault}, requests))
    judge(say, "faults of Stripe", record)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_promises_hold_when_stripe_fails_in_any_way(plays: Iterable[Play], say: Say) -> None:
    record = Record()
    for play in plays:
        for operation, fault, requests in itertools.product(OPERATIONS, StripeFault, _LENGTHS):
            record.play(play, Trouble({operation: fault}, requests))
    judge(say, "faults of Stripe", record)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_promises_hold_when_stripe_fails_in_two_ways(plays: Iterable[Play], say: Say) -> None:
    record, chance = Record(), random.Random(0)
    pairs = list(itertools.combinations(filter(None, OPERATIONS), 2))
    for play in plays:
        for _ in range(_PAIRS // len(_PAID)):
            faults = {name: chance.choice(list(StripeFault)) for name in chance.choice(pairs)}
            record.play(play, Trouble(faults, chance.choice(_LENGTHS)))
    judge(say, "two faults of Stripe", record)

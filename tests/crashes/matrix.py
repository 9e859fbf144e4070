"""The crash matrix: a scenario's AWS calls are written down once, then it is played again for each
call and each mode.

A point is a plan, which says what happens to which calls, by their number. Afterwards the shop
comes to rest and every invariant is checked. There is no list of calls: new code is covered without
a change here.
"""

import gc
import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final

from tests.crashes.scenarios import Scenario, State
from tests.simulation.faults import Call, Mode
from tests.simulation.shop import SimulatedShop
from tests.support.books import Books
from tests.support.invariants import DOUBLED, breaches

type Plan = Mapping[int, Mode]

PROCESSES: Final = 2
# A call that is not reached is one that is throttled, as far as what is stored goes.
SINGLE: Final = tuple(mode for mode in Mode if mode not in (Mode.ZOMBIES_WAKE, Mode.UNREACHABLE))
DEATHS: Final = (Mode.DIES_BEFORE, Mode.DIES_AFTER)
_HANDING_OVER: Final = "SendEmail"
_MAILING: Final = "NotificationsWorker"


@dataclass(frozen=True)
class Point:
    """What one plan came to.

    `met` are the calls that its faults met; `calls` those of the scenario and, after them, of the
    shop's coming to rest.
    """

    plan: Plan
    met: Mapping[int, tuple[Call, Mode]]
    calls: tuple[Call, ...]
    acted: int
    breaches: tuple[str, ...]
    doubled_in_window: int = 0

    def __str__(self) -> str:
        faults = "; ".join(
            f"call {n}, {call}: {mode.value}" for n, (call, mode) in self.met.items()
        )
        return f"[{faults}] → {' / '.join(self.breaches)}"


@dataclass
class Play:
    """A scenario on a shop that is ready for it."""

    shop: SimulatedShop
    scenario: Scenario
    state: State = field(default_factory=dict)
    restore: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.state = self.scenario.prepare(self.shop)
        self.restore = self.shop.remember()

    def run(self, plan: Plan) -> Point:
        """Play it under a plan, let the shop come to rest, and ask the invariants."""
        shop = self.shop
        self.restore()
        shop.wire.plan = plan
        acted = rested = 0
        try:
            self.scenario.act(self.shop, self.state)
            acted = len(shop.wire.calls)
            shop.come_to_rest()
            rested = len(shop.wire.calls)
            if shop.wake_zombies():
                shop.come_to_rest()
            if shop.redrive():
                shop.come_to_rest()
            books = shop.books()
            broken = [*breaches(books, self.shop.witness), *self._wrong_end(books)]
        except AssertionError as failure:
            broken = [f"{failure} {failure.__cause__ or ''}"]
            shop.wake_zombies()
        met = dict(shop.wire.met)
        # The one place where the design promises less: see docs/reliability.md, "E-mails". Each
        # fault excuses one e-mail.
        excused = sum(
            _is_in_window(number, shop.wire.calls, mode) for number, (_, mode) in met.items()
        )
        doubled = [breach for breach in broken if breach.startswith(DOUBLED)]
        others = [breach for breach in broken if not breach.startswith(DOUBLED)]
        return Point(
            plan,
            met,
            tuple(shop.wire.calls[:rested]),
            acted,
            (*others, *doubled[excused:]),
            len(doubled[:excused]),
        )

    def _wrong_end(self, books: Books) -> Iterator[str]:
        for order in books.orders.values():
            if self.scenario.ends and order["status"] not in self.scenario.ends:
                yield f"the order ended {order['status']}, wanted {self.scenario.ends}"

    def record(self) -> tuple[Call, ...]:
        """The calls of the scenario when nothing happens to it; there is no point to a matrix if it
        fails then."""
        undisturbed = self.run({})
        assert not undisturbed.breaches, undisturbed.breaches
        return undisturbed.calls[: undisturbed.acted]

    def run_all(self, plans: Iterable[Plan]) -> Iterator[Point]:
        """Play it under each of the plans, on all cores; processes are forked from this one, shop
        and all."""
        with get_context("fork").Pool(PROCESSES, initializer=_take, initargs=(self,)) as pool:
            yield from pool.imap_unordered(_run, plans, chunksize=4)


_taken: list[Play] = []


def _take(play: Play) -> None:
    _taken[:] = [play]
    # The output of a thousand plays is not needed, and the objects made before them are not
    # garbage.
    logging.disable(logging.CRITICAL)
    sys.stdout = io.StringIO()
    gc.freeze()


def _run(plan: Plan) -> Point:
    return _taken[0].run(plan)


def _is_in_window(number: int, calls: Sequence[Call], mode: Mode) -> bool:
    """Whether a fault fell between the provider's taking an e-mail and our note of it, the call
    after that."""
    if calls[number].function != _MAILING:
        return False
    if calls[number].operation == _HANDING_OVER:
        return mode in (Mode.DIES_AFTER, Mode.ANSWER_LOST, Mode.STALLS)
    before = [call.operation for call in calls[:number] if call.function == _MAILING][-1:]
    return before == [_HANDING_OVER] and mode in (Mode.DIES_BEFORE, Mode.THROTTLED, Mode.STALLS)


def singles(calls: tuple[Call, ...]) -> list[Plan]:
    """Every call in every mode that suits it."""
    return [{n: mode} for n, call in enumerate(calls) for mode in SINGLE if mode.suits(call)]


def sample(calls: tuple[Call, ...], known: set[Call]) -> list[Plan]:
    """Every call unlike the known ones: the process dies after it, and two other modes, which take
    turns."""
    plans: list[Plan] = []
    for n, call in enumerate(calls):
        if call in known:
            continue
        modes = [mode for mode in SINGLE if mode.suits(call) and mode is not Mode.DIES_AFTER]
        turn = 2 * len(known)
        chosen = {Mode.DIES_AFTER, *(modes[(turn + i) % len(modes)] for i in (0, 1))}
        plans += [{n: mode} for mode in sorted(chosen, key=lambda mode: mode.name)]
        known.add(call)
    return plans


def pairs(first: Point) -> list[Plan]:
    """Every second crash after a first one: at each call that is made from there on until the shop
    is at rest."""
    [number] = first.plan
    return [
        {**first.plan, later: mode}
        for later in range(number + 1, len(first.calls))
        for mode in DEATHS
    ]


def zombies(first: Point) -> list[Plan]:
    """A function that stalled at a call resumes before each later call of the others."""
    [number] = first.plan
    return [
        {**first.plan, later: Mode.ZOMBIES_WAKE} for later in range(number + 1, len(first.calls))
    ]


def unmet(points: Iterable[Point]) -> list[Point]:
    """Those whose faults did not all happen."""
    return [point for point in points if point.met.keys() != point.plan.keys()]

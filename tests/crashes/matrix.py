"""The crash matrix: a scenario's AWS calls are written down once, then it is played again for each
call and each mode.

A point is a plan, which says what happens to which calls, by their number. Afterwards the shop
comes to rest and every invariant is checked. There is no list of calls: new code is covered without
a change here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.crashes.scenarios import Scenario, State
from tests.simulation.faults import Call, Mode
from tests.simulation.shop import SimulatedShop
from tests.support.books import Books
from tests.support.invariants import DOUBLED, breaches

type Plan = Mapping[int, Mode]

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

    def __str__(self) -> str:
        faults = "; ".join(
            f"call {n}, {call}: {mode.value}" for n, (call, mode) in self.met.items()
        )
        return f"[{faults}] → {' / '.join(self.breaches)}"


@dataclass
class Play:
    """A scenario on a shop that is prepared for it."""

    shop: SimulatedShop
    scenario: Scenario
    state: State = field(init=False)
    restore: Callable[[], None] = field(init=False)

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
            self.scenario.act(shop, self.state)
            acted = len(shop.wire.calls)
            shop.come_to_rest()
            rested = len(shop.wire.calls)
            if shop.wake_zombies():
                shop.come_to_rest()
            if shop.redrive():
                shop.come_to_rest()
            books = shop.books()
            broken = [*breaches(books, shop.witness), *self._wrong_end(books)]
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
        calls = tuple(shop.wire.calls[:rested])
        return Point(plan, met, calls, acted, (*others, *doubled[excused:]))

    def _wrong_end(self, books: Books) -> Iterator[str]:
        for order in books.orders.values():
            if self.scenario.ends and order["status"] not in self.scenario.ends:
                yield f"the order ended {order['status']}, wanted {self.scenario.ends}"

    def run_all(self, plans: Iterable[Plan]) -> list[Point]:
        """Play it under each of the plans."""
        return [self.run(plan) for plan in plans]

    def record(self) -> tuple[Call, ...]:
        """The calls of the scenario when nothing happens to it; there is no point to a matrix if it
        fails then."""
        undisturbed = self.run({})
        assert not undisturbed.breaches, undisturbed.breaches
        return undisturbed.calls[: undisturbed.acted]


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
    """Every call unlike the known ones: the process dies after it, and another mode, which take
    turns."""
    plans: list[Plan] = []
    for n, call in enumerate(calls):
        if call not in known:
            modes = [mode for mode in SINGLE if mode.suits(call) and mode is not Mode.DIES_AFTER]
            plans += [{n: Mode.DIES_AFTER}, {n: modes[len(known) % len(modes)]}]
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

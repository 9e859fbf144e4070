"""The outage matrix: the calls of the shop under steady load are recorded once, then each operation
has outages, in each way. There is no list of calls: new code is covered without a change here.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.outages.judge import Judge
from tests.outages.load import Load
from tests.simulation.faults import Fault, Outage, Target

type Plan = Mapping[Target, Sequence[Fault]]

MINUTES: Final = (1, 5, 60)
# Longer than a stream keeps its records.
DAY_MINUTES: Final = 25 * 60
_BRINGING: Final = ("GetRecords", "ReceiveMessage")
_ORDERS_BEFORE: Final = 2
_ORDERS_MEANWHILE: Final = 7
_ORDERS_AFTER: Final = 2
_STEP_SECONDS: Final = 10
# Until every reservation and every deadline has passed.
_LONG_ENOUGH_SECONDS: Final = 17 * 60
# After that no alarm rings any more. Alarms look at the last few minutes.
_ALARMS_SECONDS: Final = 10 * 60
_LOOK_SECONDS: Final = 6 * 60
_LONGEST_DRAIN_SECONDS: Final = 3 * 3600
# Which length is whose turn in a sample: one of ten outages is long.
_TURNS: Final = (0, 1, 0, 1, 0, 1, 2, 0, 1, 0)
# While nothing happens, one tick of the sweepers in so many is enough.
_SLOWER: Final = 10
_HOUR_SECONDS: Final = 3600


@dataclass(frozen=True)
class Cell:
    """One outage."""

    target: Target
    fault: Fault
    minutes: int

    def __str__(self) -> str:
        return f"{self.target} {self.fault.value} for {self.minutes} min"


@dataclass(frozen=True)
class Result:
    """What one outage came to."""

    cell: Cell
    breaches: tuple[str, ...]
    drained_seconds: float = 0

    def __str__(self) -> str:
        more = f" (and {len(self.breaches) - 3} more)" if len(self.breaches) > 3 else ""
        return f"[{self.cell}] → {' / '.join(self.breaches[:3])}{more}"


def recorded(load: Load) -> Plan:
    """What the shop calls under the load, and what may be wrong with it."""
    wire = load.shop.wire
    wire.called.clear()
    wire.eventual.clear()
    begin = load.shop.timeline.now
    _play(load, begin, begin + 60)
    load.shop.come_to_rest()
    found = sorted(wire.called, key=str)
    load.renew()
    # Forks have none of this process's threads.
    load.shop.timeline.end_threads()
    return {target: _faults(target, is_eventual=target in wire.eventual) for target in found}


def _faults(target: Target, *, is_eventual: bool) -> list[Fault]:
    if target.operation in _BRINGING:
        # Nothing is delivered, whatever the reason.
        return [Fault.HANGS]
    return [fault for fault in Fault if is_eventual or fault is not Fault.STALE]


def _lengths(target: Target) -> tuple[int, ...]:
    return (DAY_MINUTES, *MINUTES) if target.service == "stream" else MINUTES


def cells(plan: Plan) -> list[Cell]:
    """Every target in every way that suits it, for each length."""
    return [
        Cell(target, fault, minutes)
        for target, faults in plan.items()
        for fault in faults
        for minutes in _lengths(target)
    ]


def sample(plan: Plan) -> list[Cell]:
    """Each target once: its faults and lengths take turns."""
    chosen: list[Cell] = []
    turns: defaultdict[tuple[int, ...], Iterator[int]] = defaultdict(itertools.count)
    for target, faults in plan.items():
        lengths = _lengths(target)
        turn = next(turns[lengths])
        length = lengths[_TURNS[turn % len(_TURNS)]]
        chosen.append(Cell(target, faults[turn % len(faults)], length))
    return chosen


def play(load: Load, cell: Cell) -> Result:
    """Play an outage and judge what became of it."""
    shop = load.shop
    shop.forked()
    begin = shop.timeline.now + 60
    end = begin + 60 * cell.minutes
    outage = Outage(cell.target, cell.fault, begin, end)
    shop.wire.begin(outage)
    try:
        _play(load, begin, end)
        drained_at = _drained_at(load, end)
        calm = max(shop.timeline.now + _ALARMS_SECONDS, end + _LONG_ENOUGH_SECONDS)
        shop.pace = _SLOWER
        shop.run_until(calm - _LOOK_SECONDS)
        shop.pace = 1
        shop.run_until(calm)
        given_up = load.redrive()
        judge = Judge(load, outage, shop.books(), drained_at, given_up)
        return Result(cell, tuple(judge.breaches()), (drained_at or shop.timeline.now) - end)
    except BaseException as failure:  # noqa: BLE001  # the simulation's own come so, too
        return Result(cell, (f"{type(failure).__name__}: {failure} {failure.__cause__ or ''}",))


def _play(load: Load, begin: float, end: float) -> None:
    """The load before, during and shortly after an outage."""
    shop = load.shop
    load.spread(begin - 50, begin, _ORDERS_BEFORE)
    load.spread(end, end + 20, _ORDERS_AFTER)
    if end - begin <= _HOUR_SECONDS:
        load.spread(begin, end, _ORDERS_MEANWHILE)
        load.erase_at(begin + (end - begin) * 0.6)
    else:
        # Load in the first hour and the last one, and none in between.
        load.spread(begin, begin + _HOUR_SECONDS / 2, _ORDERS_MEANWHILE // 2)
        load.erase_at(begin + _HOUR_SECONDS / 2)
        shop.run_until(begin + _HOUR_SECONDS)
        shop.pace = _SLOWER
        shop.run_until(end - _HOUR_SECONDS)
        shop.pace = 1
        load.spread(end - _HOUR_SECONDS / 2, end, _ORDERS_MEANWHILE // 2)
    shop.run_until(end + 20)


def _drained_at(load: Load, end: float) -> float | None:
    while load.shop.timeline.now < end + _LONGEST_DRAIN_SECONDS:
        if load.is_everything_done():
            return load.shop.timeline.now
        load.shop.run_until(load.shop.timeline.now + _STEP_SECONDS)
    return None

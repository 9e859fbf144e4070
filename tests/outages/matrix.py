"""The outage matrix: the calls of the shop under steady load are recorded once, then each operation
has outages, in each way. There is no list of calls: new code is covered without a change here.
"""

import gc
import itertools
import logging
import os
import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from tests.outages.judge import Judge
from tests.outages.load import Load
from tests.simulation.faults import Fault, Outage, Target

type Plan = Mapping[Target, Sequence[Fault]]

PROCESSES: Final = 2
MINUTES: Final = (1, 5, 60)
# Longer than a stream keeps its records.
DAY_MINUTES: Final = 25 * 60
_BRINGING: Final = ("GetRecords", "ReceiveMessage")
_ORDERS_BEFORE: Final = 3
_ORDERS_MEANWHILE: Final = 10
_ORDERS_AFTER: Final = 3
_STEP_SECONDS: Final = 10
# Until every reservation and every deadline has passed.
_LONG_ENOUGH_SECONDS: Final = 17 * 60
# After that no alarm rings any more.
_ALARMS_SECONDS: Final = 10 * 60
_LONGEST_DRAIN_SECONDS: Final = 3 * 3600
# Which length is whose turn: of five outages in a sample one is long.
_TURNS: Final = (0, 1, 2, 0, 1)
_SLOWER: Final = 30
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
    orders: int
    drained_seconds: float | None
    killed: int
    rang: tuple[str, ...]
    seconds: float

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
        length = lengths[_TURNS[turn % len(_TURNS)] % len(lengths)]
        chosen.append(Cell(target, faults[turn % len(faults)], length))
    return chosen


def run(load: Load, cell: Cell) -> Result:
    """Play an outage and judge what became of it."""
    shop = load.shop
    begin = shop.timeline.now + 60
    end = begin + 60 * cell.minutes
    outage = Outage(cell.target, cell.fault, begin, end)
    shop.wire.begin(outage)
    cpu = os.times()
    _play(load, begin, end)
    drained_at = _drained_at(load, end)
    calm = shop.timeline.now + _ALARMS_SECONDS
    shop.run_until(max(calm, end + _LONG_ENOUGH_SECONDS))
    given_up = load.redrive()
    books = shop.books()
    broken = [*Judge(load, outage, books, drained_at, given_up).breaches()]
    now = os.times()
    return Result(
        cell,
        tuple(broken),
        len(books.orders),
        None if drained_at is None else drained_at - end,
        len(shop.killed),
        tuple(sorted(load.watch.ringing(begin))),
        now.user + now.system - cpu.user - cpu.system,
    )


def _play(load: Load, begin: float, end: float) -> None:
    """The load before, during and shortly after an outage."""
    shop = load.shop
    load.spread(begin - 50, begin, _ORDERS_BEFORE)
    load.spread(end, end + 20, _ORDERS_AFTER)
    if end - begin <= _HOUR_SECONDS:
        load.spread(begin, end, _ORDERS_MEANWHILE)
        load.erase_at(begin + (end - begin) * 0.6)
    else:
        # Load in the first hour and the last one. In between there is none, and one tick in so many
        # is enough.
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


def run_all(load: Load, chosen: Iterable[Cell]) -> Iterator[Result]:
    """Play each of them in a process of its own, forked from this one, shop and all; as many at
    once as there are cores."""
    load.shop.timeline.end_threads()
    with get_context("fork").Pool(PROCESSES, initializer=_take, initargs=(load,)) as pool:
        yield from pool.imap_unordered(_run, chosen, chunksize=1)


_taken: list[Load] = []


def _take(load: Load) -> None:
    _taken[:] = [load]
    # The output of a thousand plays is not needed, and the objects made before them are not
    # garbage.
    logging.disable(logging.CRITICAL)
    gc.freeze()


def _run(cell: Cell) -> Result:
    """In a fork of a fork: nothing has to be brought back to how it was."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            _taken[0].shop.forked()
            found: Result | BaseException = run(_taken[0], cell)
        except BaseException as failure:  # noqa: BLE001  # raised by the parent
            found = Result(
                cell,
                (f"{type(failure).__name__}: {failure} {failure.__cause__ or ''}",),
                0,
                None,
                0,
                (),
                0,
            )
        with os.fdopen(theirs, "wb") as pipe:
            pickle.dump(found, pipe)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        result: Result = pickle.load(pipe)
    os.waitpid(child, 0)
    return result

"""What several stock items of one product would give in a flash sale: an analysis, without the
shop's code.

Buyers arrive at a rate and each takes a unit in a transaction that holds one of the items. A
transaction is as in the simulated rush; one that meets another, or finds no capacity, is tried
again as `shared.storage.dynamodb` does.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Final

from bench.report import Table
from tests.costs.keys import PARTITION_WRITES

RATE: Final = 5000
ITEMS: Final = (1, 8, 16, 32, 64, 128, 256)
_SECONDS: Final = 2.0
_WINDOW: Final = 0.05
_UNITS: Final = 2  # of a transaction's write of an item up to 1 KB
_HELD_SECONDS: Final = 0.012
_ATTEMPTS: Final = 8
# How long an environment is busy with a request, the time of retries apart.
_REQUEST_SECONDS: Final = 0.03

# From the number of items, the environment's item and whether that one was refused, to the next.
type Choice = Callable[[int, int, bool], int]


def _at_random(items: int, home: int, is_refused: bool) -> int:
    return random.randrange(items)  # no secret


def _at_home(items: int, home: int, is_refused: bool) -> int:
    return random.randrange(items) if is_refused else home  # no secret


def table() -> Table:
    """The share of buyers who are served, and their latencies."""
    ways: dict[str, Choice] = {"random": _at_random, "home, moves when refused": _at_home}
    rows = []
    for items in ITEMS:
        row = [str(items), f"{min(RATE, items * PARTITION_WRITES / _UNITS):,.0f}"]
        for choice in ways.values():
            served, tries, waited = _sale(items, choice)
            row += [f"{served:.1%}", f"{tries:.2f}", f"{waited * 1000:.0f}"]
        rows.append(tuple(row))
    each = ("served", "attempts", "p99 ms")
    columns = ("stock items", "by capacity", *(f"{way}: {one}" for way in ways for one in each))
    note = f"{RATE:,} buyers a second of one product for {_SECONDS:g} s."
    return Table("Several stock items of one product", columns, tuple(rows), note)


def _sale(items: int, choice: Choice) -> tuple[float, float, float]:
    """The share of buyers served, their mean number of attempts, and the 99th percentile of the
    time of a transaction with its retries."""
    random.seed(items)
    order = itertools.count()
    coming: list[tuple[float, int, float, int, int]] = []
    when = 0.0
    while when < _SECONDS:
        when += random.expovariate(RATE)
        heapq.heappush(coming, (when, next(order), when, 0, -1))
    buyers, waits, attempts = len(coming), [], 0
    free_at = [0.0] * items
    left, seen = [PARTITION_WRITES * _WINDOW] * items, [0.0] * items
    homes: list[int] = []
    idle: list[tuple[float, int]] = []
    while coming:
        now, _, begun, tries, environment = heapq.heappop(coming)
        if environment < 0:
            if idle and idle[0][0] <= now:
                environment = heapq.heappop(idle)[1]
            else:
                environment = len(homes)
                homes.append(random.randrange(items))
        item = homes[environment] = choice(items, homes[environment], tries > 0)
        attempts += 1
        full = PARTITION_WRITES * _WINDOW
        left[item] = min(full, left[item] + (now - seen[item]) * PARTITION_WRITES)
        seen[item] = now
        has_room, is_free = left[item] > 0, free_at[item] <= now
        if has_room:
            # A transaction that meets another is charged as well.
            left[item] -= _UNITS
        held = _HELD_SECONDS * random.uniform(0.7, 1.5)
        if has_room and is_free:
            free_at[item] = now + held
            waits.append(now + held - begun)
            heapq.heappush(idle, (now + held + _REQUEST_SECONDS, environment))
        elif tries + 1 == _ATTEMPTS:
            heapq.heappush(idle, (now + _REQUEST_SECONDS, environment))
        else:
            pause = random.uniform(0, min(0.4, 0.01 * 2 ** (tries + 1)))
            again = (now + 0.005 + pause, next(order), begun, tries + 1, environment)
            heapq.heappush(coming, again)
    waits.sort()
    return len(waits) / buyers, attempts / buyers, waits[int(len(waits) * 0.99)]

"""The instructions of a function by cachegrind: unlike times, nearly the same on every run."""

import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from bench.environment import Environment
from bench.subjects import Subject
from tools.progress import Problem

_CACHEGRIND: Final = (
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=no",
    "--cachegrind-out-file=/dev/null",
)
_COUNTED: Final = re.compile(r"I\s+refs:\s+([\d,]+)")


@dataclass(frozen=True)
class Run:
    """What a function does while its instructions are counted: it starts, answers what it is asked
    first, and then so many times another event."""

    first: Subject
    then: Subject | None = None
    times: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """The same for runs with the same count: tokens in events differ, and do not matter."""
        then = self.then.asks if self.then else ""
        return self.first.name, self.first.asks, then, str(self.times)


# Two sections need the first answer.
_counts: dict[tuple[str, ...], int] = {}


def count(run: Run, endpoint: str) -> int:
    """Instructions in user space from the process's start to the end of the last request."""
    if run.key in _counts:
        return _counts[run.key]
    with Environment(run.first, endpoint, under=_CACHEGRIND, hash_seed="0") as environment:
        environment.until_ready()
        environment.answer()
        for _ in range(run.times):
            environment.answer(run.then)
        # Ended by a signal, valgrind prints its count, without Python's own shutdown.
        environment.end()
        found = _COUNTED.search(log := environment.log())
    assert found, log
    _counts[run.key] = int(found[1].replace(",", ""))
    return _counts[run.key]


def count_all(runs: Sequence[Run], endpoint: str) -> list[int]:
    """The counts of several, two at a time.

    Raises:
        Problem: valgrind is missing.
    """
    if shutil.which("valgrind") is None:
        raise Problem("valgrind is missing, which counts instructions: install it, then try again.")
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda run: count(run, endpoint), runs))

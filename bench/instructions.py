"""The instructions of a function by cachegrind: unlike times, nearly the same on every run."""

import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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


def count(subject: Subject, endpoint: str, *, requests: int = 0) -> int:
    """Instructions in user space from the process's start to the end of so many requests."""
    with Environment(subject, endpoint, under=_CACHEGRIND, hash_seed="0") as environment:
        environment.until_ready()
        for _ in range(requests):
            environment.answer()
        # Ended by a signal, valgrind prints its count, without Python's own shutdown.
        environment.end()
        found = _COUNTED.search(log := environment.log())
    assert found, log
    return int(found[1].replace(",", ""))


def count_all(asked: Sequence[tuple[Subject, int]], endpoint: str) -> list[int]:
    """The counts of several, each with its number of requests; two at a time.

    Raises:
        Problem: valgrind is missing.
    """
    if shutil.which("valgrind") is None:
        raise Problem("valgrind is missing, which counts instructions: install it, then try again.")
    with ThreadPoolExecutor(2) as pool:
        counts = [
            pool.submit(count, subject, endpoint, requests=requests) for subject, requests in asked
        ]
        return [one.result() for one in counts]

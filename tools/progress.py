"""What the tools print while they work: one aligned line for each step, with its time.

Standard library only and old Pythons too: it runs before any environment exists.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH = 26


def end_as_by_ctrl_c() -> None:
    """Have a terminal that closes, and `kill`, end this program as Ctrl-C does.

    SIGINT too: a shell that starts a process in the background has it ignore that.
    """

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


class Problem(Exception):
    """What a person can put right: its text says what to do, and nothing else is printed."""


class Step:
    """A step under way; a note says why it took no time."""

    def __init__(self) -> None:
        self.text = ""

    def note(self, text: str) -> None:
        self.text = text


@contextlib.contextmanager
def step(name: str) -> Iterator[Step]:
    """Print `▸ name … 3.2 s` round the work inside; a failure ends the line with a cross."""
    started = time.monotonic()
    current = Step()
    print(f"▸ {name + ' …':<{WIDTH}}", end="", flush=True)
    try:
        yield current
    except BaseException:
        print("    ✗", flush=True)
        raise
    took = f"{time.monotonic() - started:5.1f} s"
    print(f"{took}  ({current.text})" if current.text else took, flush=True)


def exit_code(run: Callable[[], bool | None]) -> int:
    """Run a command, and print the sentence of a Problem: 0, or 1 where it failed or returned
    False."""
    try:
        return 1 if run() is False else 0
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130

"""The steps of the request or message being worked on, and how long each took. They are in the line
that is logged at its end, where `make order` and `make request` find them:

    "ms": 214.18, "steps": ["confirm 103", "authorize 58", "capture 41 PaymentUnavailable"]
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_observers: list[Callable[[str], Callable[[str], None]]] = []
# When it began, and its steps so far.
_work: ContextVar[tuple[float, list[str]] | None] = ContextVar("work", default=None)


def begin() -> None:
    """Forget the steps of the last request or message."""
    _work.set((time.perf_counter(), []))


def observe(begin: Callable[[str], Callable[[str], None]]) -> None:
    """Have `begin` called with the name of each step; what it returns is called at the end of the
    step, with the class of its error or an empty text."""
    _observers.append(begin)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Time a step, and note the class of the error that it raises."""
    ends = [begin(name) for begin in _observers]
    started = time.perf_counter()
    error = ""
    try:
        yield
    except Exception as cause:
        error = type(cause).__name__
        raise
    finally:
        _note(name, time.perf_counter() - started, error)
        for end in ends:
            end(error)


def skipped(name: str, reason: str) -> None:
    """Note a step that was not made, and why."""
    _note(name, 0, reason)


def logged() -> dict[str, object]:
    """The keys of the line at the end."""
    work = _work.get()
    if work is None:
        return {}
    started, made = work
    keys: dict[str, object] = {"ms": round((time.perf_counter() - started) * 1000, 2)}
    return keys | {"steps": made} if made else keys


def _note(name: str, seconds: float, error: str) -> None:
    if work := _work.get():
        work[1].append(f"{name} {seconds * 1000:.0f} {error}".rstrip())

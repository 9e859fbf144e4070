"""Environments with clocks of their own, the store that they share, and a service that replies as a
test says."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.calls.breaker import CircuitBreaker
from shared.calls.circuit_store import (
    BackoffStore,
    Circuit,
    CircuitStore,
    Outdated,
    Stored,
    Unreachable,
)
from shared.calls.internal import CallFailed, CallThrottled
from shared.errors import Conflict, ServiceUnavailable

CIRCUIT = "service"
IN_A_ROW = 5
RECOVERY = 30
FRESH = 5  # seconds for which an environment trusts what it has read
# Far fewer than in production, so that in a short history too a store that recovered is called
# again.
BACKOFF_CALLS = 6

type Reply = Literal["answers", "fails", "refuses", "throttles", "raises", "dies"]
type Outcome = Literal["answered", "failed", "refused", "raised", "dead"]
type Fault = Literal["", "down", "loses answers", "writes late"]


class Bug(Exception):
    """A fault of the caller's own, which says nothing of the service."""


class Death(BaseException):
    """The environment ends: no handler of an exception runs."""


@dataclass
class Time:
    """The true time, in seconds."""

    seconds: float = 1_800_000_000.0


class Connection:
    """One environment's connection to the store, which may be broken."""

    def __init__(self, store: CircuitStore) -> None:
        self.fault: Fault = ""
        self.reads = 0
        self._late_writes: list[Callable[[], object]] = []
        self._store = store

    def read(self, name: str) -> Stored | None:
        self.reads += 1
        return self._attempt(lambda: self._store.read(name))

    def write(self, name: str, circuit: Circuit, *, over: str | None) -> str:
        def write() -> str:
            return self._store.write(name, circuit, over=over)

        if self.fault == "writes late":
            self._late_writes.append(write)
        return self._attempt(write)

    def deliver_late_writes(self) -> None:
        while self._late_writes:
            with suppress(Outdated):
                self._late_writes.pop(0)()

    def _attempt[R](self, operation: Callable[[], R]) -> R:
        if not self.fault:
            return operation()
        if self.fault == "loses answers":
            with suppress(Outdated):
                operation()
        raise Unreachable


class Environment:
    """A Lambda environment: its breaker, its clock, its connection to the store."""

    def __init__(self, store: CircuitStore, time: Time) -> None:
        self._time = time
        self.connection = Connection(store)
        self.breaker = CircuitBreaker(
            CIRCUIT,
            BackoffStore(self.connection, monotonic=self._monotonic, calls=BACKOFF_CALLS),
            now=self.now,
            monotonic=self._monotonic,
        )
        self.retry_after = 0  # of the last call that failed

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time.seconds, UTC)

    def _monotonic(self) -> float:
        return self._time.seconds

    def call(self, service: Callable[[], Reply]) -> Outcome:
        """Call the service. What it does before it replies happens while the call is under way."""
        try:
            self.breaker.call(lambda: _reply(service()))
        except ServiceUnavailable as unavailable:
            self.retry_after = unavailable.retry_after
            return "failed"
        except Conflict:
            return "refused"
        except Bug:
            return "raised"
        except Death:
            return "dead"
        return "answered"


def _reply(reply: Reply) -> None:
    match reply:
        case "fails":
            raise CallFailed("it is down")
        case "throttles":
            raise CallThrottled("no capacity")
        case "refuses":
            raise Conflict
        case "raises":
            raise Bug
        case "dies":
            raise Death

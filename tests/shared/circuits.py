"""Environments with clocks of their own, the store that they share, and a service that does as it is told."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import Literal

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord

from shared.calls.breaker import CircuitBreaker
from shared.calls.breaker.store import CircuitStore, LeftAlone, Outdated, Stored, Unreachable
from shared.calls.internal import CallFailed, CallThrottled
from shared.errors import Conflict, ServiceUnavailable

CIRCUIT = "service"
IN_A_ROW = 5
RECOVERY = 30
# Far fewer than in earnest, so that in a short history too a store that healed is asked again.
CALLS_LEFT_ALONE = 6

type Reply = Literal["answers", "fails", "refuses", "throttled", "breaks us", "kills us"]
type Outcome = Literal["asked", "answered", "failed", "refused", "broken", "dead"]
type Fault = Literal["", "down", "loses answers", "writes late"]


class Broken(Exception):
    """A fault of our own, which says nothing of the service."""


class Killed(BaseException):
    """The environment is gone: no handler of an exception runs."""


@dataclass
class Time:
    """The true time, in seconds."""

    seconds: float = 1_800_000_000.0


class InMemoryCircuits:
    """A store for environments of one process."""

    def __init__(self) -> None:
        self._stored: dict[str, Stored] = {}

    def read(self, name: str) -> Stored | None:
        return self._stored.get(name)

    def write(self, record: CircuitStateRecord, *, over: str | None) -> str:
        there = self._stored.get(record.name)
        if over != (there.fence if there else None):
            raise Outdated(there)
        fence = uuid.uuid4().hex
        self._stored[record.name] = Stored(replace(record), fence)
        return fence

    def state(self) -> CircuitState:
        there = self._stored.get(CIRCUIT)
        return there.record.state if there else CircuitState.CLOSED


class Line:
    """One environment's way to the store, which may be broken."""

    def __init__(self, store: CircuitStore, time: Time) -> None:
        self.fault: Fault = ""
        self.failures = 0  # in a row
        self.failed_since: float | None = None
        self.heard_at = 0.0
        self._under_way: list[Callable[[], object]] = []
        self._store = store
        self._time = time

    def read(self, name: str) -> Stored | None:
        return self._ask(lambda: self._store.read(name))

    def write(self, record: CircuitStateRecord, *, over: str | None) -> str:
        copy = replace(record)

        def write() -> str:
            return self._store.write(copy, over=over)

        if self.fault == "writes late":
            self._under_way.append(write)
        return self._ask(write)

    def deliver(self) -> None:
        """What is under way arrives at last, and is done if it still may be."""
        while self._under_way:
            with suppress(Outdated):
                self._under_way.pop(0)()

    def _ask[R](self, question: Callable[[], R]) -> R:
        if not self.fault:
            self.failures, self.failed_since = 0, None
            self.heard_at = self._time.seconds
            return question()
        if not self.failures:
            self.failed_since = self._time.seconds
        self.failures += 1
        if self.fault == "loses answers":
            with suppress(Outdated):
                question()
        raise Unreachable


class Environment:
    """A Lambda environment: its breaker, its clock, its line to the store."""

    def __init__(self, store: CircuitStore, time: Time, *, skew: float = 0) -> None:
        self._time = time
        self._skew = skew
        self.line = Line(store, time)
        self.breaker = CircuitBreaker(
            CIRCUIT,
            LeftAlone(self.line, clock=self._monotonic, calls=CALLS_LEFT_ALONE),
            now=self.now,
            monotonic=self._monotonic,
        )
        self.retry_after = 0  # what the last client that was not served was told

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time.seconds + self._skew, UTC)

    def _monotonic(self) -> float:
        return self._time.seconds

    def call(self, service: Callable[[], Reply]) -> Outcome:
        """A call to its end; whatever a caller should not see is raised."""
        try:
            self.breaker.call(lambda: _do(service()))
        except ServiceUnavailable as unavailable:
            self.retry_after = unavailable.retry_after
            return "failed"
        except Conflict:
            return "refused"
        except Broken:
            return "broken"
        except Killed:
            return "dead"
        return "answered"


class CallUnderWay:
    """A call that waits for its reply while others go on; `outcome` is "asked", or what came of it at once.

    It runs in a thread of its own, but never while anything else runs.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._replies = SimpleQueue[Reply]()
        self._outcomes = SimpleQueue[Outcome | BaseException]()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self.outcome = self._next_outcome()

    def end(self, reply: Reply) -> Outcome:
        self._replies.put(reply)
        return self._next_outcome()

    def _next_outcome(self) -> Outcome:
        outcome = self._outcomes.get(timeout=10)
        if outcome != "asked":
            self._thread.join()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _run(self) -> None:
        try:
            self._outcomes.put(self._environment.call(self._service))
        except BaseException as raised:  # noqa: BLE001  # raised again where the test can see it
            self._outcomes.put(raised)

    def _service(self) -> Reply:
        self._outcomes.put("asked")
        return self._replies.get()


def _do(reply: Reply) -> None:
    match reply:
        case "fails":
            raise CallFailed("it is down")
        case "throttled":
            raise CallThrottled("no capacity")
        case "refuses":
            raise Conflict
        case "breaks us":
            raise Broken
        case "kills us":
            raise Killed

"""Where all environments share circuits' states: items of a table, each written on the condition of
what its writer read."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.errors import OwnError
from shared.runtime import clock, logging, metrics
from shared.storage.dynamodb import ConditionFailed, Item, Table

_PARTITION = "CIRCUITS"
# Longer than a circuit is open, so that only circuits without calls expire.
_KEPT_SECONDS = 3600

_READ_TOGETHER_SECONDS = 1

# A store that failed is not called for so long; an environment under load would otherwise wait for
# it at every call.
_BACKOFF_SECONDS = 5
# Time alone would not do where calls are rare: one in five seconds would always be the one that
# waits. So after its second failure in a row the store is not called for so many calls either. With
# two circuits that is one request in 125, so that the 99th percentile of requests does not see the
# store's time-outs, whatever the traffic.
_BACKOFF_CALLS = 250


class CircuitState(StrEnum):
    """Whether calls are made: all (closed), none (open), or one to probe (half open)."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True)
class Circuit:
    """The state of a circuit. Times are whole seconds since 1970.

    Attributes:
        opened_at: when it opened, unless it is closed.
        probe_owner: the environment that may probe a half-open circuit, until `lease_until`.
    """

    state: CircuitState = CircuitState.CLOSED
    opened_at: int | None = None
    probe_owner: str | None = None
    lease_until: int | None = None


@dataclass(frozen=True)
class Stored:
    """A circuit as it is in the store. Every write gives it another fence, which the next writer
    has to know."""

    circuit: Circuit
    fence: str | None


class Unreachable(OwnError):
    """The store failed, or is not called because it failed lately. A write may have been done all
    the same."""


class Outdated(OwnError):
    """Another environment has written since; `stored` is the circuit as it is now, None for
    nothing."""

    def __init__(self, stored: Stored | None) -> None:
        super().__init__("another environment has changed the circuit since")
        self.stored = stored


class CircuitStore(Protocol):
    """What all environments share. Both methods raise `Unreachable`."""

    def read(self, name: str) -> Stored | None:
        """The circuit, None where none was ever written."""

    def write(self, name: str, circuit: Circuit, *, over: str | None) -> str:
        """Write the circuit and return its fence.

        Args:
            over: the fence that the writer knows, None for no circuit.

        Raises:
            Outdated: the stored circuit has another fence; nothing was written.
        """


class DynamoCircuits:
    """Circuits as items of a service's table. All are read at once: a request that uses several
    circuits waits for one read."""

    def __init__(
        self,
        table: Table,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: clock.Clock = clock.now,
    ) -> None:
        self._table = table
        self._monotonic = monotonic
        self._now = now
        self._items: dict[str, Item] = {}
        self._returned: set[str] = set()  # the circuits that were returned since the last read
        self._fresh_until = float("-inf")

    def read(self, name: str) -> Stored | None:
        if name in self._returned or self._monotonic() >= self._fresh_until:
            try:
                # A stale read costs less and does no harm: the write that follows is fenced.
                page = self._table.query("#pk = :pk", {"pk": _PARTITION})
            except Exception as cause:
                # Whatever is wrong with the store, the breaker does without it rather than fail a
                # call.
                raise Unreachable from cause
            self._items = {item["sk"]: item for item in page.items}
            self._returned, self._fresh_until = set(), self._monotonic() + _READ_TOGETHER_SECONDS
        self._returned.add(name)
        return _stored(self._items.get(name))

    def write(self, name: str, circuit: Circuit, *, over: str | None) -> str:
        self._fresh_until = float("-inf")
        fence = uuid.uuid4().hex
        # Earlier releases, which share the table during a deployment, read these names.
        item = {
            "pk": _PARTITION,
            "sk": name,
            "state": str(circuit.state),
            "opened_at": circuit.opened_at,
            "half_open_owner": circuit.probe_owner,
            "probe_lease_expiry": circuit.lease_until,
            "fence": fence,
            "ttl": clock.epoch(self._now()) + _KEPT_SECONDS,
        }
        try:
            self._table.put(
                {name: value for name, value in item.items() if value is not None},
                condition="#fence = :over" if over else "attribute_not_exists(#fence)",
                values={"over": over} if over else {},
            )
        except ConditionFailed as cause:
            raise Outdated(_stored(cause.item)) from cause
        except Exception as cause:
            raise Unreachable from cause
        return fence


class BackoffStore:
    """A store that is not called for a while after it failed, so that few calls wait for its
    time-outs."""

    def __init__(
        self,
        store: CircuitStore,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        calls: int = _BACKOFF_CALLS,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._calls = calls
        self._failures = 0  # in a row
        self._retry_at = 0.0
        self._calls_to_skip = 0

    def read(self, name: str) -> Stored | None:
        return self._attempt(lambda: self._store.read(name))

    def write(self, name: str, circuit: Circuit, *, over: str | None) -> str:
        return self._attempt(lambda: self._store.write(name, circuit, over=over))

    def _attempt[R](self, operation: Callable[[], R]) -> R:
        if self._failures:
            self._calls_to_skip -= 1
            if self._calls_to_skip >= 0 or self._monotonic() < self._retry_at:
                raise Unreachable
        failures, self._failures = self._failures, 0
        try:
            return operation()
        except Unreachable as failed:
            self._failures = failures + 1
            self._retry_at = self._monotonic() + _BACKOFF_SECONDS
            self._calls_to_skip = self._calls if failures else 0
            logging.logger().warning("the store of circuits failed: %r", failed.__cause__)
            metrics.count("CircuitStoreFailures")
            raise


def _stored(item: Item | None) -> Stored | None:
    if item is None:
        return None
    try:
        circuit = Circuit(
            CircuitState(item["state"]),
            item.get("opened_at"),
            item.get("half_open_owner"),
            item.get("probe_lease_expiry"),
        )
    except (KeyError, ValueError) as cause:
        # Changed by hand.
        raise Unreachable from cause
    return Stored(circuit, item.get("fence"))

"""Where circuits' states are kept for all environments: items of a table, each written only over what its writer knew."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import OwnError
from shared.runtime import logging, metrics
from shared.storage.dynamodb import ConditionFailed, Item, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PARTITION = "CIRCUITS"

_SECONDS_TOGETHER = 1  # how long what was read together holds

# A store that failed is left alone for so long; an environment under load would otherwise wait for it at every call.
_SECONDS_LEFT_ALONE = 5
# Time alone would not do where calls are rare: one in five seconds would always be the one that waits. So a store that
# failed again is also left alone for so many calls. With two circuits that is one request in 125, so that the 99th
# percentile of requests does not see the store's time-outs, whatever the traffic.
_CALLS_LEFT_ALONE = 250


@dataclass(frozen=True)
class Stored:
    """A circuit's state as it is in the store; every write gives it another fence."""

    record: CircuitStateRecord
    fence: str | None


class Unreachable(OwnError):
    """The store did not answer, or was not asked because it did not lately. A write may have been done all the same."""


class Outdated(OwnError):
    """Another environment has written since; `stored` is what is there now, None for nothing."""

    def __init__(self, stored: Stored | None) -> None:
        super().__init__("another environment has changed the circuit since")
        self.stored = stored


class CircuitStore(Protocol):
    """What all environments share. Both methods raise `Unreachable`."""

    def read(self, name: str) -> Stored | None:
        """The circuit's state, None where none was ever written."""

    def write(self, record: CircuitStateRecord, *, over: str | None) -> str:
        """Write the state and return its fence.

        Args:
            over: the fence of what its writer knew, None for nothing.

        Raises:
            Outdated: that is not what is there; nothing was written.
        """


class DynamoCircuits:
    """Circuits as items of a service's table. All are read at once: a request goes through one after the other, and waits
    for the store once.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, table: Table, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._clock = clock
        self._items: dict[str, Item] = {}
        self._told: set[str] = set()  # whose state, as it was read, has been asked for
        self._read_at: float | None = None

    def read(self, name: str) -> Stored | None:
        if name in self._told or not self._is_just_read():
            self._read()
        self._told.add(name)
        return _stored(self._items.get(name))

    def _is_just_read(self) -> bool:
        return self._read_at is not None and self._clock() - self._read_at < _SECONDS_TOGETHER

    def _read(self) -> None:
        try:
            # What lags behind costs less and does no harm: what is written on its account is fenced.
            page = self._table.query("#pk = :pk", {"pk": _PARTITION})
        except (BotoCoreError, ClientError) as cause:
            raise Unreachable from cause
        self._items = {item["sk"]: item for item in page.items}
        self._told, self._read_at = set(), self._clock()

    def write(self, record: CircuitStateRecord, *, over: str | None) -> str:
        self._read_at = None
        fence = uuid.uuid4().hex
        condition, values = (
            ("attribute_not_exists(#fence)", {})
            if over is None
            else ("#fence = :over", {"over": over})
        )
        try:
            self._table.put(_item(record, fence), condition=condition, values=values)
        except ConditionFailed as cause:
            raise Outdated(_stored(cause.item)) from cause
        except (BotoCoreError, ClientError) as cause:
            raise Unreachable from cause
        return fence


class LeftAlone:
    """A store that is not asked for a while after it failed, so that few calls wait for its time-outs.

    Args:
        clock: seconds that never run backwards.
        calls: see `_CALLS_LEFT_ALONE`.
    """

    def __init__(
        self,
        store: CircuitStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        calls: int = _CALLS_LEFT_ALONE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._calls = calls
        self._failures = 0  # in a row
        self._asked_again_at = 0.0
        self._calls_to_go = 0

    def read(self, name: str) -> Stored | None:
        return self._ask(lambda: self._store.read(name))

    def write(self, record: CircuitStateRecord, *, over: str | None) -> str:
        return self._ask(lambda: self._store.write(record, over=over))

    def _ask[R](self, question: Callable[[], R]) -> R:
        if self._failures:
            self._calls_to_go -= 1
            if self._calls_to_go >= 0 or self._clock() < self._asked_again_at:
                raise Unreachable
        failures, self._failures = self._failures, 0
        try:
            return question()
        except Unreachable as failed:
            self._failures = failures + 1
            self._asked_again_at = self._clock() + _SECONDS_LEFT_ALONE
            self._calls_to_go = self._calls if failures else 0
            logging.logger().warning("the store of circuits failed: %r", failed.__cause__)
            metrics.count("CircuitStoreFailures")
            raise


def circuit_store(table_name: str, client: "DynamoDBClient") -> CircuitStore:
    """Circuits' states in a service's table, to be shared by all breakers of an environment.

    Args:
        client: with short time-outs and one attempt: each failure costs a call that much, and few calls pay it.
    """
    return LeftAlone(DynamoCircuits(Table(table_name, client)))


def _item(record: CircuitStateRecord, fence: str) -> Item:
    # Named as Powertools names them, but for the table's own key and time to live.
    item = {
        "pk": _PARTITION,
        "sk": record.name,
        "state": str(record.state),
        "failure_count": record.failure_count,
        "opened_at": record.opened_at,
        "half_open_owner": record.half_open_owner,
        "probe_lease_expiry": record.probe_lease_expiry,
        "fence": fence,
        "ttl": record.expiry_timestamp,
    }
    return {name: value for name, value in item.items() if value is not None}


def _stored(item: Item | None) -> Stored | None:
    if item is None:
        return None
    try:
        record = CircuitStateRecord(
            name=item["sk"],
            state=CircuitState(item["state"]),
            failure_count=item.get("failure_count", 0),
            opened_at=item.get("opened_at"),
            half_open_owner=item.get("half_open_owner"),
            probe_lease_expiry=item.get("probe_lease_expiry"),
        )
    except (KeyError, ValueError) as cause:
        # Somebody has changed it by hand. A breaker does without its store rather than fail a call.
        raise Unreachable from cause
    return Stored(record, item.get("fence"))

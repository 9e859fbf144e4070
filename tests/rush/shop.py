"""The timed shop on partitions with a capacity, where transactions take their time and meet.

All environments are warm, and Lambda has as many as are needed. Of what bounds a rush the shop has
the capacity of partitions, conflicts, KMS's quota for signatures, the lanes of streams and the
readers of queues. The other quotas of an account are in docs/scale.md.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self
from unittest.mock import patch

from botocore.retries.quota import RetryQuota

from tests.costs import keys
from tests.costs.keys import Key, Load, Loads
from tests.rush.partitions import WINDOW_SECONDS, Item, Partitions
from tests.simulation import expressions, timed
from tests.simulation.cloud import Message, Queue
from tests.simulation.faults import THROTTLING, TRANSACTION, Call
from tests.simulation.resources import STREAMS
from tests.simulation.tables import Key as ItemKey
from tests.simulation.tables import Partition, Table
from tests.simulation.timed import TimedShop
from tests.simulation.wire import current

_SINGLE_WRITES: Final = ("PutItem", "UpdateItem", "DeleteItem")
# The partitions that a new on-demand table has, by its warm throughput of 4,000 write units.
_FEWEST_PARTITIONS: Final = 4
# KMS's quota for signatures with elliptic curves, as many a second as a partition takes writes.
SIGN: Final = Key("KMS", "", "Sign")

type Answer = tuple[int, dict[str, str], bytes]


class RushShop(TimedShop):
    """A timed shop in which a partition refuses what exceeds its capacity.

    Args:
        shards: the template's parameter, for releases that have it.
        window: of what moment partitions keep the capacity that is left over, in seconds.

    Attributes:
        is_limited: whether anything is refused; not while a rush is prepared.
        taken: what functions have taken of each key since then.
        throttled: how many requests each key has refused, by its family.
        conflicts: how many requests met a transaction, by the family of its item's key.
        waits: how long a message of each queue has waited until it was received, at most.
        ages: how old a batch was at most that each relay was given.
    """

    def __init__(self, shards: int = 1, window: float = WINDOW_SECONDS) -> None:
        super().__init__()
        self.parameters["Shards"] = str(shards)
        self.cold_start_seconds = 0
        self.is_limited = False
        self.taken: Loads = {}
        self.throttled: Counter[Key] = Counter()
        self.conflicts: Counter[Key] = Counter()
        self.waits: dict[str, float] = {}
        self.ages: dict[str, float] = {}
        self._partitions = Partitions(window)
        self._at_once = self.cloud.answer
        self.cloud.answer = self._answered  # type: ignore[method-assign]  # between wire and cloud
        self.wire.latency = self._latency
        self.measure = self._measured
        tables = self.cloud.dynamodb.tables
        for name, table in tables.items():
            tables[name] = _QuickTable(table.definition)

    def __enter__(self) -> Self:
        super().__enter__()
        # Simulated environments share their clients. In Lambda each has its own, and with it a
        # quota of retries.
        self._open.enter_context(patch.object(RetryQuota, "acquire", lambda *_: True))
        # Retries end after seconds of the shop's time.
        self._open.enter_context(patch("time.monotonic", lambda: self.timeline.now))
        return self

    def read_queues(self, readers: Mapping[str, int]) -> None:
        """Let so many messages of each queue be handled at once."""
        for queue, number in readers.items():
            poller = self._pollers[queue]
            poller.worker = replace(poller.worker, concurrency=number)

    def grow_streams(self, writes: Mapping[str, float]) -> None:
        """Give each stream the lanes of a table that takes so many write units a second."""
        for stream in STREAMS:
            partitions = int(writes.get(stream.table, 0) / keys.PARTITION_WRITES) + 1
            self._lanes[stream.table] = [
                timed._Lane(stream, most=stream.batch_size)
                for _ in range(max(_FEWEST_PARTITIONS, partitions) * stream.lanes)
            ]

    def _answered(self, service: str, operation: str, path: str, body: bytes) -> Answer:
        invocation = current.get()
        if not self.is_limited or invocation is None or invocation.is_provider:
            return self._at_once(service, operation, path, body)
        wanted: Loads = {}
        items: list[Item] = []
        request: dict[str, Any] = json.loads(body) if service == "dynamodb" else {}
        if request:
            wanted = keys.loads(self.cloud.dynamodb, operation, request)
            items = self._written(operation, request)
        elif (service, operation) == ("kms", "Sign"):
            wanted = {SIGN: Load(1)}
        now = self.timeline.now
        if hot := self._partitions.exhausted(wanted, now):
            self.throttled.update({key.family for key in hot})
            if operation == "BatchGetItem":
                return self._read_in_part(request, set(hot))
            return _throttled(
                service, operation, [Key(table, "", pk) in hot for table, (pk, _) in items]
            )
        if met := self._partitions.conflicts(items):
            self.conflicts.update({Key(table, "", pk).family for table, (pk, _) in met})
            # It is charged all the same, except for indexes.
            self._take({key: load for key, load in wanted.items() if not key.index_name})
            return _conflict(operation, [item in met for item in items])
        self._take(wanted)
        if operation == TRANSACTION:
            self._partitions.held.update(items)
            try:
                self.timeline.sleep(sum(timed._latency(Call("", service, operation, ""))))
            finally:
                self._partitions.held.difference_update(items)
        return self._at_once(service, operation, path, body)

    def _read_in_part(self, request: dict[str, Any], hot: set[Key]) -> Answer:
        """The items whose partitions have room; the keys of the others are left unprocessed."""
        [(table, wanted)] = request["RequestItems"].items()
        parts: dict[bool, list[Any]] = {True: [], False: []}
        for key in wanted["Keys"]:
            parts[Key(table, "", key["pk"]["S"]) in hot].append(key)
        if not parts[False]:
            return _throttled("dynamodb", "BatchGetItem", [])
        read = {**request, "RequestItems": {table: {**wanted, "Keys": parts[False]}}}
        self._take(keys.loads(self.cloud.dynamodb, "BatchGetItem", read))
        status, headers, body = self._at_once(
            "dynamodb", "BatchGetItem", "/", json.dumps(read).encode()
        )
        left = {table: {**wanted, "Keys": parts[True]}}
        return status, headers, json.dumps({**json.loads(body), "UnprocessedKeys": left}).encode()

    def _take(self, wanted: Loads) -> None:
        self._partitions.take(wanted, self.timeline.now)
        for key, load in wanted.items():
            self.taken[key] = self.taken.get(key, Load()).plus(load)

    def _written(self, operation: str, request: Mapping[str, Any]) -> list[Item]:
        parts = [part for one in request.get("TransactItems", ()) for part in one.values()]
        parts += [request] if operation in _SINGLE_WRITES else []
        tables = self.cloud.dynamodb.tables
        return [
            (name, tables[name].key(part.get("Key") or part["Item"]))
            for part in parts
            for name in [part["TableName"]]
        ]

    def _latency(self, call: Call) -> tuple[float, float]:
        # A transaction takes its time where it holds its items, and a warm environment has the
        # public keys.
        is_no_wait = self.is_limited and call.operation in (TRANSACTION, "GetPublicKey")
        return (0, 0) if is_no_wait else timed._latency(call)

    def _measured(
        self, namespace: str, name: str, dimensions: dict[str, str], value: float, at: float
    ) -> None:
        if name == "IteratorAge":
            relay = dimensions["FunctionName"]
            self.ages[relay] = max(self.ages.get(relay, 0), value / 1000)

    def _received(self, source: Queue, message: Message) -> bool:
        if not message.received:
            [name] = [name for name, queue in self.cloud.queues.items() if queue is source]
            waited = self.timeline.now - message.visible_at
            self.waits[name] = max(self.waits.get(name, 0), waited)
        return super()._received(source, message)


def _throttled(service: str, operation: str, is_hot: Sequence[bool]) -> Answer:
    if operation == TRANSACTION:
        # Where an index is hot, none of the items' keys is.
        codes = ["ThrottlingError" if hot else "None" for hot in is_hot]
        return _cancelled(codes if any(is_hot) else ["ThrottlingError", *codes[1:]])
    code, status = THROTTLING[service]
    return _error(code, status)


def _conflict(operation: str, is_met: Sequence[bool]) -> Answer:
    if operation == TRANSACTION:
        return _cancelled(["TransactionConflict" if met else "None" for met in is_met])
    return _error("TransactionConflictException", 400)


def _cancelled(codes: Sequence[str]) -> Answer:
    reasons = [{"Code": code} for code in codes]
    return _error("TransactionCanceledException", 400, {"CancellationReasons": reasons})


def _error(code: str, status: int, more: Mapping[str, Any] | None = None) -> Answer:
    body = {"__type": code, "message": "refused", **(more or {})}
    return status, {"x-amzn-errortype": code}, json.dumps(body).encode()


@dataclass
class _QuickTable(Table):
    """A table that finds the items of a partition key without a look at all others."""

    partitions: dict[str, dict[ItemKey, expressions.Item]] = field(default_factory=dict)

    def change(self, key: ItemKey, after: expressions.Item | None, number: int) -> None:
        super().change(key, after, number)
        partition = self.partitions.setdefault(key[0], {})
        if after is None:
            partition.pop(key, None)
        else:
            partition[key] = after

    def partition(
        self, order: Sequence[str], value: Any, items: Mapping[ItemKey, expressions.Item]
    ) -> Partition:
        if order[0] == "pk" and items is self.items:
            items = self.partitions.get(value["S"], {})
        return super().partition(order, value, items)

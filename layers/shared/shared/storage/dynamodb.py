"""DynamoDB as the repositories use it: plain dicts in and out, conditions that name what failed.

An item that is written whole carries the version of its schema. Readers do not see the attribute,
and reading an item of a later version raises: a release does not misread what a later one wrote
(docs/evolving.md).

In an expression, `#word` means the attribute `word` and `:word` the value given under that name, so
that no reserved word needs care. Numbers are whole: Bodega stores no others, but an item of a later
release may.
"""

import random
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from shared.errors import Contended, OwnError, ServiceUnavailable
from shared.pages import Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]
type Key = dict[str, str]

_CONFLICT_ATTEMPTS = 8
_THROTTLED: Final = ("ProvisionedThroughputExceededException", "ThrottlingException")
_NAME: Final = re.compile(r"#(\w+)")
_SCHEMA: Final = "schema"


class ConditionFailed(OwnError):
    """A single write's condition did not hold; `item` is what was there, None for nothing."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class TransactionFailed(OwnError):
    """A transaction was cancelled. `failed` maps the place of each operation whose condition did
    not hold to the item that was there (None for nothing)."""

    def __init__(self, failed: Mapping[int, Item | None]) -> None:
        super().__init__(f"the conditions of operations {sorted(failed)} did not hold")
        self.failed = dict(failed)


class TransactionContended(Contended):
    """Other transactions held items for longer than the caller waits for them; `places` are those
    of its operations on them."""

    def __init__(self, places: Iterable[int]) -> None:
        super().__init__()
        self.places = frozenset(places)


class NewerSchema(ServiceUnavailable):
    """A later release wrote the item: only an environment of that release may read it."""

    def __init__(self) -> None:
        super().__init__("database", retry_after=5)


@dataclass(frozen=True)
class Put:
    item: Item
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Update:
    key: Key
    update: str
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delete:
    key: Key
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    key: Key
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)


type Operation = Put | Update | Delete | Check


@dataclass
class ReadUnits:
    """The read units that requests have used, as DynamoDB reports them, and their number."""

    used: float = 0
    calls: int = 0

    def count(self, *consumed: Mapping[str, Any]) -> None:
        """Add a response's ConsumedCapacity, of each table."""
        self.calls += 1
        self.used += sum(capacity.get("CapacityUnits", 0) for capacity in consumed)


_KINDS = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}


class _WholeNumbers(TypeDeserializer):
    def _deserialize_n(self, value: str) -> int | Decimal:
        try:
            return int(value)
        except ValueError:
            return Decimal(value)


_serialize: Final = TypeSerializer().serialize
_deserialize: Final = _WholeNumbers().deserialize


def assigning(names: Iterable[str]) -> str:
    """The SET clause that gives each attribute the value of its name."""
    return "SET " + ", ".join(f"#{name} = :{name}" for name in names)


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """A plain dict in DynamoDB's typed form."""
    return {name: _serialize(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> Item:
    """The plain dict of a typed item; also for a stream record's images."""
    return {name: _deserialize(value) for name, value in item.items()}


def expressions(values: Mapping[str, Any], **texts: str | None) -> dict[str, Any]:
    """The parameters of a request that carry these expressions, by their parameters' names, and
    these values."""
    wire: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if names := {name for text in wire.values() for name in _NAME.findall(text)}:
        wire["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        wire["ExpressionAttributeValues"] = {f":{n}": _serialize(v) for n, v in values.items()}
    return wire


class Table:
    """One service's table, keys `pk` and `sk`.

    Args:
        schema: the version of the items that this release writes, and the latest that it reads. An
            item without a version, as an update makes it and a projection shows it, has the first.
        shards: over how many partitions each key is spread that many writers share.

    Each method that shows an item raises `NewerSchema` for one of a later version.
    """

    def __init__(
        self, name: str, client: "DynamoDBClient", schema: int = 1, *, shards: int = 1
    ) -> None:
        self.name = name
        self.client = client
        self.shards = shards
        self._schema = schema

    def get(self, key: Key, *, only: Sequence[str] = ()) -> Item | None:
        """The item, None where there is none; with `only`, no more of it than these attributes."""
        wire = expressions({}, ProjectionExpression=_projection(only))
        answer = self.client.get_item(
            TableName=self.name, Key=to_wire(key), ConsistentRead=True, **wire
        )
        return self._read(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Sequence[Key], *, consistent: bool = False, only: Sequence[str] = ()
    ) -> list[Item]:
        """The items that exist of at most 100 keys, in no order; keys that DynamoDB skips are read
        again. With `only`, no more of them than these attributes."""
        how = expressions({}, ProjectionExpression=_projection(only))
        how["ConsistentRead"] = consistent
        found: list[Item] = []
        wanted: Any = [to_wire(key) for key in keys]
        for _ in _attempts() if keys else ():
            try:
                request: Any = {self.name: {"Keys": wanted, **how}}
                answer = self.client.batch_get_item(RequestItems=request)
            except ClientError as error:
                # If all keys that are left are throttled, they are not skipped but refused.
                if len(wanted) == len(keys) or error.response["Error"]["Code"] not in _THROTTLED:
                    raise
                continue
            found += [self._read(item) for item in answer["Responses"].get(self.name, [])]
            left = answer.get("UnprocessedKeys", {})
            wanted = left[self.name]["Keys"] if self.name in left else []
            if not wanted:
                break
        return found

    def put(
        self,
        item: Item,
        *,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the whole item.

        Raises:
            ConditionFailed: the condition did not hold, and nothing was written.
        """
        wire = expressions(values or {}, ConditionExpression=condition)
        self._conditional("put_item", Item=self._written(item), **wire)

    def update(
        self,
        key: Key,
        update: str,
        *,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Item:
        """Change the item and return it as it is now.

        Raises:
            ConditionFailed: the condition did not hold, and nothing was written.
        """
        wire = expressions(values or {}, UpdateExpression=update, ConditionExpression=condition)
        answer = self._conditional("update_item", Key=to_wire(key), ReturnValues="ALL_NEW", **wire)
        return self._read(answer.get("Attributes", {}))

    def update_unseen(
        self,
        key: Key,
        update: str,
        *,
        # Never writes a new item if the item was deleted.
        condition: str = "attribute_exists(#pk)",
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        """Change the item and see nothing of it, so that the caller needs no permission to read;
        False where the condition does not hold."""
        wire = expressions(values or {}, UpdateExpression=update, ConditionExpression=condition)
        try:
            self._conditional("update_item", Key=to_wire(key), shown="NONE", **wire)
        except ConditionFailed:
            return False
        return True

    def delete(
        self, key: Key, *, condition: str | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        """Take the item away, if the condition holds.

        Raises:
            ConditionFailed: the condition did not hold, and nothing was deleted.
        """
        wire = expressions(values or {}, ConditionExpression=condition)
        self._conditional("delete_item", Key=to_wire(key), **wire)

    def query(
        self,
        key_condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        filter: str | None = None,  # noqa: A002  # DynamoDB's own word
        limit: int | None = None,
        start: Item | None = None,
        forward: bool = True,
        consistent: bool = False,
        only: Sequence[str] = (),
        units: ReadUnits | None = None,
    ) -> Page[Item, Item]:
        """One page of a query: at most `limit` items read, from after `start`, in the key's order
        or against it. With `only`, no more of them than these attributes."""
        wire = expressions(
            values,
            KeyConditionExpression=key_condition,
            FilterExpression=filter,
            ProjectionExpression=_projection(only),
        )
        if index:
            wire["IndexName"] = index
        else:
            wire["ConsistentRead"] = consistent
        if limit:
            wire["Limit"] = limit
        if start:
            wire["ExclusiveStartKey"] = to_wire(start)
        wire |= _reported(units)
        answer = self.client.query(TableName=self.name, ScanIndexForward=forward, **wire)
        if units is not None:
            units.count(answer.get("ConsumedCapacity", {}))
        last = answer.get("LastEvaluatedKey")
        return Page([self._read(i) for i in answer["Items"]], from_wire(last) if last else None)

    def iterate(
        self,
        key_condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        page_size: int | None = None,
        forward: bool = True,
        consistent: bool = False,
        only: Sequence[str] = (),
    ) -> Iterator[Item]:
        """All items of a query, read page by page as they are consumed."""
        start: Item | None = None
        while True:
            page = self.query(
                key_condition,
                values,
                index=index,
                limit=page_size,
                start=start,
                forward=forward,
                consistent=consistent,
                only=only,
            )
            yield from page.items
            start = page.last
            if start is None:
                return

    def transact(
        self,
        operations: Iterable[Operation],
        *,
        beside: "Mapping[Table, Iterable[Operation]] | None" = None,
        patience: Mapping[int, int] | None = None,
    ) -> None:
        """Do all of the operations or none, once, however often it takes to send them.

        Args:
            beside: those on other tables of the same client. Their places are behind those of
                `operations`.
            patience: for places of operations how many refusals because of them are waited for.

        Raises:
            TransactionFailed: a condition did not hold; nothing was written.
            TransactionContended: a place was refused as often as `patience` says; nothing was
                written.
            Contended: other transactions held the items through all attempts; nothing
                was written.
        """
        wire: Any = [
            table._operation(operation)  # noqa: SLF001  # of the same class
            for table, of_table in {self: operations, **(beside or {})}.items()
            for operation in of_table
        ]
        # DynamoDB does a transaction with one token once within ten minutes.
        token = uuid.uuid4().hex
        left = Counter(patience)
        for _ in _attempts():
            try:
                self.client.transact_write_items(TransactItems=wire, ClientRequestToken=token)
            except ClientError as error:
                refused = self._refused(error) & left.keys()
                left.subtract(refused)
                if spent := {place for place in refused if left[place] <= 0}:
                    raise TransactionContended(spent) from error
            else:
                return

    def _refused(self, error: ClientError) -> set[int]:
        """The places of the operations that a retry can help; raises where it cannot."""
        code = error.response["Error"]["Code"]
        if code == "TransactionInProgressException":
            return set()
        if code != "TransactionCanceledException":
            raise error
        reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
        failed = {
            place: self._read(reason["Item"]) if reason.get("Item") else None
            for place, reason in enumerate(reasons)
            if reason.get("Code") == "ConditionalCheckFailed"
        }
        if failed:
            raise TransactionFailed(failed) from error
        retryable = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
        refused = {n for n, reason in enumerate(reasons) if reason.get("Code") in retryable}
        if not refused:
            raise error
        return refused

    def _written(self, item: Item) -> dict[str, Any]:
        return to_wire({**item, _SCHEMA: self._schema})

    def _read(self, wire: Mapping[str, Any]) -> Item:
        item = from_wire(wire)
        if item.pop(_SCHEMA, 1) > self._schema:
            raise NewerSchema
        return item

    def _operation(self, operation: Operation) -> dict[str, Any]:
        wire: dict[str, Any] = {"TableName": self.name}
        if isinstance(operation, Put):
            wire["Item"] = self._written(operation.item)
        else:
            wire["Key"] = to_wire(operation.key)
        if operation.condition:
            wire["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        wire |= expressions(
            operation.values,
            ConditionExpression=operation.condition,
            UpdateExpression=operation.update if isinstance(operation, Update) else None,
        )
        return {_KINDS[type(operation)]: wire}

    def _conditional(self, call: str, *, shown: str = "ALL_OLD", **wire: Any) -> Any:
        if "ConditionExpression" in wire:
            wire["ReturnValuesOnConditionCheckFailure"] = shown
        for _ in _attempts():
            try:
                return getattr(self.client, call)(TableName=self.name, **wire)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException":
                    item: Any = error.response.get("Item")
                    raise ConditionFailed(self._read(item) if item else None) from error
                # A transaction has the item at this moment. The SDK does not retry that.
                if code != "TransactionConflictException":
                    raise
        return None


def _projection(only: Sequence[str]) -> str:
    return ", ".join(f"#{name}" for name in only)


def _reported(units: ReadUnits | None) -> Any:
    """The parameter of a request whose units are counted."""
    return {} if units is None else {"ReturnConsumedCapacity": "TOTAL"}


def _attempts() -> Iterator[int]:
    """Attempts, with pauses between them: full jitter, from 10 ms up to 400 ms. Long enough for a
    concurrent writer to finish, short enough for a caller.

    Raises:
        Contended: after the last attempt.
    """
    for attempt in range(_CONFLICT_ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(0.4, 0.01 * 2**attempt)))  # noqa: S311  # not for secrets
        yield attempt
    raise Contended

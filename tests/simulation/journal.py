"""The requests to a simulated DynamoDB with its responses, which can be replayed on another
DynamoDB."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError

from shared.storage.dynamodb import from_wire
from tests.simulation.dynamodb import DynamoDB

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ITEM: Final = ("Item", "Attributes", "LastEvaluatedKey")
# Differs between engines.
_NOT_COMPARED: Final = ("ConsumedCapacity", "ItemCollectionMetrics", "ResponseMetadata")
_BATCH: Final = 25


@dataclass(frozen=True)
class Entry:
    """A request, and its answer in the form in which answers are compared."""

    operation: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]


@dataclass
class Journal:
    """All requests from a moment on, and the items at that moment."""

    items: Mapping[str, Sequence[Any]]
    entries: list[Entry] = field(default_factory=list)

    def replay(self, other: "DynamoDBClient") -> list[str]:
        """Put the same requests to another DynamoDB with the same items; return where it answers
        differently."""
        self._fill(other)
        differing = []
        for entry in self.entries:
            answer = ask(other, entry.operation, entry.request)
            if answer != entry.answer:
                differing.append(f"{entry.operation} {entry.request}: {entry.answer}, {answer}")
        return differing

    def _fill(self, dynamodb: "DynamoDBClient") -> None:
        for table, items in self.items.items():
            for some in batched(items, _BATCH, strict=False):
                puts: Any = [{"PutRequest": {"Item": item}} for item in some]
                dynamodb.batch_write_item(RequestItems={table: puts})


@contextmanager
def journal_of(dynamodb: DynamoDB) -> Iterator[Journal]:
    """All requests meanwhile."""
    held = {name: list(table.items.values()) for name, table in dynamodb.tables.items()}
    journal = Journal({name: items for name, items in held.items() if items})

    def listen(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        journal.entries.append(Entry(operation, request, comparable(operation, answer)))

    dynamodb.listen = listen
    try:
        yield journal
    finally:
        dynamodb.listen = None


def ask(dynamodb: "DynamoDBClient", operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Its response, in the form in which responses are compared."""
    method: Callable[..., dict[str, Any]] = getattr(dynamodb, xform_name(operation))
    try:
        return comparable(operation, method(**request))
    except ClientError as error:
        body: Any = error.response
        return comparable(operation, {**body, "__type": body["Error"]["Code"]})


def comparable(operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without what is not compared: the sentences of errors, the order of items where
    none is promised."""
    if "__type" in answer:
        reasons = [
            (reason["Code"], from_wire(reason.get("Item", {})))
            for reason in answer.get("CancellationReasons", ())
        ]
        item = from_wire(answer.get("Item", {}))
        return {"Code": answer["__type"], "Item": item, "Reasons": reasons}
    return {
        name: _plain(operation, name, value)
        for name, value in answer.items()
        if name not in _NOT_COMPARED
    }


def _plain(operation: str, name: str, value: Any) -> Any:
    if name in _ITEM:
        return from_wire(value)
    if name == "Items":
        items = [from_wire(item) for item in value]
        return items if operation == "Query" else sorted(items, key=_key)
    if name == "Responses":
        return {table: sorted(map(from_wire, items), key=_key) for table, items in value.items()}
    return value


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"], item["sk"]

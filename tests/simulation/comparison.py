"""The simulated DynamoDB beside another one: each request is put to both, and their responses are
compared."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError

from shared.storage.dynamodb import from_wire
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.refusals import Refused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ITEM: Final = ("Item", "Attributes", "LastEvaluatedKey")
# Differs between engines.
_NOT_COMPARED: Final = ("ConsumedCapacity", "ItemCollectionMetrics", "ResponseMetadata")


class Client:
    """A client of the simulated DynamoDB, without a wire between them."""

    def __init__(self, dynamodb: DynamoDB) -> None:
        self._dynamodb = dynamodb

    def __getattr__(self, method: str) -> Any:
        operation = "".join(word.title() for word in method.split("_"))

        def call(**request: Any) -> Any:
            try:
                return self._dynamodb.answer(operation, request)
            except Refused as refused:
                body: Any = {**refused.body, "Error": {"Code": refused.code}}
                raise ClientError(body, operation) from refused

        return call


@contextmanager
def compared(dynamodb: DynamoDB, reference: "DynamoDBClient") -> Iterator[list[str]]:
    """Give the reference the same items; the list gets each request that it answers differently."""
    for name, table in dynamodb.tables.items():
        for items in batched(table.items.values(), 25, strict=False):
            puts: Any = [{"PutRequest": {"Item": item}} for item in items]
            reference.batch_write_item(RequestItems={name: puts})
    differing: list[str] = []

    def listen(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        try:
            body = getattr(reference, xform_name(operation))(**request)
        except ClientError as error:
            body = {**error.response, "__type": error.response["Error"]["Code"]}
        ours, theirs = _comparable(operation, answer), _comparable(operation, body)
        if ours != theirs:
            differing.append(f"{operation} {request}: {ours}, {theirs}")

    dynamodb.listen = listen
    try:
        yield differing
    finally:
        dynamodb.listen = None


def _comparable(operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without the sentences of errors, and without an order where none is promised."""
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

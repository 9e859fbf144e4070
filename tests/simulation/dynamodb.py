"""DynamoDB in memory: one thing at a time, so every answer is consistent; what AWS promises of it is kept.

Unlike moto it keeps the promise of `ClientRequestToken`, and it is ten times as fast. It does what Bodega and Powertools
ask of it and refuses the rest. `test_answers.py` holds its answers to those of moto and of the emulator.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation import expressions
from tests.simulation.expressions import Item, Value
from tests.simulation.refusals import Refused

_TOKEN_KEPT_SECONDS: Final = 600


type Key = tuple[str, str]
type Wire = Mapping[str, Any]


@dataclass
class Table:
    """One table's items, indexes and stream."""

    definition: Mapping[str, Any]
    items: dict[Key, Item] = field(default_factory=dict)
    stream: list[dict[str, Any]] = field(default_factory=list)

    def key(self, wire: Item) -> Key:
        return wire["pk"]["S"], wire["sk"]["S"]

    def index(self, name: str) -> Mapping[str, Any]:
        [found] = [i for i in self.definition["GlobalSecondaryIndexes"] if i["IndexName"] == name]
        return dict(found)


class DynamoDB:
    """All tables of an account.

    Args:
        now: seconds since 1970, for how long a token is remembered.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.tables: dict[str, Table] = {}
        self._now = now
        self._tokens: dict[str, tuple[float, str]] = {}
        self._sequence = itertools.count(1)

    def create(self, definition: Mapping[str, Any]) -> None:
        self.tables[definition["TableName"]] = Table(definition)

    def snapshot(self) -> Callable[[], None]:
        """What brings everything back to how it is now. Items are never changed in place."""
        kept = {
            name: (dict(table.items), list(table.stream)) for name, table in self.tables.items()
        }

        def restore() -> None:
            self._tokens.clear()
            for name, (items, stream) in kept.items():
                self.tables[name].items, self.tables[name].stream = dict(items), list(stream)

        return restore

    def answer(self, operation: str, request: Wire) -> dict[str, Any]:
        """Do what a request says.

        Raises:
            Refused: DynamoDB's error.
        """
        try:
            return _OPERATIONS[operation](self, request)
        except expressions.Malformed as malformed:
            raise Refused("ValidationException", str(malformed)) from malformed

    # --- reads ---

    def _get(self, request: Wire) -> dict[str, Any]:
        table = self._table(request)
        item = table.items.get(table.key(request["Key"]))
        return {"Item": item} if item else {}

    def _get_many(self, request: Wire) -> dict[str, Any]:
        found = {}
        for name, wanted in request["RequestItems"].items():
            table = self.tables[name]
            keys = [table.key(key) for key in wanted["Keys"]]
            if len(set(keys)) < len(keys):
                raise Refused(
                    "ValidationException", "Provided list of item keys contains duplicates"
                )
            found[name] = [table.items[key] for key in keys if key in table.items]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _query(self, request: Wire) -> dict[str, Any]:
        table = self._table(request)
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        index = table.index(request["IndexName"]) if "IndexName" in request else None
        schema = index["KeySchema"] if index else table.definition["KeySchema"]
        order = [key["AttributeName"] for key in schema]

        def place(item: Item) -> tuple[Any, ...]:
            own = [expressions.sortable(*_only(item[name])) for name in order[1:]]
            return (*own, *table.key(item))

        matching = [
            item
            for item in table.items.values()
            if all(name in item for name in order)
            and expressions.holds(request["KeyConditionExpression"], item, names, values)
        ]
        backwards = not request.get("ScanIndexForward", True)
        matching.sort(key=place, reverse=backwards)
        if start := request.get("ExclusiveStartKey"):
            after = place(start)
            matching = [
                i for i in matching if (place(i) < after if backwards else place(i) > after)
            ]
        limit = request.get("Limit", len(matching))
        read = matching[:limit]
        kept = [
            _projected(item, index, order)
            for item in read
            if expressions.holds(request.get("FilterExpression"), item, names, values)
        ]
        answer = {"Items": kept, "Count": len(kept), "ScannedCount": len(read)}
        if read and limit < len(matching):
            last = {name: read[-1][name] for name in dict.fromkeys((*order, "pk", "sk"))}
            answer["LastEvaluatedKey"] = last
        return answer

    def _scan(self, request: Wire) -> dict[str, Any]:
        items = list(self._table(request).items.values())
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    # --- writes ---

    def _put(self, request: Wire) -> dict[str, Any]:
        self._write("Put", request)
        return {}

    def _delete(self, request: Wire) -> dict[str, Any]:
        self._write("Delete", request)
        return {}

    def _update(self, request: Wire) -> dict[str, Any]:
        after = self._write("Update", request)
        return {"Attributes": after} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _write(self, kind: str, request: Wire) -> Item | None:
        failed, change = self._prepared(kind, request)
        if failed:
            raise Refused("ConditionalCheckFailedException", failed["Message"], failed)
        return change()

    def _transact(self, request: Wire) -> dict[str, Any]:
        operations = [next(iter(operation.items())) for operation in request["TransactItems"]]
        token = request["ClientRequestToken"]
        digest = hashlib.sha256(json.dumps(operations, sort_keys=True).encode()).hexdigest()
        used_at, used_for = self._tokens.get(token, (0.0, ""))
        if used_at + _TOKEN_KEPT_SECONDS > self._now():
            if used_for != digest:
                raise Refused(
                    "IdempotentParameterMismatchException", "Another request had this token."
                )
            return {}
        targets = [
            (part["TableName"], *self._table(part).key(part.get("Key") or part["Item"]))
            for _, part in operations
        ]
        if len(set(targets)) < len(targets):
            raise Refused(
                "ValidationException",
                "Transaction request cannot include multiple operations on one item",
            )
        prepared = [self._prepared(kind, part) for kind, part in operations]
        if any(failed for failed, _ in prepared):
            reasons = [failed or {"Code": "None"} for failed, _ in prepared]
            codes = ", ".join(reason["Code"] for reason in reasons)
            raise Refused(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
                {"CancellationReasons": reasons},
            )
        for _, change in prepared:
            change()
        self._tokens[token] = (self._now(), digest)
        return {}

    def _prepared(
        self, kind: str, request: Wire
    ) -> tuple[dict[str, Any] | None, Callable[[], Item | None]]:
        """Why a write cannot be done, None if it can, and what does it."""
        table = self._table(request)
        key = table.key(request["Item"] if kind == "Put" else request["Key"])
        before = table.items.get(key)
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        if not expressions.holds(request.get("ConditionExpression"), before or {}, names, values):
            failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
            shows = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            return {**failed, **({"Item": before} if shows and before else {})}, lambda: None
        after: Item | None = before
        if kind == "Put":
            after = dict(request["Item"])
        elif kind == "Update":
            whole = before or request["Key"]
            after = expressions.updated(request["UpdateExpression"], whole, names, values)
        elif kind == "Delete":
            after = None
        return None, lambda: self._changed(table, key, before, after)

    def _changed(
        self, table: Table, key: Key, before: Item | None, after: Item | None
    ) -> Item | None:
        if after is None:
            table.items.pop(key, None)
        else:
            table.items[key] = after
        if before != after and "StreamSpecification" in table.definition:
            images = {"OldImage": before, "NewImage": after}
            name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
            change: dict[str, Any] = {n: image for n, image in images.items() if image is not None}
            change |= {"Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}}}
            change |= {"SequenceNumber": str(next(self._sequence))}
            record = {"eventSource": "aws:dynamodb", "eventName": name, "dynamodb": change}
            table.stream.append(record)
        return after

    def _describe(self, request: Wire) -> dict[str, Any]:
        return {"Table": {"TableName": request["TableName"], "TableStatus": "ACTIVE"}}

    def _table(self, request: Wire) -> Table:
        found = self.tables.get(request["TableName"])
        if found is None:
            raise Refused("ResourceNotFoundException", "Requested resource not found")
        return found


def _only(value: Value) -> tuple[str, Any]:
    [pair] = value.items()
    return pair


def _projected(item: Item, index: Mapping[str, Any] | None, order: list[str]) -> Item:
    projection = index["Projection"] if index else {"ProjectionType": "ALL"}
    if projection["ProjectionType"] == "ALL":
        return item
    shown = {"pk", "sk", *order, *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}


_OPERATIONS: Final[Mapping[str, Callable[[DynamoDB, Wire], dict[str, Any]]]] = {
    "BatchGetItem": DynamoDB._get_many,
    "DeleteItem": DynamoDB._delete,
    "DescribeTable": DynamoDB._describe,
    "GetItem": DynamoDB._get,
    "PutItem": DynamoDB._put,
    "Query": DynamoDB._query,
    "Scan": DynamoDB._scan,
    "TransactWriteItems": DynamoDB._transact,
    "UpdateItem": DynamoDB._update,
}

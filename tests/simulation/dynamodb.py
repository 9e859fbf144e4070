"""DynamoDB in memory, one request at a time.

It supports what Bodega and Powertools use and refuses the rest. `test_dynamodb.py` compares its
responses with those of a reference engine.

It promises more than AWS in two ways: a page has no limit of a megabyte, and a batch leaves no keys
unprocessed. A test can let indexes lag and inconsistent reads be stale. Nothing is deleted when its
time to live is over.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.simulation import expressions
from tests.simulation.expressions import Impossible, Item
from tests.simulation.refusals import Refused
from tests.simulation.tables import Key, Table

_TOKEN_KEPT_SECONDS: Final = 600


type Wire = Mapping[str, Any]


class DynamoDB:
    """All tables of an account. `listen` is called with every request and its response.

    Attributes:
        stale: how many seconds an answer is behind that need not be consistent. It is called for
            each one, with whether it is of an index. None: no answer is behind.

    Args:
        now: seconds since 1970, for how long a token is remembered.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.tables: dict[str, Table] = {}
        self._now = now
        self._tokens: dict[str, tuple[float, str]] = {}
        self._sequence = itertools.count(1)
        self.listen: Callable[[str, Wire, Wire], None] | None = None
        self.stale: Callable[[bool], float] | None = None

    def create(self, definition: Mapping[str, Any]) -> None:
        self.tables[definition["TableName"]] = Table(definition)

    def snapshot(self) -> Callable[[], None]:
        """What brings everything back to how it is now."""
        restores = [table.snapshot() for table in self.tables.values()]

        def restore() -> None:
            self._tokens.clear()
            for restore_table in restores:
                restore_table()

        return restore

    def let_indexes_fall_behind(self) -> None:
        """From now on indexes show what is there now, until they catch up."""
        for table in self.tables.values():
            table.behind = table.behind or dict(table.items)

    def let_indexes_catch_up(self) -> None:
        for table in self.tables.values():
            table.behind = None

    def answer(self, operation: str, request: Wire) -> dict[str, Any]:
        """Do what a request says.

        Raises:
            Refused: DynamoDB's error.
        """
        try:
            answer = self._answered(operation, request)
        except Refused as refused:
            if self.listen:
                self.listen(operation, request, refused.body)
            raise
        if self.listen:
            self.listen(operation, request, answer)
        return answer

    def _answered(self, operation: str, request: Wire) -> dict[str, Any]:
        try:
            return _OPERATIONS[operation](self, request)
        except expressions.Malformed as malformed:
            raise Refused("ValidationException", str(malformed)) from malformed

    # --- reads ---

    def _get(self, request: Wire) -> dict[str, Any]:
        table = self._table(request)
        expressions.check(request)
        item = self._seen(table, request).get(table.key(request["Key"]))
        if item is None:
            return {}
        names = request.get("ExpressionAttributeNames", {})
        return {"Item": expressions.projected(request.get("ProjectionExpression"), item, names)}

    def _get_many(self, request: Wire) -> dict[str, Any]:
        found = {}
        for name, wanted in request["RequestItems"].items():
            table = self.tables[name]
            keys = [table.key(key) for key in wanted["Keys"]]
            if len(set(keys)) < len(keys):
                raise Refused(
                    "ValidationException", "Provided list of item keys contains duplicates"
                )
            items = self._seen(table, wanted)
            found[name] = [items[key] for key in keys if key in items]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _query(self, request: Wire) -> dict[str, Any]:
        expressions.check(request)
        table = self._table(request)
        return table.query(request, self._seen(table, request))

    def _seen(self, table: Table, request: Wire) -> Mapping[Key, Item]:
        """The items that a read sees: of an index, and where it is not consistent, those of an
        earlier moment."""
        if self.stale is None or request.get("ConsistentRead"):
            return table.items
        return table.as_of(self._now() - self.stale("IndexName" in request))

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
        return {"Attributes": after} if request.get("ReturnValues") == "ALL_NEW" and after else {}

    def _write(self, kind: str, request: Wire) -> Item | None:
        failed, change = self._prepared(kind, request)
        if failed:
            shown = {"Item": failed["Item"]} if "Item" in failed else {}
            raise Refused("ConditionalCheckFailedException", failed["Message"], shown)
        return change()

    def _transact(self, request: Wire) -> dict[str, Any]:
        operations = [next(iter(operation.items())) for operation in request["TransactItems"]]
        token = request["ClientRequestToken"]
        digest = hashlib.sha256(json.dumps(operations, sort_keys=True).encode()).hexdigest()
        used_at, used_for = self._tokens.get(token, (None, ""))
        if used_at is not None and used_at + _TOKEN_KEPT_SECONDS > self._now():
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
        prepared = [self._prepared_in_transaction(kind, part) for kind, part in operations]
        if any(failed for failed, _ in prepared):
            reasons = [failed or {"Code": "None"} for failed, _ in prepared]
            codes = ", ".join(reason["Code"] for reason in reasons)
            raise Refused(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for [{codes}]",
                {"CancellationReasons": reasons},
            )
        for _, change in prepared:
            change()
        self._tokens[token] = (self._now(), digest)
        return {}

    def _prepared_in_transaction(
        self, kind: str, request: Wire
    ) -> tuple[dict[str, Any] | None, Callable[[], Item | None]]:
        try:
            return self._prepared(kind, request)
        except Impossible as impossible:
            return {"Code": "ValidationError", "Message": str(impossible)}, lambda: None

    def _prepared(
        self, kind: str, request: Wire
    ) -> tuple[dict[str, Any] | None, Callable[[], Item | None]]:
        """Why a write cannot be done, None if it can, and what does it."""
        expressions.check(request)
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
            # An update that only takes away makes no item where there is none.
            after = after if before or after != whole else None
        elif kind == "Delete":
            after = None
        table.check(after or {})

        def change() -> Item | None:
            if self.stale is not None:
                table.past.append((self._now(), key, before))
            table.change(key, after, next(self._sequence))
            return after

        return None, change

    def _describe(self, request: Wire) -> dict[str, Any]:
        return {"Table": {"TableName": request["TableName"], "TableStatus": "ACTIVE"}}

    def _table(self, request: Wire) -> Table:
        found = self.tables.get(request["TableName"])
        if found is None:
            raise Refused("ResourceNotFoundException", "Requested resource not found")
        return found


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

"""DynamoDB in memory, one request at a time: the operations and forms that Bodega uses.

`test_dynamodb.py` compares its responses with those of a reference engine. It promises more than
AWS in two ways: a page has no limit of a megabyte, and a batch leaves no keys unprocessed. A test
can let reads see an earlier moment. Nothing is deleted when its time to live is over.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from tests.costs import capacity
from tests.simulation import expressions
from tests.simulation.expressions import Item, Scope
from tests.simulation.refusals import Impossible, Invalid, Refused
from tests.simulation.tables import Change, Key, Table

type Wire = Mapping[str, Any]
# The moment that a read sees, by whether it is of an index; None: the present.
type Moment = Callable[[bool], float | None]

_TOKEN_KEPT_SECONDS: Final = 600


class Effect(NamedTuple):
    """An item before and after a write; `failed` says why the write cannot be done."""

    table: Table
    key: Key
    before: Item | None
    after: Item | None
    failed: dict[str, Any] | None = None


def _present(is_index: bool) -> None:  # a Moment
    return None


class DynamoDB:
    """All tables of an account. `listen` is called with every request and its response.

    Attributes:
        seen: the moment that reads see, unless they are consistent.

    Args:
        now: seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.tables: dict[str, Table] = {}
        self.listen: Callable[[str, Wire, Wire], None] | None = None
        self.seen: Moment = _present
        self._tokens: dict[str, tuple[float, object]] = {}
        self._sequence = itertools.count(1)

    def create(self, definition: Mapping[str, Any]) -> None:
        self.tables[definition["TableName"]] = Table(definition)

    def snapshot(self) -> Callable[[], None]:
        """Return what restores the present state."""
        restores = [table.snapshot() for table in self.tables.values()]

        def restore() -> None:
            self._tokens.clear()
            self.seen = _present
            for restore_table in restores:
                restore_table()

        return restore

    @contextmanager
    def seeing(self, moment: Moment) -> Iterator[None]:
        """Reads that need not be consistent see an earlier moment."""
        kept, self.seen = self.seen, moment
        try:
            yield
        finally:
            self.seen = kept

    def let_indexes_fall_behind(self) -> None:
        """From now on indexes show this moment, until they catch up."""
        if self.seen is _present:
            moment = self.now()
            self.seen = lambda is_index: moment if is_index else None

    def let_indexes_catch_up(self) -> None:
        self.seen = _present

    def answer(self, operation: str, request: Wire) -> dict[str, Any]:
        """Do what a request says.

        Raises:
            Refused: DynamoDB's error.
        """
        try:
            answer = _OPERATIONS[operation](self, request)
        except Refused as refused:
            if self.listen:
                self.listen(operation, request, refused.body)
            raise
        if self.listen:
            self.listen(operation, request, answer)
        return answer

    # --- reads ---

    def _get(self, request: Wire) -> dict[str, Any]:
        table = self.tables[request["TableName"]]
        item = self._seen(table, request).get(table.key(request["Key"]))
        if item is None:
            return {}
        if "ProjectionExpression" not in request:
            return {"Item": item}
        # Nothing but names is projected.
        shown = request["ExpressionAttributeNames"].values()
        return {"Item": {name: value for name, value in item.items() if name in shown}}

    def _get_many(self, request: Wire) -> dict[str, Any]:
        found, consumed = {}, []
        for name, wanted in request["RequestItems"].items():
            table = self.tables[name]
            keys = [table.key(key) for key in wanted["Keys"]]
            _refuse_duplicates(keys)
            items = self._seen(table, wanted)
            found[name] = [items[key] for key in keys if key in items]
            sizes = [capacity.size(items.get(key)) for key in keys]
            units = capacity.read(sizes, consistent=wanted.get("ConsistentRead", False))
            consumed.append({"TableName": name, "CapacityUnits": units})
        reported = {"ConsumedCapacity": consumed} if "ReturnConsumedCapacity" in request else {}
        return {"Responses": found, "UnprocessedKeys": {}, **reported}

    def _query(self, request: Wire) -> dict[str, Any]:
        table = self.tables[request["TableName"]]
        return table.query(request, self._seen(table, request))

    def _seen(self, table: Table, request: Wire) -> Mapping[Key, Item]:
        if request.get("ConsistentRead") or (moment := self.seen("IndexName" in request)) is None:
            return table.items
        return table.as_of(moment)

    def _scan(self, request: Wire) -> dict[str, Any]:
        items = list(self.tables[request["TableName"]].items.values())
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
        used_at, used_for = self._tokens.get(token, (float("-inf"), None))
        if used_at + _TOKEN_KEPT_SECONDS > self.now():
            if used_for != operations:
                raise Refused(
                    "IdempotentParameterMismatchException", "Another request had this token."
                )
            return {}
        tables = [self.tables[part["TableName"]] for _, part in operations]
        _refuse_duplicates(
            [
                (id(table), table.key(part.get("Key") or part["Item"]))
                for table, (_, part) in zip(tables, operations, strict=True)
            ]
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
        self._tokens[token] = (self.now(), operations)
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
        table, key, before, after, failed = self.effect(kind, request)

        def change() -> Item | None:
            table.changes.append(Change(self.now(), key, before, after))
            table.change(key, after, next(self._sequence))
            return after

        return failed, (lambda: None) if failed else change

    def effect(self, kind: str, request: Wire) -> Effect:
        """What a write would do now.

        Raises:
            Impossible: its update cannot be done to the item.
        """
        table = self.tables[request["TableName"]]
        key = table.key(request["Item"] if kind == "Put" else request["Key"])
        before = table.items.get(key)
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        holds = expressions.condition(request.get("ConditionExpression", ""))
        if not holds(Scope(before or {}, names, values)):
            failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
            shows = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            shown = {"Item": before} if shows and before else {}
            return Effect(table, key, before, before, {**failed, **shown})
        after: Item | None = before
        if kind == "Put":
            after = dict(request["Item"])
        elif kind == "Update":
            old = before or request["Key"]
            after = expressions.updated(request["UpdateExpression"], Scope(old, names, values))
            # An update that only takes away makes no item where there is none.
            after = after if before or after != old else None
        elif kind == "Delete":
            after = None
        return Effect(table, key, before, after)


def _refuse_duplicates(keys: list[Any]) -> None:
    if len(set(keys)) < len(keys):
        raise Invalid("one item twice")


_OPERATIONS: Final[Mapping[str, Callable[[DynamoDB, Wire], dict[str, Any]]]] = {
    "BatchGetItem": DynamoDB._get_many,
    "DeleteItem": DynamoDB._delete,
    "GetItem": DynamoDB._get,
    "PutItem": DynamoDB._put,
    "Query": DynamoDB._query,
    "Scan": DynamoDB._scan,
    "TransactWriteItems": DynamoDB._transact,
    "UpdateItem": DynamoDB._update,
}

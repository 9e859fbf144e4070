"""A table of the simulated DynamoDB: its items, what its indexes show of them, and its stream."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

from tests.costs import capacity
from tests.simulation import expressions
from tests.simulation.expressions import Item, Scope
from tests.simulation.refusals import Invalid
from tests.support.lambda_events import STREAM_RECORD

type Key = tuple[str, str]
# Items by their places: the values of the sort key, and of the table's key.
type Partition = list[tuple[tuple[Any, ...], Item]]

_IMAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "NEW_IMAGE": ("NewImage",),
    "NEW_AND_OLD_IMAGES": ("OldImage", "NewImage"),
}
# Each query names a partition first.
_PARTITION: Final = re.compile(r"#\w+ = (:\w+)")
_LONGEST_PARTITION_KEY: Final = 2048  # bytes
_LONGEST_SORT_KEY: Final = 1024


class Change(NamedTuple):
    """When an item was changed, and what it was before and after."""

    at: float
    key: Key
    before: Item | None
    after: Item | None


@dataclass
class Table:
    """One table. Items are never changed in place; `changes` are all that requests ever made."""

    definition: Mapping[str, Any]
    items: dict[Key, Item] = field(default_factory=dict)
    stream: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def snapshot(self) -> Callable[[], None]:
        """Return what restores the present state."""
        items, stream, changes = dict(self.items), list(self.stream), len(self.changes)

        def restore() -> None:
            self.items, self.stream = dict(items), list(stream)
            del self.changes[changes:]

        return restore

    def as_of(self, moment: float) -> dict[Key, Item]:
        """The items as they were then."""
        items = dict(self.items)
        for change in reversed(self.changes):
            if change.at <= moment:
                break
            if change.before is None:
                items.pop(change.key, None)
            else:
                items[change.key] = change.before
        return items

    def key(self, wire: Item) -> Key:
        """The primary key in an item or a request."""
        pk, sk = wire["pk"]["S"], wire["sk"]["S"]
        if not pk or not sk:
            raise Invalid("a key that is empty")
        if len(pk.encode()) > _LONGEST_PARTITION_KEY or len(sk.encode()) > _LONGEST_SORT_KEY:
            raise Invalid("a key that is too long")
        return pk, sk

    def query(self, request: Mapping[str, Any], items: Mapping[Key, Item]) -> dict[str, Any]:
        """A page of these items of the table, or of an index that has them."""
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        in_range = expressions.condition(request["KeyConditionExpression"])
        passes = expressions.condition(request.get("FilterExpression", ""))
        index = self._index(request["IndexName"]) if "IndexName" in request else self.definition
        order = [key["AttributeName"] for key in index["KeySchema"]]

        partition = _PARTITION.match(request["KeyConditionExpression"])
        if partition is None:
            raise Invalid("a query without a partition")
        found = self.partition(order, values[partition[1]], items)
        backwards = not request.get("ScanIndexForward", True)
        if start := request.get("ExclusiveStartKey"):
            after = self._place(order, start)
            if backwards:
                found = found[: bisect_left(found, after, key=lambda one: one[0])]
            else:
                found = found[bisect_right(found, after, key=lambda one: one[0]) :]
        ordered = (item for _, item in (reversed(found) if backwards else found))
        matching = (item for item in ordered if in_range(Scope(item, names, values)))
        limit = request.get("Limit")
        read = [
            _projected(item, index.get("Projection"), order) for item in islice(matching, limit)
        ]
        # A filter sees no more of an item than its index has.
        kept = [item for item in read if passes(Scope(item, names, values))]
        answer = {"Items": kept, "Count": len(kept), "ScannedCount": len(read)}
        if request.get("Select") == "COUNT":
            del answer["Items"]
        if "ReturnConsumedCapacity" in request:
            units = capacity.query(
                map(capacity.size, read), consistent=request.get("ConsistentRead", False)
            )
            answer["ConsumedCapacity"] = {
                "TableName": request["TableName"],
                "CapacityUnits": units,
            }
        # DynamoDB stops at the limit and does not look whether anything comes after it.
        if len(read) == limit:
            answer["LastEvaluatedKey"] = {
                name: read[-1][name] for name in dict.fromkeys((*order, "pk", "sk"))
            }
        return answer

    def partition(self, order: Sequence[str], value: Any, items: Mapping[Key, Item]) -> Partition:
        """The items with this value of the partition key, in the order of their places."""
        found = [
            (self._place(order, item), item)
            for item in items.values()
            if item.get(order[0]) == value and all(name in item for name in order)
        ]
        return sorted(found, key=lambda one: one[0])

    def _place(self, order: Sequence[str], item: Item) -> tuple[Any, ...]:
        own = [expressions.sortable(item[name]) for name in order[1:]]
        return (*own, *self.key(item))

    def _index(self, name: str) -> Mapping[str, Any]:
        [found] = [i for i in self.definition["GlobalSecondaryIndexes"] if i["IndexName"] == name]
        return dict(found)

    def change(self, key: Key, after: Item | None, number: int) -> None:
        """Put an item, or delete it; the stream gets a record if the item changes."""
        before = self.items.get(key)
        if after is None:
            self.items.pop(key, None)
        else:
            self.items[key] = after
        if before == after or "StreamSpecification" not in self.definition:
            return
        view = self.definition["StreamSpecification"]["StreamViewType"]
        images = {"OldImage": before, "NewImage": after}
        change: dict[str, Any] = {name: images[name] for name in _IMAGES[view] if images[name]}
        change |= {
            "ApproximateCreationDateTime": STREAM_RECORD["dynamodb"]["ApproximateCreationDateTime"],
            "Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            "SequenceNumber": str(number),
            "SizeBytes": len(str(change)),
            "StreamViewType": view,
        }
        name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        record = {"eventID": f"{number:032}", "eventName": name, "dynamodb": change}
        self.stream.append(STREAM_RECORD | record)


def _projected(item: Item, projection: Mapping[str, Any] | None, order: Iterable[str]) -> Item:
    if projection is None or projection["ProjectionType"] == "ALL":
        return item
    shown = {"pk", "sk", *order, *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}

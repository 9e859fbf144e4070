"""A table of the simulated DynamoDB: its items, what its indexes show of them, and its stream."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation import expressions
from tests.simulation.expressions import Item, Malformed
from tests.support import lambda_events

type Key = tuple[str, str]

_IMAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "NEW_IMAGE": ("NewImage",),
    "NEW_AND_OLD_IMAGES": ("OldImage", "NewImage"),
}


_LONGEST_PARTITION_KEY: Final = 2048  # bytes
_LONGEST_SORT_KEY: Final = 1024


@dataclass
class Table:
    """One table. Items are never changed in place.

    Attributes:
        behind: what its indexes still show, where they are behind.
        changes: each change that was ever made, as the item before it and after it.
        past: when an item was changed and what it was before, oldest first.
    """

    definition: Mapping[str, Any]
    items: dict[Key, Item] = field(default_factory=dict)
    stream: list[dict[str, Any]] = field(default_factory=list)
    behind: dict[Key, Item] | None = None
    changes: list[tuple[Item | None, Item | None]] = field(default_factory=list)
    past: list[tuple[float, Key, Item | None]] = field(default_factory=list)

    def snapshot(self) -> Callable[[], None]:
        """What brings it back to how it is now, its indexes up to date."""
        items, stream, past = dict(self.items), list(self.stream), list(self.past)
        changed = len(self.changes)

        def restore() -> None:
            self.items, self.stream, self.behind = dict(items), list(stream), None
            self.past = list(past)
            del self.changes[changed:]

        return restore

    def as_of(self, moment: float) -> dict[Key, Item]:
        """The items as they were then, as far as the past was kept."""
        items = dict(self.items)
        for at, key, before in reversed(self.past):
            if at <= moment:
                break
            if before is None:
                items.pop(key, None)
            else:
                items[key] = before
        return items

    def key(self, wire: Item) -> Key:
        """The primary key in an item or a request."""
        pk, sk = wire.get("pk", {}).get("S"), wire.get("sk", {}).get("S")
        if not pk or not sk:
            raise Malformed("a key that is missing, empty or of another type")
        if len(pk.encode()) > _LONGEST_PARTITION_KEY or len(sk.encode()) > _LONGEST_SORT_KEY:
            raise Malformed("a key that is too long")
        return pk, sk

    def check(self, item: Item) -> None:
        """What is a key of an index must be one.

        Raises:
            Malformed: it is empty, or of another type.
        """
        for attribute in self.definition["AttributeDefinitions"]:
            value = item.get(attribute["AttributeName"])
            if value is not None and not value.get(attribute["AttributeType"]):
                raise Malformed(f"no key of an index: {value}")

    def query(self, request: Mapping[str, Any], items: Mapping[Key, Item]) -> dict[str, Any]:
        """A page of these items of the table, or of an index that has them."""
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        index = self._index(request["IndexName"]) if "IndexName" in request else self.definition
        order = [key["AttributeName"] for key in index["KeySchema"]]
        projection = index.get("Projection", {"ProjectionType": "ALL"})

        def place(item: Item) -> tuple[Any, ...]:
            own = [expressions.sortable(item[name]) for name in order[1:]]
            return (*own, *self.key(item))

        is_behind = index is not self.definition and self.behind is not None
        matching = [
            item
            for item in ((self.behind or {}) if is_behind else items).values()
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
        limit = request.get("Limit")
        read = [_projected(item, projection, order) for item in matching[:limit]]
        # A filter sees no more of an item than its index has.
        kept = [
            item
            for item in read
            if expressions.holds(request.get("FilterExpression"), item, names, values)
        ]
        answer = {"Items": kept, "Count": len(kept), "ScannedCount": len(read)}
        # DynamoDB stops at the limit and does not look whether anything comes after it.
        if len(read) == limit:
            answer["LastEvaluatedKey"] = {
                name: read[-1][name] for name in dict.fromkeys((*order, "pk", "sk"))
            }
        return answer

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
        self.changes.append((before, after))
        if before == after or "StreamSpecification" not in self.definition:
            return
        view = self.definition["StreamSpecification"]["StreamViewType"]
        shown = _IMAGES[view]
        images = {"OldImage": before, "NewImage": after}
        change: dict[str, Any] = {name: images[name] for name in shown if images[name] is not None}
        change |= {"Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}}}
        change |= {"SequenceNumber": str(number), "StreamViewType": view}
        name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        self.stream.append(lambda_events.stream_record(self.definition["TableName"], name, change))


def _projected(item: Item, projection: Mapping[str, Any], order: Iterable[str]) -> Item:
    if projection["ProjectionType"] == "ALL":
        return item
    shown = {"pk", "sk", *order, *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}

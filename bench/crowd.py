"""Tables with a million items in them, of which each is made when somebody asks for it.

The items of a crowd are numbered, and a number says all of an item: its keys, and with them its place in each index, where a
higher number comes later. So a page is cut out of a partition by bisection, as DynamoDB cuts it out of a tree, and what
answers then is the simulation's own table, with that page in it and the shop's own items.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.simulation.dynamodb import DynamoDB
from tests.simulation.expressions import Item
from tests.simulation.tables import Key, Table

_RANGE: Final = re.compile(
    r" AND (?:(?P<starts>begins_with)\(#\w+, |#\w+ (?P<sign>[<>]=?|BETWEEN) )(?P<low>:\w+)(?: AND (?P<high>:\w+))?"
)
_HASH: Final = re.compile(r"#\w+ = (:\w+)")
_AFTER_ALL: Final = "\U0010ffff"
_MOST_WITHOUT_A_LIMIT: Final = 1000


@dataclass(frozen=True)
class Kind:
    """One kind of item.

    Args:
        count: how many there are.
        make: the item of a number.
        number: the number of an item with this key, if it is of this kind.
        partition: the numbers of those in a partition, by the index (None is the table itself) and its hash key.
    """

    count: int
    make: Callable[[int], Item]
    number: Callable[[Key], int | None]
    partition: Callable[[str | None, str], range]


class _Items(dict[Key, Item]):
    """The shop's own items; and, for who looks for one by its key, the crowd's."""

    def __init__(self, own: Mapping[Key, Item], kinds: tuple[Kind, ...]) -> None:
        super().__init__(own)
        self._kinds = kinds

    def __missing__(self, key: Key) -> Item:
        for kind in self._kinds:
            number = kind.number(key)
            if number is not None:
                return kind.make(number)
        raise KeyError(key)

    def get(self, key: Key, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]  # keys are all that is looked for


class Crowded(Table):
    """A table with a crowd in it."""

    def __init__(self, table: Table, kinds: tuple[Kind, ...]) -> None:
        super().__init__(table.definition, _Items(table.items, kinds), table.stream)
        self._kinds = kinds

    def with_all_items(self) -> Table:
        """The same with each item of the crowd in its place."""
        made = (kind.make(number) for kind in self._kinds for number in range(kind.count))
        return Table(self.definition, {self.key(item): item for item in made} | dict(self.items))

    def query(self, request: Mapping[str, Any], items: Mapping[Key, Item]) -> dict[str, Any]:
        own = dict(items)
        for item in self._page(request):
            own[self.key(item)] = item
        return Table(self.definition).query(request, own)

    def _page(self, request: Mapping[str, Any]) -> Iterator[Item]:
        """The items of the crowd that come first."""
        name = request.get("IndexName")
        index = self._index(name) if name else self.definition
        sort_key = index["KeySchema"][1]["AttributeName"]
        condition, values = request["KeyConditionExpression"], request["ExpressionAttributeValues"]
        [hash_value] = _HASH.match(condition).groups()  # type: ignore[union-attr]  # each begins so
        for kind in self._kinds:
            numbers = kind.partition(name, values[hash_value]["S"])

            def place(number: int, kind: Kind = kind) -> str:
                return str(kind.make(number)[sort_key]["S"])

            low, high = _bounds(condition, values, numbers, place)
            backwards = not request.get("ScanIndexForward", True)
            if start := request.get("ExclusiveStartKey"):
                after = start[sort_key]["S"]
                if backwards:
                    high = min(high, bisect_left(numbers, after, key=place))
                else:
                    low = max(low, bisect_right(numbers, after, key=place))
            yield from map(
                kind.make, _first(numbers[low:high], request.get("Limit"), backwards=backwards)
            )


def _bounds(
    condition: str, values: Mapping[str, Any], numbers: range, place: Callable[[int], str]
) -> tuple[int, int]:
    found = _RANGE.search(condition)
    if found is None:
        return 0, len(numbers)
    low = values[found["low"]]["S"]
    high = values[found["high"]]["S"] if found["high"] else low
    before, behind = bisect_left(numbers, low, key=place), bisect_right(numbers, high, key=place)
    if found["starts"]:
        return before, bisect_left(numbers, low + _AFTER_ALL, key=place)
    return {
        "<": (0, before),
        "<=": (0, behind),
        ">": (behind, len(numbers)),
        ">=": (before, len(numbers)),
        "BETWEEN": (before, behind),
    }[found["sign"]]


def _first(numbers: range, limit: int | None, *, backwards: bool) -> range:
    if limit is None and len(numbers) > _MOST_WITHOUT_A_LIMIT:
        raise RuntimeError("a query without a limit reads more than a thousand items")
    return numbers if limit is None else numbers[-limit:] if backwards else numbers[:limit]


def let_in(dynamodb: DynamoDB, table: str, *kinds: Kind) -> None:
    """Put a crowd into a table."""
    dynamodb.tables[table] = Crowded(dynamodb.tables[table], kinds)

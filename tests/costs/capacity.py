"""The request units that DynamoDB charges, computed from the items on the wire before and after.

No emulator reports true capacity. The rules are those of the developer guide: "Item sizes and
formats", "Read and write operations" and "Global secondary indexes: write capacity". One is not
documented: an index's share of a transaction counts once, because indexes are updated later.
"""

import math
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

type Item = Mapping[str, Any]
type Definition = Mapping[str, Any]

_READ_BYTES: Final = 4096
_WRITE_BYTES: Final = 1024
_TRANSACTION: Final = 2
_CONTAINER: Final = 3  # bytes of a list or a map by itself, and one more for each element


@dataclass(frozen=True)
class Units:
    """Request units: read, written to the table, and written to each of its indexes."""

    read: float = 0
    written: float = 0
    indexes: Mapping[str, float] = field(default_factory=dict)

    @property
    def write(self) -> float:
        """All that was written."""
        return self.written + sum(self.indexes.values())

    def __add__(self, other: Self) -> Self:
        names = sorted({*self.indexes, *other.indexes})
        indexes = {name: self.indexes.get(name, 0) + other.indexes.get(name, 0) for name in names}
        return type(self)(self.read + other.read, self.written + other.written, indexes)


def size(item: Item | None) -> int:
    """Bytes of an item: its attributes' names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in (item or {}).items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":  # on the wire in base64
            return len(b64decode(content) if isinstance(content, str) else bytes(content))
        case "M":
            return _CONTAINER + size(content) + len(content)
        case "L":
            return _CONTAINER + sum(_value_size(element) + 1 for element in content)
        case "BOOL" | "NULL":
            return 1
        case _:
            raise NotImplementedError(kind)  # Bodega stores no others


def _number_size(text: str) -> int:
    """A byte for two significant digits, one more, and one for a minus sign."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + text.startswith("-")


def read(sizes: Iterable[int], *, consistent: bool) -> float:
    """Of items that are read one by one; a missing item is charged like the smallest."""
    return sum(_read(one) for one in sizes) * (1 if consistent else 0.5)


def query(sizes: Iterable[int], *, consistent: bool) -> float:
    """Of a page, before filters: its items are added up before they are rounded."""
    return _read(sum(sizes)) * (1 if consistent else 0.5)


def _read(size_: int) -> int:
    return max(1, math.ceil(size_ / _READ_BYTES))


def _write(*sizes: int) -> int:
    return max(1, math.ceil(max(sizes) / _WRITE_BYTES))


def write(
    table: Definition,
    before: Item | None,
    after: Item | None,
    *,
    in_transaction: bool = False,
    is_done: bool = True,
) -> Units:
    """Of a put, an update, a delete or a condition's check.

    Args:
        is_done: False where a condition failed, of this or of another part of the transaction: it
            is charged all the same, but no index is written.
    """
    own = _write(size(before), size(after)) * (_TRANSACTION if in_transaction else 1)
    indexes = table.get("GlobalSecondaryIndexes", ()) if is_done else ()
    shares = {index["IndexName"]: _index_write(table, index, before, after) for index in indexes}
    return Units(written=own, indexes={name: units for name, units in shares.items() if units})


def _index_write(
    table: Definition, index: Definition, before: Item | None, after: Item | None
) -> int:
    return sum(index_writes(table, index, before, after).values())


def index_writes(
    table: Definition, index: Definition, before: Item | None, after: Item | None
) -> dict[str, int]:
    """What a change of an item writes to an index, by the index's partition key."""
    old, new = entry(table, index, before), entry(table, index, after)
    if old == new:
        return {}
    keys = [key["AttributeName"] for key in index["KeySchema"]]
    if old and new and all(old[name] == new[name] for name in keys):
        return {new[keys[0]]["S"]: _write(size(old), size(new))}
    written: dict[str, int] = {}
    # Deleted in one place and put into another.
    for shown in (old, new):
        if shown:
            value = shown[keys[0]]["S"]
            written[value] = written.get(value, 0) + _write(size(shown))
    return written


def entry(table: Definition, index: Definition, item: Item | None) -> Item | None:
    """The index's copy of an item; None where the index does not have the item."""
    keys = [key["AttributeName"] for key in index["KeySchema"]]
    if item is None or any(name not in item for name in keys):
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    own = [key["AttributeName"] for key in table["KeySchema"]]
    shown = {*own, *keys, *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}

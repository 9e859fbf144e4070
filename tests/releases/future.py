"""What a later release adds to the items of this one: attributes, members of events and types that
this release does not know."""

from collections.abc import Mapping
from typing import Any, Final

from shared.storage.shards import without_shard
from tests.simulation.expressions import Item
from tests.simulation.tables import Key, Table

ATTRIBUTE: Final = "of_a_later_release"
VALUE: Final[Any] = {"M": {"weight": {"N": "1.5"}, "kept": {"BOOL": True}}}


class LaterTable(Table):
    """A table to each of whose items a later release has added an attribute, and to each event a
    member beside its data and in it.

    Attributes:
        lost: the keys of items from which a write took such an addition.
    """

    def __init__(self, of: Table) -> None:
        super().__init__(of.definition, stream=list(of.stream))
        self.items = {key: _with_additions(item) for key, item in of.items.items()}
        self.lost: list[Key] = []

    def change(self, key: Key, after: Item | None, number: int) -> None:
        before = self.items.get(key)
        if after is not None:
            if before is not None and _additions(before) != _additions(after):
                self.lost.append(key)
            after = _with_additions(after)
        super().change(key, after, number)


def _with_additions(item: Mapping[str, Any]) -> Item:
    if without_shard(item["pk"]["S"]) == "COUNTERS":  # each of its attributes is a count
        return dict(item)
    if "event" in item:
        event = item["event"]["M"]
        data = {"M": {**event["data"]["M"], ATTRIBUTE: VALUE}}
        item = {**item, "event": {"M": {**event, "data": data, ATTRIBUTE: VALUE}}}
    return {**item, ATTRIBUTE: VALUE}


def _additions(item: Mapping[str, Any]) -> list[bool]:
    event = item.get("event", {"M": {}})["M"]
    data = event.get("data", {"M": {}})["M"]
    return [ATTRIBUTE in part for part in (item, event, data)]

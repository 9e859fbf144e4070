"""The index `due`: items that wait for a sweeper, by shard and time. An item is in it only while
something is left to do for it."""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Final

from shared.storage.dynamodb import Item, Table

INDEX: Final = "due"
_PAGE: Final = 100


def due_items(table: Table, *, at: str, before: str, shards: int) -> Iterator[Item]:
    """The items whose time has passed, oldest first over all shards, read page by page as they are
    consumed.

    Args:
        at: the attribute with the item's time; the one with its shard is `due`.
        before: the time until which items are due.
    """
    walks = [
        table.iterate(
            f"#due = :shard AND #{at} < :before",
            {"shard": str(shard), "before": before},
            index=INDEX,
            page_size=_PAGE,
        )
        for shard in range(shards)
    ]
    return heapq.merge(*walks, key=itemgetter(at))

"""The index `due`: items that wait for a sweeper, by mark and time. An item is in it only while
something is left to do for it."""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Final

from shared.storage.dynamodb import Item, Table
from shared.storage.shards import MARKS

INDEX: Final = "due"
_PAGE: Final = 100


def due_mark(table: Table, number: int) -> str:
    """The value of `due` of the item with this number: one of the partitions of the index."""
    return str(number % (MARKS * table.shards))


def due_items(table: Table, *, at: str, before: str) -> Iterator[Item]:
    """The items whose time has passed, oldest first over all marks, read page by page as they are
    consumed.

    Args:
        at: the attribute with the item's time; the one with its mark is `due`.
        before: the time until which items are due.
    """
    walks = [
        table.iterate(
            f"#due = :mark AND #{at} < :before",
            {"mark": str(mark), "before": before},
            index=INDEX,
            page_size=_PAGE,
        )
        for mark in range(MARKS * table.shards)
    ]
    return heapq.merge(*walks, key=itemgetter(at))

"""Partitions of DynamoDB that refuse what exceeds their capacity, and items that transactions hold.

Each value of a partition key is taken for a partition of its own. Its capacity is refilled
continuously and holds what is left over of the last moment only: DynamoDB's burst of up to five
minutes and its splits for heat are left out, so that a rush of a fraction of a second shows what a
long one would meet. A write needs room in the table and in each index that it changes: an index
that cannot follow throttles the writes of its table ("Global secondary indexes: write capacity").
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.costs.keys import PARTITION_READS, PARTITION_WRITES, Key, Load, Loads

# What is left over of the last moment. A request may overdraw it, as long as something is left.
WINDOW_SECONDS: Final = 0.05
_RATES: Final = Load(PARTITION_WRITES, PARTITION_READS)

type Item = tuple[str, tuple[str, str]]


@dataclass
class _Partition:
    left: Load
    at: float


@dataclass
class Partitions:
    """The partitions of all tables and indexes.

    Attributes:
        window: of what moment they keep the capacity that is left over, in seconds.
        held: the items of running transactions.
    """

    window: float = WINDOW_SECONDS
    held: set[Item] = field(default_factory=set)
    _partitions: dict[Key, _Partition] = field(default_factory=dict)

    def exhausted(self, wanted: Loads, now: float) -> list[Key]:
        """The keys that have no room for what a request takes of them."""
        return [key for key, load in wanted.items() if _is_over(self._left(key, now), load)]

    def take(self, wanted: Loads, now: float) -> None:
        for key, load in wanted.items():
            left = self._left(key, now)
            self._partitions[key] = _Partition(
                Load(left.writes - load.writes, left.reads - load.reads), now
            )

    def conflicts(self, items: Iterable[Item]) -> list[Item]:
        """Those that a running transaction holds."""
        return [item for item in items if item in self.held]

    def _left(self, key: Key, now: float) -> Load:
        full = _RATES.shared_by(1 / self.window)
        known = self._partitions.get(key)
        if known is None:
            return full
        passed = now - known.at
        return Load(
            min(full.writes, known.left.writes + passed * _RATES.writes),
            min(full.reads, known.left.reads + passed * _RATES.reads),
        )


def _is_over(left: Load, load: Load) -> bool:
    return (load.writes > 0 and left.writes <= 0) or (load.reads > 0 and left.reads <= 0)

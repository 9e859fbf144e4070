"""Totals that are kept, not counted: a change adds to them in its own transaction, so they are
exact.

They are spread over 16 items in each of the table's shards, so that transactions that have nothing
else in common rarely meet at one item, and no partition takes them all.
"""

import random
from collections.abc import Mapping

from shared.storage.dynamodb import Table, Update
from shared.storage.shards import named

_ITEMS = 16
_PARTITION = "COUNTERS"


def adding(table: Table, deltas: Mapping[str, int]) -> Update:
    """The operation that adds to the table's totals, to be put beside the change that it counts."""
    partition = named(_PARTITION, random.randrange(table.shards))  # noqa: S311  # not for secrets
    item = random.randrange(_ITEMS)  # noqa: S311
    return Update(
        {"pk": partition, "sk": f"{item:02d}"},
        "ADD " + ", ".join(f"#{name} :{name}" for name in deltas),
        values=deltas,
    )


def totals(table: Table) -> dict[str, int]:
    """All totals of the table, by one query of at most 16 items for each shard."""
    sums: dict[str, int] = {}
    for shard in range(table.shards):
        partition = {"pk": named(_PARTITION, shard)}
        for item in table.query("#pk = :pk", partition, consistent=True).items:
            for name, value in item.items():
                if name not in ("pk", "sk"):
                    sums[name] = sums.get(name, 0) + value
    return sums

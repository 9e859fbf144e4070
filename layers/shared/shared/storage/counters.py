"""Totals that are kept, not counted: a change adds to them in its own transaction, so they are
exact.

They are spread over shards, so that transactions that have nothing else in common rarely meet at
one item.
"""

import random
from collections.abc import Mapping

from shared.storage.dynamodb import Table, Update

_SHARDS = 16
_PARTITION = "COUNTERS"


def adding(deltas: Mapping[str, int]) -> Update:
    """The operation that adds to the totals, to be put beside the change that it counts."""
    shard = random.randrange(_SHARDS)  # noqa: S311  # not for secrets
    return Update(
        {"pk": _PARTITION, "sk": f"{shard:02d}"},
        "ADD " + ", ".join(f"#{name} :{name}" for name in deltas),
        values=deltas,
    )


def totals(table: Table) -> dict[str, int]:
    """All totals of the table, by one query of at most 16 items."""
    sums: dict[str, int] = {}
    for shard in table.query("#pk = :pk", {"pk": _PARTITION}, consistent=True).items:
        for name, value in shard.items():
            if name not in ("pk", "sk"):
                sums[name] = sums.get(name, 0) + value
    return sums

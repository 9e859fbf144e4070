"""Shards of a key that many writers share: a partition takes 1,000 write units a second.

The template's parameter `Shards` says how many there are. The first has the key's own name, so that
a shop with one shard stores what it stored before there were any. The number may only grow: readers
read all shards up to it, and so find what was written with fewer.
"""

from typing import Final

# Marks of work that is left, in indexes: so many partitions for each shard.
MARKS: Final = 4
_SEPARATOR: Final = "#"


def named(key: str, shard: int) -> str:
    """The key in a shard."""
    return f"{key}{_SEPARATOR}{shard}" if shard else key


def without_shard(key: str) -> str:
    """The key that `named` was given; it has no `#` itself."""
    return key.partition(_SEPARATOR)[0]

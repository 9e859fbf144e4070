"""The pages of lists, from storage to routes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Page[T, P]:
    """Items in the order of their list; the next page starts after `last`, None at the end."""

    items: list[T]
    last: P | None

    @classmethod
    def cut(cls, found: Sequence[T], limit: int, position: Callable[[T], P]) -> Self:
        """The first `limit` of the items found. They are one more, at least, if a page follows."""
        shown = list(found[:limit])
        return cls(shown, position(shown[-1]) if len(found) > limit else None)

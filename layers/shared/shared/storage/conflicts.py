"""Lost races: a write whose condition failed because another writer came first, and the one way to
retry it.
"""

from collections.abc import Callable
from typing import Any

from shared.errors import OwnError, ServiceUnavailable


class ConcurrentChange(OwnError):
    """Another writer changed the stored value after it was read; nothing was written.

    Attributes:
        current: the value as it is stored now; None if the store did not return it.
    """

    def __init__(self, current: Any = None) -> None:
        super().__init__("another writer changed the stored value first")
        self.current = current


def retry_on_conflict[V, R](
    read: Callable[[], V], write: Callable[[V], R], *, attempts: int = 5
) -> R:
    """Read a value, decide and write; after a `ConcurrentChange` do so again with the value as it
    is now.

    Args:
        read: returns the value. It is called again only if the conflict does not carry the current
            value.
        write: decides what becomes of the value, and writes it.

    Returns:
        What `write` returned.

    Raises:
        ServiceUnavailable: other writers came first at every attempt.
    """
    value = read()
    for _ in range(attempts - 1):
        try:
            return write(value)
        except ConcurrentChange as conflict:
            value = read() if conflict.current is None else conflict.current
    try:
        return write(value)
    except ConcurrentChange as conflict:
        raise ServiceUnavailable("database", retry_after=1) from conflict

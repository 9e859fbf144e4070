"""Lost races: a write whose condition failed because another writer came first, and the one way to
retry it.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from shared.errors import Contended, OwnError

# Half the shortest time-out of a function with conflicts: the caller gets an answer, and does not
# take the function for one that is down.
_LONGEST_SECONDS: Final = 3.0


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
    is now, for three seconds at most.

    Args:
        read: returns the value. It is called again only if the conflict does not carry the current
            value.
        write: decides what becomes of the value, and writes it.

    Returns:
        What `write` returned.

    Raises:
        Contended: other writers came first at every attempt.
    """
    value = read()
    ends_at = time.monotonic() + _LONGEST_SECONDS
    while True:
        try:
            return write(value)
        except ConcurrentChange as conflict:
            attempts -= 1
            if not attempts or time.monotonic() >= ends_at:
                raise Contended from conflict
            value = read() if conflict.current is None else conflict.current

"""A circuit breaker that one environment keeps in memory, for calls of workers: no client waits for
them."""

from datetime import datetime, timedelta

from shared.runtime import clock
from shared.runtime.clock import Clock


class LocalCircuit:
    """Opens after `failures` failed calls in a row, and stays open for `pause`; then each failure
    opens it again.

    Attributes:
        failed_at: when the last call failed; None if it succeeded.
    """

    def __init__(self, *, failures: int, pause: timedelta, now: Clock = clock.now) -> None:
        self._most_failures = failures
        self._pause = pause
        self._now = now
        self._failures = 0
        self.failed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the service should not be called now."""
        if self.failed_at is None or self._failures < self._most_failures:
            return False
        return self._now() < self.failed_at + self._pause

    def failed(self) -> None:
        """A call was not answered, or the service answered that it is down."""
        self._failures += 1
        self.failed_at = self._now()

    def succeeded(self) -> None:
        """A call was answered, also if by a refusal."""
        self._failures = 0
        self.failed_at = None

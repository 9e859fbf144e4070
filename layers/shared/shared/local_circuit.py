"""A circuit breaker that one environment keeps in memory, for calls that nobody waits for."""

from datetime import datetime, timedelta

from shared import clock
from shared.clock import Clock


class LocalCircuit:
    """Opens after so many calls in a row that failed, and stays open for so long; then each failure opens it again.

    Args:
        failures: how many calls in a row fail before it opens.
        pause: how long it stays open after the last failure.
        now: the clock.

    Attributes:
        failed_at: when a call failed last, None if none has since one succeeded.
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
        """A call was answered, be it by a refusal."""
        self._failures = 0
        self.failed_at = None

"""The tests' clock."""

from datetime import UTC, datetime, timedelta
from typing import Final

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        """Let time pass; the arguments are those of `timedelta`."""
        self.now += timedelta(**time)

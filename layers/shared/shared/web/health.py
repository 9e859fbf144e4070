"""What a service says of itself, for the health routes: its own figures, and the answering
environment's."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel

from shared.runtime import clock, logging
from shared.runtime.clock import Clock

_KEPT_FOR: Final = timedelta(seconds=3)

_started = time.monotonic()


def start_clock() -> None:
    """The environment starts now, and not when this module was loaded."""
    global _started  # noqa: PLW0603  # a process has one start
    _started = time.monotonic()


class Kept[T]:
    """A value that an environment loads at most once in three seconds, so that frequent requests
    for it cost little. A failure to load it is not kept."""

    def __init__(self, now: Clock = clock.now) -> None:
        self._now = now
        self._kept: tuple[datetime, T] | None = None

    def get(self, load: Callable[[], T]) -> T:
        """The value; `load` returns it as it is now."""
        now = self._now()
        if self._kept is None or not timedelta() <= now - self._kept[0] < _KEPT_FOR:
            self._kept = now, load()
        return self._kept[1]


type Figures = Mapping[str, Any]


class Health(BaseModel):
    """A service's health. A service adds its figures as fields that are `omitted_if_none`: where
    they cannot be had, it is degraded.

    `uptime_seconds` is since this environment started; `memory_mb` is the most that it has used.
    """

    status: Literal["healthy", "degraded"]
    uptime_seconds: float
    memory_mb: float


def report[H: Health](kind: type[H], kept: Kept[Figures], figures: Callable[[], Figures]) -> H:
    """The health of a service whose figures `figures` returns, as they were up to three seconds
    ago."""
    environment = {
        "uptime_seconds": round(time.monotonic() - _started, 3),
        "memory_mb": round(_peak_kilobytes() / 1024, 1),
    }
    try:
        own = kept.get(figures)
    except Exception:  # noqa: BLE001  # whatever keeps the figures away, the answer is that they are away
        logging.logger().exception("the figures could not be loaded")
        return kind(status="degraded", **environment)
    return kind(status="healthy", **own, **environment)


def _peak_kilobytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak  # macOS counts in bytes

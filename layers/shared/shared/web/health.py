"""What a service says of itself, for the health routes: its own figures, and the answering
environment's."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from shared.runtime import logging

_started = time.monotonic()


def start_clock() -> None:
    """The environment starts now, and not when this module was loaded."""
    global _started  # noqa: PLW0603  # a process has one start
    _started = time.monotonic()


class Health(BaseModel):
    """A service's health. A service adds its figures as fields that are `omitted_if_none`: where
    they cannot be had, it is degraded.

    `uptime_seconds` is since this environment started; `memory_mb` is the most that it has used.
    """

    status: Literal["healthy", "degraded"]
    uptime_seconds: float
    memory_mb: float


def report[H: Health](kind: type[H], figures: Callable[[], Mapping[str, Any]]) -> H:
    """The health of a service whose figures `figures` gives."""
    environment = {
        "uptime_seconds": round(time.monotonic() - _started, 3),
        "memory_mb": round(_peak_kilobytes() / 1024, 1),
    }
    try:
        own = figures()
    except Exception:  # noqa: BLE001  # whatever keeps the figures away, the answer is that they are away
        logging.logger().exception("the figures could not be loaded")
        return kind(status="degraded", **environment)
    return kind(status="healthy", **own, **environment)


def _peak_kilobytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak  # macOS counts in bytes

"""What an environment can say of itself, for the health routes."""

import resource
import sys
import time
from typing import TypedDict

_STARTED = time.monotonic()


class Vitals(TypedDict):
    """Seconds since this environment started, and the most memory it has used, in MB."""

    uptime_seconds: float
    memory_mb: float


def vitals() -> Vitals:
    """This environment's figures now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kilobytes = peak / 1024 if sys.platform == "darwin" else peak  # macOS counts in bytes
    return {
        "uptime_seconds": round(time.monotonic() - _STARTED, 3),
        "memory_mb": round(kilobytes / 1024, 1),
    }

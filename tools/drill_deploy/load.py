"""Customers who look at the catalogue while a deployment is under way."""

import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import httpx

_PATH: Final = "/api/v1/products?limit=5"
_CUSTOMERS: Final = 4


@dataclass(frozen=True)
class Seen:
    """A request: when it was answered (monotonic seconds), how slowly, and whether it failed."""

    at: float
    milliseconds: float
    failed: bool


class Load:
    """A steady load on a shop, from `with` to its end."""

    def __init__(self, url: str, *, per_second: float) -> None:
        self._url = url
        self._pause = _CUSTOMERS / per_second
        self._seen: list[Seen] = []
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(_CUSTOMERS)

    def __enter__(self) -> "Load":
        for _ in range(_CUSTOMERS):
            self._pool.submit(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()

    def between(self, begin: float, end: float) -> Sequence[Seen]:
        """The requests that were answered in this time."""
        return [one for one in self._seen if begin <= one.at < end]

    def _look(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            while not self._ended.wait(self._pause):
                started = time.monotonic()
                try:
                    failed = client.get(_PATH).status_code >= 500
                except httpx.HTTPError:
                    failed = True
                now = time.monotonic()
                self._seen.append(Seen(now, (now - started) * 1000, failed))


def share_of_failed(seen: Sequence[Seen]) -> float:
    return sum(one.failed for one in seen) / max(len(seen), 1)


def p99(seen: Sequence[Seen]) -> float:
    """In milliseconds."""
    durations = sorted(one.milliseconds for one in seen)
    return durations[math.ceil(0.99 * len(durations)) - 1]

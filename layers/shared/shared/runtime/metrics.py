"""Business and health figures as CloudWatch's embedded metric format: log lines, so no call is made
for them.

CloudWatch charges each name with each value of a dimension, for each hour in which it is written.
So all functions write with the same dimension, and there is no figure that nothing reads, nor one
that AWS measures for nothing.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

SERVICE: Final = "shop"
"""The value of the dimension `service`."""


@cache
def _of(_thread: int) -> EphemeralMetrics:
    return EphemeralMetrics(service=SERVICE)


def _metrics() -> EphemeralMetrics:
    """Those of this thread: Lambda has one, a local server may have more, and Powertools' own are
    the process's."""
    return _of(threading.get_ident())


def count(name: str, value: int = 1) -> None:
    """Count something that happened, such as `OrdersPlaced`."""
    _metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def seconds(name: str, value: float) -> None:
    """How long something has been going on."""
    _metrics().add_metric(name=name, unit=MetricUnit.Seconds, value=value)


def flush() -> None:
    """Write what was counted since the last flush, as one line; nothing where nothing was."""
    if _metrics().metric_set:
        _metrics().flush_metrics()


@contextmanager
def dropped() -> Iterator[None]:
    """What is counted and flushed meanwhile is written nowhere."""
    with redirect_stdout(io.StringIO()):
        yield

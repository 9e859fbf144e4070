"""Business and health figures as CloudWatch's embedded metric format: log lines, so no call is made for them."""

from functools import cache

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit


@cache
def _metrics() -> Metrics:
    return Metrics()


def count(name: str, value: int = 1) -> None:
    """Count something that happened, such as `OrdersPlaced`."""
    _metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def milliseconds(name: str, value: float) -> None:
    """How long something took."""
    _metrics().add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)


def flush() -> None:
    """Write what was counted since the last flush, as one line; nothing where nothing was."""
    if _metrics().metric_set:
        _metrics().flush_metrics()

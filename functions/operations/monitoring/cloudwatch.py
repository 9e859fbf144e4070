"""Alarms and metrics of the shop in CloudWatch."""

from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from operations.monitoring.models import AlarmReport, Point, Series
from shared.runtime import clock, metrics
from shared.runtime.clock import Clock

ALARM_STATES: Final = ("ok", "alarm", "insufficient_data")

# Each series: CloudWatch's metric, and its statistic.
_OF_API: Final = {
    "requests": ("Count", "Sum"),
    "client_errors": ("4XXError", "Sum"),
    "server_errors": ("5XXError", "Sum"),
    "latency_p50": ("Latency", "p50"),
    "latency_p99": ("Latency", "p99"),
}
_OF_SHOP: Final = {
    "orders_placed": ("OrdersPlaced", "Sum"),
    "orders_confirmed": ("OrdersConfirmed", "Sum"),
    "orders_cancelled": ("OrdersCancelled", "Sum"),
}
SERIES: Final = (*_OF_API, *_OF_SHOP)
_MINUTE: Final = timedelta(minutes=1)
# The longest time that is shown by the minute.
_BY_MINUTE: Final = 3


class CloudWatchClient(Protocol):
    """What is needed of CloudWatch's client."""

    def describe_alarms(self, **request: Any) -> dict[str, Any]: ...

    def get_metric_data(self, **request: Any) -> dict[str, Any]: ...


class CloudWatch:
    """Reads what CloudWatch has of one stack.

    Args:
        stack: the stack's name, with which the names of its alarms begin, and which its API has.
        stage: the API's stage.
    """

    def __init__(
        self, client: CloudWatchClient, stack: str, stage: str, now: Clock = clock.now
    ) -> None:
        self._client = client
        self._stack = stack
        self._stage = stage
        self._now = now

    def alarms(self) -> list[AlarmReport]:
        """All alarms and incidents of the stack, those that ring first."""
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            answer = self._client.describe_alarms(
                AlarmNamePrefix=self._prefix,
                AlarmTypes=["CompositeAlarm", "MetricAlarm"],
                MaxRecords=100,
                **more,
            )
            found += [*answer.get("CompositeAlarms", ()), *answer.get("MetricAlarms", ())]
            if not answer.get("NextToken"):
                break
            more = {"NextToken": answer["NextToken"]}
        # The states sort as they matter.
        return sorted(map(self._report, found), key=lambda one: (one.state, one.name))

    @property
    def _prefix(self) -> str:
        return f"{self._stack} - "

    def _report(self, alarm: dict[str, Any]) -> AlarmReport:
        since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
        return AlarmReport(
            name=alarm["AlarmName"].removeprefix(self._prefix),
            state=alarm["StateValue"].lower(),
            since=clock.rfc3339(since),
            reason=alarm.get("StateReason", ""),
            # The template writes "<what is wrong>: <page>".
            runbook=alarm.get("AlarmDescription", "").rpartition(": ")[2],
        )

    def metrics(self, hours: int) -> tuple[int, list[Series]]:
        """The figures of the last hours, and their period in seconds."""
        period = _MINUTE if hours <= _BY_MINUTE else 5 * _MINUTE
        seconds = int(period.total_seconds())
        end = self._now()
        answer = self._client.get_metric_data(
            MetricDataQueries=[self._query(name, seconds) for name in SERIES],
            # CloudWatch answers faster at whole periods.
            StartTime=_floor(end - timedelta(hours=hours), seconds),
            EndTime=end,
            ScanBy="TimestampAscending",
        )
        results = {one["Id"]: one for one in answer["MetricDataResults"]}
        return seconds, [_series(name, results.get(name, {})) for name in SERIES]

    def _query(self, name: str, seconds: int) -> dict[str, Any]:
        metric, statistic = (_OF_API | _OF_SHOP)[name]
        if name in _OF_API:
            namespace = "AWS/ApiGateway"
            dimensions = {"ApiName": self._stack, "Stage": self._stage}
        else:
            # As the template names it to Powertools.
            namespace = f"Bodega/{self._stack}"
            dimensions = {"service": metrics.SERVICE}
        return {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
                },
                "Period": seconds,
                "Stat": statistic,
            },
        }


def _floor(moment: datetime, seconds: int) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % seconds)


def _series(name: str, result: dict[str, Any]) -> Series:
    points = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True)
    return Series(
        name,
        "milliseconds" if name.startswith("latency") else "count",
        tuple(Point(clock.rfc3339(at), value) for at, value in sorted(points)),
    )

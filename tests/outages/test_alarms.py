"""Each alarm watches a metric that AWS publishes or functions emit, with a statistic that fits."""

from collections.abc import Iterable
from typing import Final

import pytest

from tests.costs.meter import Run, opened
from tests.outages.alarms import Alarm, Metric, alarms, emitted
from tests.simulation.resources import SWEEPERS
from tools.template import template

# What AWS publishes by itself: the dimensions, and the statistics that mean something. "Types of
# metrics for Lambda functions", "Available CloudWatch metrics for Amazon SQS".
_OF_AWS: Final = {
    # 0 or 1 for each request, so that the average is a share.
    ("AWS/ApiGateway", "5XXError"): ({"ApiName", "Stage"}, {"Average", "Sum"}),
    ("AWS/ApiGateway", "Latency"): ({"ApiName", "Stage"}, {"p50", "p99"}),
    ("AWS/Lambda", "IteratorAge"): ({"FunctionName"}, {"Maximum", "Average"}),
    # 0 or 1 for each run: the smallest is 1 if all failed.
    ("AWS/Lambda", "Errors"): ({"FunctionName"}, {"Sum", "Minimum"}),
    # Of all functions of the account in the region.
    ("AWS/Lambda", "Throttles"): (set(), {"Sum"}),
    ("AWS/Lambda", "ClaimedAccountConcurrency"): (set(), {"Maximum"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ({"QueueName"}, {"Maximum", "Sum"}),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ({"QueueName"}, {"Maximum"}),
}


def _units(runs: Iterable[Run]) -> dict[Metric, str]:
    return {
        metric: unit
        for run in runs
        for line in run.lines
        for metric, unit, _ in emitted(run.function, line)
    }


_WATCHING_AWS: Final = {
    name: alarm for name, alarm in alarms().items() if alarm.metric[0].startswith("AWS/")
}


@pytest.mark.parametrize(("name", "alarm"), _WATCHING_AWS.items(), ids=_WATCHING_AWS)
def test_an_alarm_watches_a_metric_that_aws_publishes(name: str, alarm: Alarm) -> None:
    """tests/outages/test_causes.py has those of functions."""
    namespace, metric, dimensions = alarm.metric
    names, statistics = _OF_AWS[namespace, metric]
    assert {key for key, _ in dimensions} == names
    values = {value for key, value in dimensions if key not in ("ApiName", "Stage")}
    assert values <= template()["Resources"].keys()
    assert alarm.statistic in statistics


@pytest.mark.parametrize(("name", "alarm"), alarms().items(), ids=alarms())
def test_missing_data_rings_where_it_means_that_a_sweeper_does_not_run(
    name: str, alarm: Alarm
) -> None:
    runs = {("AWS/Lambda", "Errors", frozenset({("FunctionName", each)})) for each in SWEEPERS}
    assert alarm.is_breaching([]) is (alarm.metric in runs)


def test_sweepers_emit_nothing_when_there_is_nothing_to_do() -> None:
    """A metric is charged for each hour in which it is written."""
    with opened() as shop:
        shop.forget()
        for sweeper in SWEEPERS:
            shop.tick(sweeper)
        assert _units(shop.runs) == {}


@pytest.mark.parametrize("sweeper", SWEEPERS)
def test_sweeper_that_fails_always_rings_and_one_that_fails_once_does_not(sweeper: str) -> None:
    metric = "AWS/Lambda", "Errors", frozenset({("FunctionName", sweeper)})
    [alarm] = [alarm for alarm in alarms().values() if alarm.metric == metric]
    assert alarm.is_breaching([1, 1, 1])
    assert not alarm.is_breaching([1, 0, 1])


@pytest.mark.parametrize(
    ("name", "periods", "rings"),
    [
        # Two of three, missing data does not breach: "How alarm state is evaluated when data is
        # missing", which reads five.
        ("EventsStuckAlarm", "0-X-X", True),
        ("EventsStuckAlarm", "X---X", True),
        ("EventsStuckAlarm", "0-X--", False),
        ("EventsStuckAlarm", "---X-", False),
        ("EventsStuckAlarm", "XX000", False),
        # Two of two, missing data breaches.
        ("OrdersSweeperAlarm", "0---", False),
        ("OrdersSweeperAlarm", "----", True),
        ("OrdersSweeperAlarm", "00XX", True),
    ],
)
def test_missing_periods_are_passed_over_as_cloudwatch_does(
    name: str, periods: str, rings: bool
) -> None:
    alarm = alarms()[name]
    points = [
        (place * float(alarm.properties["Period"]), {"0": 0.0, "X": 1.0}[found])
        for place, found in enumerate(periods, start=1)
        if found != "-"
    ]
    assert alarm.rings(points, len(periods) * alarm.properties["Period"]) is rings

"""Each alarm watches a metric that is emitted, with a statistic that fits it."""

from collections.abc import Iterable
from typing import Final

import pytest

from tests.costs.meter import MeteredShop, Run, opened
from tests.outages.alarms import Alarm, Metric, alarms, emitted
from tests.simulation.resources import SWEEPERS
from tools.template import template

# What AWS publishes by itself: the dimensions, and the statistics that mean something. "Types of
# metrics for Lambda functions", "Available CloudWatch metrics for Amazon SQS".
_OF_AWS: Final = {
    ("AWS/Lambda", "IteratorAge"): ({"FunctionName"}, {"Maximum", "Average"}),
    ("AWS/Lambda", "Errors"): ({"FunctionName"}, {"Sum"}),
    ("AWS/Lambda", "Throttles"): ({"FunctionName"}, {"Sum"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ({"QueueName"}, {"Maximum", "Sum"}),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ({"QueueName"}, {"Maximum"}),
}
# A count is added up, and of durations the longest counts.
_STATISTIC_OF: Final = {
    "Count": {"Sum", "Maximum"},
    "Seconds": {"Maximum"},
    "Milliseconds": {"Maximum"},
}


@pytest.fixture(scope="module")
def at_each_tick() -> set[Metric]:
    """What the sweepers emit when there is nothing to do."""
    with opened() as shop:
        for sweeper in SWEEPERS:
            shop.tick(sweeper)
        return set(_units(shop.runs))


@pytest.fixture(scope="module")
def in_trouble() -> dict[Metric, str]:
    """The unit of each metric that is emitted while everything goes wrong that an alarm is there
    for."""
    with opened() as shop:
        _let_things_go_wrong(shop)
        return _units(shop.runs)


def _units(runs: Iterable[Run]) -> dict[Metric, str]:
    return {
        metric: unit
        for run in runs
        for line in run.lines
        for metric, unit, _ in emitted(run.function, line)
    }


def _let_things_go_wrong(shop: MeteredShop) -> None:
    body = {"email": "carla@example.com", "password": "no password of Carla's"}
    assert shop.anyone.post("/api/v1/auth/login", json=body).status_code == 401
    token = {"refresh_token": shop.customer.refresh_token}
    for status in (200, 401):
        assert shop.anyone.post("/api/v1/auth/refresh", json=token).status_code == status
    shop.place(payment_token="tok_declined")
    with shop.refusing("sesv2.SendEmail", code="TooManyRequestsException"):
        shop.settle()
    shop.come_to_rest()
    shop.place(payment_token="tok_unavailable")
    shop.come_to_rest()
    _break_a_reservation(shop)
    shop.pass_every_deadline()


def _break_a_reservation(shop: MeteredShop) -> None:
    """A reservation holds more than its product has taken."""
    with shop.refusing("dynamodb.TransactWriteItems", about="OrdersTable"):
        shop.customer.try_order((shop.mug, 1), key="abandoned")
    table = shop.cloud.dynamodb.tables["ProductsTable"]
    for key, item in table.items.items():
        if item.get("state") == {"S": "held"}:
            [line] = item["lines"]["L"]
            many = {"M": {**line["M"], "quantity": {"N": "900"}}}
            table.change(key, {**item, "lines": {"L": [many]}}, 0)


@pytest.mark.parametrize(("name", "alarm"), alarms().items(), ids=alarms())
def test_an_alarm_watches_a_metric_that_is_emitted(
    in_trouble: dict[Metric, str], name: str, alarm: Alarm
) -> None:
    namespace, metric, dimensions = alarm.metric
    if namespace.startswith("AWS/"):
        names, statistics = _OF_AWS[namespace, metric]
        assert {key for key, _ in dimensions} == names
        assert {value for _, value in dimensions} <= template()["Resources"].keys()
    else:
        assert alarm.metric in in_trouble, f"nothing of _let_things_go_wrong emits {metric}"
        statistics = _STATISTIC_OF[in_trouble[alarm.metric]]
    assert alarm.properties["Statistic"] in statistics


@pytest.mark.parametrize(("name", "alarm"), alarms().items(), ids=alarms())
def test_missing_data_rings_where_sweepers_emit_at_each_tick(
    at_each_tick: set[Metric], name: str, alarm: Alarm
) -> None:
    assert alarm.is_breaching([]) is (alarm.metric in at_each_tick)

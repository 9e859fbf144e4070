"""Each alarm watches a metric that is emitted, with a statistic that fits it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import pytest

from shared.runtime import clock
from tests.costs.meter import MeteredShop, Run, opened
from tests.outages.alarms import Alarm, Metric, alarms, emitted
from tests.simulation.resources import SWEEPERS
from tests.support import stripe
from tools.template import template

# What AWS publishes by itself: the dimensions, and the statistics that mean something. "Types of
# metrics for Lambda functions", "Available CloudWatch metrics for Amazon SQS".
_OF_AWS: Final = {
    ("AWS/Lambda", "IteratorAge"): ({"FunctionName"}, {"Maximum", "Average"}),
    # 0 or 1 for each run: the smallest is 1 if all failed.
    ("AWS/Lambda", "Errors"): ({"FunctionName"}, {"Sum", "Minimum"}),
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
    shop.place()
    with shop.refusing("sns.PublishBatch"):
        shop.settle()
        shop.pass_time(timedelta(minutes=2))
        for sweeper in SWEEPERS:
            shop.tick(sweeper)
    shop.come_to_rest()
    _break_a_reservation(shop)
    _send_webhooks(shop)
    shop.pass_every_deadline()


def _send_webhooks(shop: MeteredShop) -> None:
    for type_, at in (
        ("charge.dispute.created", clock.now()),
        ("payout.failed", clock.now()),
        ("payout.failed", clock.now() - timedelta(hours=1)),
    ):
        body = stripe.report(None, type_)
        shop.anyone.http.post(stripe.PATH, content=body, headers=stripe.signed(body, at=at))


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

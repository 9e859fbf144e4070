"""Each alarm watches a metric that is emitted, and rings and ends as CloudWatch documents it."""

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from unittest.mock import patch

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from shared.runtime import metrics
from tests.outages.alarms import Alarm, Alarms, Rule, alarms
from tests.simulation.shop import SimulatedShop, opened
from tests.simulation.wire import current
from tools.lambda_environment import whole
from tools.template import template

_BEGINNING: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_POINTS: Final = {"0": False, "X": True, "-": None}
# "How alarm state is evaluated when data is missing": the periods, the newest last, and whether the
# alarm rings where missing data is breaching, and where it is not.
_3_OF_3: Final = {
    "0-X-X": (False, False),
    "0----": (False, False),
    "-----": (True, False),
    "0XX-X": (True, True),
    "--X--": (True, False),
}
_2_OF_3: Final = {
    "0-X-X": (True, True),
    "00X0X": (True, True),
    "0-X--": (True, False),
    "----0": (True, False),
    "---X-": (True, False),
}


@pytest.mark.parametrize("treatment", ["breaching", "notBreaching"])
@pytest.mark.parametrize(
    ("needed", "points", "expected"),
    [
        (needed, points, rings)
        for needed, table in ((3, _3_OF_3), (2, _2_OF_3))
        for points, rings in table.items()
    ],
)
def test_an_alarm_rings_where_cloudwatch_documents_it(
    needed: int, points: str, expected: tuple[bool, bool], treatment: str
) -> None:
    rule = Rule(3, needed, treatment, evaluation_range=5)
    assert rule.rings([_POINTS[p] for p in points]) is expected[treatment == "notBreaching"]


def test_the_alarms_of_the_template_ring_and_end() -> None:
    """A dead letter, and events that waited for six minutes."""
    fed = Alarms()
    rang: dict[str, list[int]] = {}
    for minute in range(60):
        now = _BEGINNING + timedelta(minutes=minute)
        dead = 1.0 if 10 <= minute < 20 else 0.0
        queue = {"QueueName": "CheckoutDeadLetters"}
        fed.feed("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, dead, now)
        if 30 <= minute < 35:
            relay = {"FunctionName": "OrdersRelay"}
            fed.feed("AWS/Lambda", "IteratorAge", relay, 360_000, now)
        for name in fed.ringing(now + timedelta(seconds=59)):
            rang.setdefault(name, []).append(minute)
    # Each is evaluated in the minute after its data.
    assert rang.pop("CheckoutDeadLettersAlarm") == [*range(11, 25)]
    assert rang.pop("OrdersRelayAgeAlarm") == [*range(31, 41)]
    # The others ring because the sweepers emit nothing.
    assert {alarms()[name].rule.treat_missing_data for name in rang} == {"breaching"}


# What AWS publishes by itself: the dimensions, and the statistics that mean something. "Types of
# metrics for Lambda functions", "Available CloudWatch metrics for Amazon SQS", "Amazon SNS
# metrics", "DynamoDB metrics and dimensions".
_OF_AWS: Final = {
    ("AWS/Lambda", "IteratorAge"): ({"FunctionName"}, {"Maximum", "Average"}),
    ("AWS/Lambda", "Errors"): ({"FunctionName"}, {"Sum"}),
    ("AWS/Lambda", "Throttles"): ({"FunctionName"}, {"Sum"}),
    ("AWS/Lambda", "Invocations"): ({"FunctionName"}, {"Sum"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ({"QueueName"}, {"Maximum", "Sum"}),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ({"QueueName"}, {"Maximum"}),
    ("AWS/SNS", "NumberOfNotificationsFailed"): ({"TopicName"}, {"Sum"}),
}
# A count is added up, and of durations the longest counts.
_STATISTIC_OF: Final = {
    "Count": {"Sum", "Maximum"},
    "Seconds": {"Maximum"},
    "Milliseconds": {"Maximum"},
}


@cache
def _metrics_of(function: str) -> EphemeralMetrics:
    variables = whole(function, {name: name for name in template()["Resources"]})
    return EphemeralMetrics(
        service=variables["POWERTOOLS_SERVICE_NAME"],
        namespace=variables["POWERTOOLS_METRICS_NAMESPACE"],
    )


def _metrics_of_the_function() -> EphemeralMetrics:
    """Those of the function that runs, as if it had a process of its own."""
    invocation = current.get()
    assert invocation
    return _metrics_of(invocation.function)


@pytest.fixture(scope="module")
def emitted() -> dict[Any, str]:
    """The unit of each metric that was emitted while the shop did all that an alarm is there
    for."""
    printed = io.StringIO()
    with (
        opened() as shop,
        patch.object(metrics, "_of", lambda _thread: _metrics_of_the_function()),
        redirect_stdout(printed),
    ):
        _let_things_go_wrong(shop)
    found = {}
    for line in printed.getvalue().splitlines():
        printed_line = json.loads(line) if '"_aws"' in line else {"_aws": {"CloudWatchMetrics": ()}}
        for directive in printed_line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, printed_line[name]) for name in names)
                for metric in directive["Metrics"]:
                    found[directive["Namespace"], metric["Name"], dimensions] = metric["Unit"]
    return found


def _let_things_go_wrong(shop: SimulatedShop) -> None:
    body = {"email": "carla@example.com", "password": "no password of Carla's"}
    assert shop.anyone.post("/api/v1/auth/login", json=body).status_code == 401
    token = {"refresh_token": shop.customer.refresh_token}
    for status in (200, 401):
        assert shop.anyone.post("/api/v1/auth/refresh", json=token).status_code == status
    shop.order((shop.mug, 1), key="declined", payment_token="tok_declined")
    with shop.refusing("sesv2.SendEmail", code="TooManyRequestsException"):
        shop.settle()
    shop.come_to_rest()
    shop.order((shop.mug, 1), key="unpaid", payment_token="tok_unavailable")
    shop.come_to_rest()
    _break_the_books(shop)
    # What the sweepers say at each tick.
    shop.pass_every_deadline()


def _break_the_books(shop: SimulatedShop) -> None:
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
    emitted: dict[Any, str], name: str, alarm: Alarm
) -> None:
    namespace, metric, dimensions = alarm.metric
    if namespace.startswith("AWS/"):
        names, statistics = _OF_AWS[namespace, metric]
        assert {key for key, _ in dimensions} == names
        assert {value for _, value in dimensions} <= template()["Resources"].keys()
    else:
        assert alarm.metric in emitted, f"nothing of _let_things_go_wrong emits {metric}"
        statistics = _STATISTIC_OF[emitted[alarm.metric]]
    assert alarm.statistic in statistics

"""The alarms' evaluator keeps to the examples of CloudWatch's documentation, and each alarm watches what is emitted."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from shared.runtime import metrics
from tests.outages.alarms import Alarm, Alarms, Rule, State, alarms
from tests.simulation.shop import SimulatedShop, opened
from tools.lambda_environment import whole
from tools.template import template

_BEGINNING: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_TREATMENTS: Final = ("missing", "ignore", "breaching", "notBreaching")
_POINTS: Final = {"0": False, "X": True, "-": None}
# "How alarm state is evaluated when data is missing": the periods, the newest last, and the state for each treatment of missing data.
_3_OF_3: Final = {
    "0-X-X": ("OK", "OK", "OK", "OK"),
    "0----": ("OK", "OK", "OK", "OK"),
    "-----": ("INSUFFICIENT_DATA", "stays", "ALARM", "OK"),
    "0XX-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "--X--": ("ALARM", "stays", "ALARM", "OK"),
}
_2_OF_3: Final = {
    "0-X-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "00X0X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0-X--": ("OK", "OK", "ALARM", "OK"),
    "----0": ("OK", "OK", "ALARM", "OK"),
    "---X-": ("ALARM", "stays", "ALARM", "OK"),
}
# "Avoiding premature transitions to alarm state"
_PREMATURE: Final = {"----X": "stays", "---X-": "stays", "---X0": "OK", "--X-0": "OK"}


@pytest.mark.parametrize(
    ("needed", "points", "treatment", "expected"),
    [
        (needed, points, treatment, state)
        for needed, table in ((3, _3_OF_3), (2, _2_OF_3))
        for points, states in table.items()
        for treatment, state in zip(_TREATMENTS, states, strict=True)
    ]
    + [(3, points, "missing", state) for points, state in _PREMATURE.items()],
)
@pytest.mark.parametrize("current", ["OK", "ALARM"])
def test_an_alarm_goes_where_cloudwatch_documents(
    needed: int, points: str, treatment: str, expected: str, current: State
) -> None:
    rule = Rule(3, needed, treatment, evaluation_range=5)
    state = rule.state([_POINTS[point] for point in points], current)
    assert state == (current if expected == "stays" else expected)


def _alarm(**changed: Any) -> Alarm:
    return Alarm(
        {
            "Namespace": "N",
            "MetricName": "M",
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **changed,
        }
    )


def _minutes(alarm: Alarm, values: dict[int, list[float]], until: int) -> list[int]:
    """The minutes at whose end the alarm rings."""
    told = {minute * 60: found for minute, found in values.items()}
    ringing = []
    for minute in range(1, until + 1):
        alarm.evaluate(told, minute * 60)
        if alarm.state == "ALARM":
            ringing.append(minute)
    return ringing


def test_an_alarm_of_five_minutes_is_evaluated_each_minute_over_the_last_five() -> None:
    # As in the example of "Alarm evaluation settings".
    alarm = _alarm()
    values = {minute: [4.0 if 2 <= minute < 5 else 0.0] for minute in range(20)}
    assert _minutes(alarm, values, 20) == [5, 6, 7]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", 9), ("Maximum", 5), ("Minimum", 1), ("Average", 3), ("SampleCount", 3)],
)
def test_a_statistic_is_of_all_values_of_a_period(statistic: str, expected: float) -> None:
    values = {0: [5.0], 60: [1.0, 3.0]}
    for threshold, is_breaching in ((expected, True), (expected + 0.5, False)):
        alarm = _alarm(
            Statistic=statistic,
            Threshold=threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        alarm.evaluate(values, 300)
        assert (alarm.state == "ALARM") is is_breaching


def test_a_metric_that_stops_is_judged_by_its_last_data_for_a_while() -> None:
    # Two periods more than are needed: until then, an alarm to which missing data is breaching stays calm.
    alarm = _alarm(TreatMissingData="breaching")
    assert _minutes(alarm, {minute: [0.0] for minute in range(20)}, 40) == [*range(35, 41)]


def test_a_filled_metric_is_never_missing() -> None:
    alarm = Alarm(
        {
            "Metrics": [
                {"Id": "filled", "Expression": "FILL(age, 99)"},
                {
                    "Id": "age",
                    "ReturnData": False,
                    "MetricStat": {
                        "Metric": {"Namespace": "N", "MetricName": "M"},
                        "Period": 60,
                        "Stat": "Maximum",
                    },
                },
            ],
            "EvaluationPeriods": 3,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
        }
    )
    assert _minutes(alarm, {minute: [0.0] for minute in range(20)}, 25) == [23, 24, 25]


@pytest.mark.parametrize("missing", [None, "missing", "ignore"])
def test_an_alarm_on_a_table_stays_as_it_is_without_data(missing: str | None) -> None:
    given = {"TreatMissingData": missing} if missing else {}
    alarm = Alarm({k: v for k, v in _alarm().properties.items() if k != "TreatMissingData"} | given)
    table = Alarm(dict(alarm.properties) | {"Namespace": "AWS/DynamoDB"})
    assert alarm.rule.treat_missing_data == (missing or "missing")
    assert table.rule.treat_missing_data == (missing or "ignore")


def test_the_template_s_alarms_ring_and_end() -> None:
    """A dead letter, and events that waited for six minutes."""
    told = Alarms()
    rang: dict[str, list[int]] = {}
    for minute in range(60):
        now = _BEGINNING + timedelta(minutes=minute)
        dead = 1.0 if 10 <= minute < 20 else 0.0
        queue = {"QueueName": "CheckoutDeadLetters"}
        told.feed("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, dead, now)
        if 30 <= minute < 35:
            relay = {"FunctionName": "OrdersRelay"}
            told.feed("AWS/Lambda", "IteratorAge", relay, 360_000, now)
        for name, rings in told.states(now + timedelta(seconds=59)).items():
            if rings:
                rang.setdefault(name, []).append(minute)
    # Each is judged in the minute after its data.
    assert rang.pop("CheckoutDeadLettersAlarm") == [*range(11, 25)]
    assert rang.pop("OrdersRelayAgeAlarm") == [*range(31, 41)]
    # The others wait for what the sweepers emit at each tick.
    assert {alarms()[name].rule.treat_missing_data for name in rang} == {"breaching"}


def test_a_function_s_line_is_fed_as_lambda_would_print_it() -> None:
    told = Alarms()
    printed = io.StringIO()
    with redirect_stdout(printed), patch.object(metrics, "_of", _Fleet().of):
        metrics.count("LogInsFailed", 101)
        metrics.flush()
    told.feed_log("no JSON", _BEGINNING)
    told.feed_log('{"level":"INFO"}', _BEGINNING)
    told.feed_log(printed.getvalue(), _BEGINNING, function="UsersApi")
    assert told.states(_BEGINNING + timedelta(minutes=1))["FailedLogInsAlarm"]
    # From another function it is another metric.
    told = Alarms()
    told.feed_log(printed.getvalue(), _BEGINNING, function="OrdersApi")
    assert not told.states(_BEGINNING + timedelta(minutes=1))["FailedLogInsAlarm"]


# --- what is watched is emitted ---

# What AWS publishes by itself: the dimensions, and the statistics that mean something. "Types of metrics for Lambda functions",
# "Available CloudWatch metrics for Amazon SQS", "Amazon SNS metrics", "DynamoDB metrics and dimensions".
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


class _Fleet:
    """Each function's metrics, as in a process of its own with the variables that Lambda gives it."""

    def __init__(self) -> None:
        self.running = ["UsersApi"]
        self._made: dict[str, EphemeralMetrics] = {}

    def of(self, _thread: int) -> EphemeralMetrics:
        name = self.running[-1]
        if name not in self._made:
            variables = whole(name, {name: name for name in template()["Resources"]})
            self._made[name] = EphemeralMetrics(
                service=variables["POWERTOOLS_SERVICE_NAME"],
                namespace=variables["POWERTOOLS_METRICS_NAMESPACE"],
            )
        return self._made[name]

    @contextmanager
    def following(self, shop: SimulatedShop) -> Iterator[None]:
        """Each invocation's metrics are its function's."""
        invoke = shop.invoke

        def followed(name: str, event: dict[str, Any]) -> Any:
            self.running.append(name)
            try:
                return invoke(name, event)
            finally:
                self.running.pop()

        with patch.object(shop, "invoke", followed), patch.object(metrics, "_of", self.of):
            yield


@pytest.fixture(scope="module")
def emitted() -> dict[Any, str]:
    """The unit of each metric that was emitted while the shop did all that an alarm is there for."""
    printed = io.StringIO()
    with opened() as shop, _Fleet().following(shop), redirect_stdout(printed):
        _let_things_go_wrong(shop)
    found = {}
    for line in printed.getvalue().splitlines():
        told = json.loads(line) if '"_aws"' in line else {"_aws": {"CloudWatchMetrics": ()}}
        for directive in told["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, told[name]) for name in names)
                for metric in directive["Metrics"]:
                    found[directive["Namespace"], metric["Name"], dimensions] = metric["Unit"]
    return found


def _let_things_go_wrong(shop: SimulatedShop) -> None:
    body = {"email": "carla@example.com", "password": "no password of Carla's"}
    assert shop.anyone.post("/api/v1/auth/login", json=body).status_code == 401
    told = {"refresh_token": shop.customer.refresh_token}
    for status in (200, 401):
        assert shop.anyone.post("/api/v1/auth/refresh", json=told).status_code == status
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

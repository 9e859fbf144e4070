"""Every alarm rings by its cause, sends one message, and ends; in the shop, and in CloudWatch."""

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import pytest

from tests.outages import load
from tests.outages.alarms import MONITORED, alarms, incidents, messengers
from tests.outages.causes import CAUSES, Cause, Played, play
from tests.support.emulator import empty_account
from tests.support.forks import each_in_a_fork
from tools.intrinsics import resolve
from tools.local import stack
from tools.template import ROOT, resources

pytestmark = pytest.mark.timeout(600)
# The emulator's CloudWatch looks at one such period of real time.
_PERIOD_SECONDS: Final = 5
_MOST_DATA: Final = 500
# Counts are summed; of durations the longest is compared.
_STATISTICS_OF: Final = {"Count": {"Sum", "Maximum"}, "Seconds": {"Maximum"}}


@pytest.fixture(scope="module")
def played() -> Mapping[str, Played]:
    with load.opened() as shop:
        # A fork has no threads of this process.
        shop.shop.timeline.end_threads()
        return {one.cause: one for one in each_in_a_fork(partial(play, shop), CAUSES)}


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.what for cause in CAUSES])
def test_cause_makes_alarms_ring_sends_one_message_and_ends(
    played: Mapping[str, Played], cause: Cause
) -> None:
    found = played[cause.what]
    assert set(cause.rings) <= found.began.keys()
    assert found.messages == [cause.message]
    assert found.minutes is not None, "an alarm still rings, or work is left"


def test_every_alarm_and_every_message_has_a_cause() -> None:
    assert {name for cause in CAUSES for name in cause.rings} == alarms().keys()
    assert {cause.message for cause in CAUSES} == messengers()


@pytest.mark.parametrize(
    "name", [name for name, alarm in alarms().items() if not alarm.metric[0].startswith("AWS/")]
)
def test_statistic_of_an_alarm_fits_the_unit_of_its_metric(
    played: Mapping[str, Played], name: str
) -> None:
    [unit] = {one.units[name] for one in played.values() if name in one.units}
    assert alarms()[name].statistic in _STATISTICS_OF[unit]


def test_list_of_alarms_has_the_cause_of_each() -> None:
    listed = (ROOT / "docs/alarms.md").read_text()
    for name in alarms():
        [row] = [line for line in listed.splitlines() if line.startswith(f"| `{name}` |")]
        assert [cause for cause in CAUSES if name in cause.rings and cause.what in row]
        assert title(name).partition(" - ")[2] in row


# --- CloudWatch ---


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with empty_account(tmp_path_factory.mktemp("account")) as endpoint:
        yield endpoint


class Account:
    """The template's alarms in the emulator, and a queue that their topic sends messages to."""

    def __init__(self, endpoint: str) -> None:
        session = stack.session()
        self.cloudwatch = session.client("cloudwatch", endpoint_url=endpoint)
        self._sqs = session.client("sqs", endpoint_url=endpoint)
        sns = session.client("sns", endpoint_url=endpoint)
        self._topic = sns.create_topic(Name="alarms")["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName="alarms")["QueueUrl"]
        wanted = ["QueueArn"]
        made = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=wanted)  # type: ignore[arg-type]  # a list of names
        arn = made["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=arn)
        for name, properties in self._declared("AWS::CloudWatch::Alarm"):
            # The emulator ignores dimensions: each alarm gets another metric instead.
            properties["MetricName"] = name
            period = {"Period": _PERIOD_SECONDS, "EvaluationPeriods": 1}
            properties.pop("DatapointsToAlarm", None)
            threshold = {"Threshold": float(properties["Threshold"])}
            self.cloudwatch.put_metric_alarm(**{**properties, **period, **threshold})
        for _, properties in self._declared("AWS::CloudWatch::CompositeAlarm"):
            self.cloudwatch.put_composite_alarm(**properties)
        # A new incident sends a message that it is OK.
        self.messages()

    def _declared(self, type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The logical id and the properties of each alarm of a type, with names as in an
        account."""

        def ref(name: str) -> str:
            return self._topic if name == "AlarmTopic" else title(name)

        for id_, properties in resources(type_).items():
            if id_ not in alarms() | incidents():
                continue  # of deployments
            yield (
                id_,
                resolve(
                    properties,
                    ref=ref,
                    attribute=lambda name: title(name.partition(".")[0]),
                    parameters=MONITORED,
                ),
            )

    def measure(self, name: str, values: list[float]) -> None:
        namespace = alarms()[name].properties["Namespace"]
        data: Any = [{"MetricName": name, "Value": value} for value in values[-_MOST_DATA:]]
        self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    def states(self) -> dict[str, str]:
        types: Any = ["MetricAlarm", "CompositeAlarm"]
        found = self.cloudwatch.describe_alarms(AlarmTypes=types)
        every: list[Any] = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return {one["AlarmName"]: one["StateValue"] for one in every}

    def messages(self) -> list[tuple[str, str]]:
        """The name of each alarm that has sent one, and its state."""
        found: list[tuple[str, str]] = []
        while received := self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in received:
                change = json.loads(json.loads(message["Body"])["Message"])
                found.append((change["AlarmName"], change["NewStateValue"]))
                handle = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=handle)
        return sorted(found)


def title(name: str) -> str:
    """The alarm's or incident's own name; another resource keeps its logical id."""
    known = alarms() | incidents()
    return str(known[name].properties["AlarmName"]) if name in known else name


def test_cloudwatch_sends_one_message_for_each_incident_and_one_when_it_ends(
    played: Mapping[str, Played], endpoint: str
) -> None:
    """The emulator looks at one period, and suppresses no message: that is tested above."""
    account = Account(endpoint)
    # What was measured where a cause made them ring.
    for name in alarms():
        [values, *_] = [one.values[name] for one in played.values() if name in one.values]
        account.measure(name, values)
    every = [title(name) for name in alarms() | incidents()]
    assert account.states() == dict.fromkeys(every, "ALARM")
    names = sorted(title(name) for name in messengers())
    assert account.messages() == [(name, "ALARM") for name in names]

    time.sleep(_PERIOD_SECONDS + 1)
    for name in alarms():
        account.measure(name, [0.0])
    assert account.states() == dict.fromkeys(every, "OK")
    # The last of an incident's parts ends it.
    assert account.messages() == [(name, "OK") for name in names]

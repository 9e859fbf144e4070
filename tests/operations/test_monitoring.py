"""Circuits, alarms and metrics over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from operations.monitoring.circuits import Circuits
from operations.monitoring.cloudwatch import SERIES, CloudWatch
from operations.monitoring.routes import router
from shared.calls.circuit_store import Circuit, CircuitState, DynamoCircuits, Stored, Unreachable
from tests.support.aws import simulated_table
from tests.support.callers import ADMIN, ALICE
from tests.support.clock import NOON, ManualClock
from tests.support.functions import FUNCTIONS
from tests.support.http import HttpClient, serve
from tools.template import resources

PATH = "/api/v1/operations"


class FakeCloudWatch:
    """Implements `CloudWatchClient`: answers in pages, and remembers what was requested."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = list(pages)
        self.requests: list[dict[str, Any]] = []

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return self._pages.pop(0)

    get_metric_data = describe_alarms


def served(client: FakeCloudWatch) -> HttpClient:
    return serve(router, cloudwatch=CloudWatch(client, "shop", "live", ManualClock()))


def an_alarm(name: str, state: str = "OK", **more: Any) -> dict[str, Any]:
    return {
        "AlarmName": f"shop - {name}",
        "AlarmDescription": "What is wrong: https://runbook.example/#what",
        "StateValue": state,
        "StateReason": "1 datapoint",
        "StateUpdatedTimestamp": NOON,
        **more,
    }


def test_circuits_have_their_states_and_when_they_opened() -> None:
    store = DynamoCircuits(simulated_table("OrdersTable"))
    store.write("products", Circuit(CircuitState.OPEN, int(NOON.timestamp())), over=None)
    http = serve(router, circuits=Circuits(store))
    assert http.get(f"{PATH}/circuits", caller=ADMIN).json == {
        "circuits": [
            {"name": "users", "state": "closed"},
            {"name": "products", "state": "open", "opened_at": "2026-11-20T12:00:00.000Z"},
        ]
    }


def test_store_of_circuits_that_fails_is_unavailable() -> None:
    class Broken:
        def read(self, name: str) -> Stored | None:
            raise Unreachable

        def write(self, name: str, circuit: Circuit, *, over: str | None) -> str:
            raise NotImplementedError

    answer = serve(router, circuits=Circuits(Broken())).get(f"{PATH}/circuits", caller=ADMIN)
    assert (answer.status, answer.code) == (503, "service-unavailable")
    assert answer.headers["retry-after"]


def test_alarms_of_the_stack_are_listed_those_that_ring_first() -> None:
    earlier = NOON - timedelta(hours=1)
    client = FakeCloudWatch(
        {
            "MetricAlarms": [an_alarm("Fine"), an_alarm("New", "INSUFFICIENT_DATA")],
            "NextToken": "2",
        },
        {"CompositeAlarms": [an_alarm("Rings", "ALARM", StateTransitionedTimestamp=earlier)]},
    )
    answer = served(client).get(f"{PATH}/alarms", caller=ADMIN).json["alarms"]
    assert [(one["name"], one["state"]) for one in answer] == [
        ("Rings", "alarm"),
        ("New", "insufficient_data"),
        ("Fine", "ok"),
    ]
    assert answer[0] == {
        "name": "Rings",
        "state": "alarm",
        "since": "2026-11-20T11:00:00.000Z",
        "reason": "1 datapoint",
        "runbook": "https://runbook.example/#what",
    }
    assert all(request["AlarmNamePrefix"] == "shop - " for request in client.requests)
    assert client.requests[1]["NextToken"] == "2"


@pytest.mark.parametrize("type_", ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"])
def test_every_alarm_of_the_template_has_the_names_and_the_runbook_that_are_read(
    type_: str,
) -> None:
    for alarm in resources(type_).values():
        name, description = (str(alarm[key]) for key in ("AlarmName", "AlarmDescription"))
        assert "${AWS::StackName} - " in name
        assert ": ${RunbookUrl}#" in description


@pytest.mark.parametrize(("hours", "seconds"), [(1, 60), (3, 60), (4, 300), (24, 300)])
def test_metrics_begin_at_a_whole_period(hours: int, seconds: int) -> None:
    client = FakeCloudWatch({"MetricDataResults": []})
    answer = served(client).get(f"{PATH}/metrics?hours={hours}", caller=ADMIN).json
    assert answer["period_seconds"] == seconds
    assert [one["name"] for one in answer["series"]] == [*SERIES]
    [request] = client.requests
    begin: datetime = request["StartTime"]
    assert begin.timestamp() % seconds == 0
    assert request["EndTime"] - begin == timedelta(hours=hours)


def test_points_are_in_the_order_of_time() -> None:
    times = [NOON, NOON - timedelta(minutes=1)]
    result = {"Id": "latency_p99", "Timestamps": times, "Values": [120.5, 80]}
    client = FakeCloudWatch({"MetricDataResults": [result]})
    series = served(client).get(f"{PATH}/metrics", caller=ADMIN).json["series"]
    [latency] = [one for one in series if one["name"] == "latency_p99"]
    assert latency == {
        "name": "latency_p99",
        "unit": "milliseconds",
        "points": [
            {"at": "2026-11-20T11:59:00.000Z", "value": 80},
            {"at": "2026-11-20T12:00:00.000Z", "value": 120.5},
        ],
    }


def test_metrics_are_those_that_alarms_look_at() -> None:
    client = FakeCloudWatch({"MetricDataResults": []})
    served(client).get(f"{PATH}/metrics", caller=ADMIN)
    asked = {
        query["Id"]: (
            query["MetricStat"]["Metric"]["Namespace"],
            {one["Name"]: one["Value"] for one in query["MetricStat"]["Metric"]["Dimensions"]},
        )
        for query in client.requests[0]["MetricDataQueries"]
    }
    alarms = resources("AWS::CloudWatch::Alarm")
    of_api = {one["Name"]: one["Value"] for one in alarms["Api5xxAlarm"]["Dimensions"]}
    assert of_api == {"ApiName": {"Ref": "AWS::StackName"}, "Stage": "live"}
    assert asked["server_errors"] == ("AWS/ApiGateway", {"ApiName": "shop", "Stage": "live"})
    of_shop = {one["Name"]: one["Value"] for one in alarms["DisagreementsAlarm"]["Dimensions"]}
    assert alarms["DisagreementsAlarm"]["Namespace"] == {"Fn::Sub": "Bodega/${AWS::StackName}"}
    assert asked["orders_placed"] == ("Bodega/shop", of_shop)
    assert FUNCTIONS["OperationsApi"].properties["Environment"]["Variables"]["STAGE"] == "live"


@pytest.mark.parametrize("query", ["hours=0", "hours=25", "hours=x", "days=1"])
def test_other_periods_are_refused(query: str) -> None:
    answer = served(FakeCloudWatch()).get(f"{PATH}/metrics?{query}", caller=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid-request")


@pytest.mark.parametrize("path", ["circuits", "alarms", "metrics"])
def test_customer_sees_none(path: str) -> None:
    assert served(FakeCloudWatch()).get(f"{PATH}/{path}", caller=ALICE).status == 403

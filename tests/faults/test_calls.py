"""Faults of AWS calls, as the SDK and our code see them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError

from faults import calls, plan
from faults.current import Draw
from shared.calls.internal import is_throttled
from shared.runtime import aws
from shared.runtime.warm_up import _OPERATIONS, _answer
from tests.simulation.faults import FAILURES, THROTTLING
from tests.support.aws import pretend_credentials

SERVICES = {**calls._SERVICES, "lambda": "inventory"}
each_service = pytest.mark.parametrize(("service", "target"), SERVICES.items())


class Called:
    """A client with two attempts at a call, whose calls get a kind of fault. Nothing is sent.

    Attributes:
        slept: the seconds of each wait.
    """

    def __init__(self, service: str, draw: Draw) -> None:
        pretend_credentials()
        self.slept: list[float] = []
        client: Any = aws.client(service, read=1.5, attempts=2)  # type: ignore[call-overload]
        calls.inject(client, draw, self.slept.append)
        client.meta.events.register("before-send", self._sent)
        name, arguments = _OPERATIONS[service]
        self._call: Callable[[], object] = lambda: getattr(client, name)(**arguments)

    def _sent(self, request: Any, event_name: str, **_: object) -> AWSResponse:
        return _answer(request, event_name)

    def refusal(self) -> ClientError:
        with pytest.raises(ClientError) as raised:
            self._call()
        assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 1
        return raised.value

    def __call__(self) -> None:
        self._call()


@pytest.fixture(autouse=True)
def inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in warm_up's call.
    monkeypatch.setenv("PRODUCTS_INVENTORY", "functions/-/")


def always(target: str, kind: str) -> Draw:
    return lambda drawn: kind if drawn == target else None


@each_service
def test_error_is_the_services_own_and_temporary(service: str, target: str) -> None:
    error = Called(service, always(target, "error")).refusal()
    assert error.response["Error"]["Code"] == FAILURES[service]
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert aws.is_temporary(error)


@each_service
def test_throttled_call_is_refused_as_by_the_service(service: str, target: str) -> None:
    error = Called(service, always(target, "throttle")).refusal()
    found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert found == THROTTLING[service]
    assert aws.is_temporary(error)
    assert is_throttled(error) or service != "lambda"


@each_service
def test_hanging_call_ends_at_the_clients_time_out_at_each_attempt(
    service: str, target: str
) -> None:
    call = Called(service, always(target, "hang"))
    with pytest.raises(ReadTimeoutError):
        call()
    assert [seconds for seconds in call.slept if seconds == 1.5] == [1.5, 1.5]


@each_service
def test_slow_call_is_answered_a_second_later(service: str, target: str) -> None:
    call = Called(service, always(target, "latency"))
    call()
    assert call.slept == [plan.LATENCY_SECONDS]


def test_slow_call_times_out_where_the_client_waits_for_less() -> None:
    pretend_credentials()
    slept: list[float] = []
    client = aws.client("dynamodb", read=0.2, attempts=1)
    calls.inject(client, always("dynamodb", "latency"), slept.append)
    with pytest.raises(ReadTimeoutError):
        client.get_item(TableName="-", Key={"pk": {"S": "-"}})
    assert slept == [0.2]


@pytest.mark.parametrize("service", ["lambda", "dynamodb"])
def test_calls_of_other_targets_are_sent(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRODUCTS_INVENTORY", "another-function")
    drawn: list[str] = []

    def draw(target: str) -> str | None:
        drawn.append(target)
        return "error" if target == "inventory" else None

    call: Callable[[], None] = Called(service, draw)
    call()
    assert drawn == (["dynamodb"] if service == "dynamodb" else [])

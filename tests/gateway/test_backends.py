"""How the gateway learns of the services' health."""

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from gateway.backends import LambdaBackends
from shared.runtime import logging

FUNCTIONS = {
    "users": "stack-users",
    "products": "stack-products",
    "orders": "stack-orders",
    "notifications": "stack-notifications",
}
HEALTHY = {"status": "healthy", "total": 3}
UNAVAILABLE = {"status": "unavailable"}

type Invoke = Callable[[str, dict[str, Any]], object]


class FakeLambda:
    """Invokes nothing: a function of the test answers with the payload, or raises."""

    def __init__(self, answer: Invoke, *, function_error: str | None = None) -> None:
        self._answer = answer
        self._error = {"FunctionError": function_error} if function_error else {}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # boto3's names
        payload = json.dumps(self._answer(FunctionName, json.loads(Payload))).encode()
        return {"Payload": io.BytesIO(payload), **self._error}


def http(body: object, status: int = 200) -> dict[str, Any]:
    return {"statusCode": status, "headers": {}, "body": json.dumps(body)}


def health(answer: Invoke, **more: Any) -> dict[str, dict[str, Any]]:
    lambda_: Any = FakeLambda(answer, **more)
    return LambdaBackends(lambda_, FUNCTIONS).health()


def test_each_service_is_asked_for_its_public_health_route() -> None:
    seen: dict[str, dict[str, Any]] = {}

    def answer(function: str, event: dict[str, Any]) -> object:
        seen[function] = event
        return http(HEALTHY)

    logging.begin("request-7")
    assert health(answer) == dict.fromkeys(FUNCTIONS, HEALTHY)
    for service, function in FUNCTIONS.items():
        assert seen[function]["httpMethod"] == "GET"
        assert seen[function]["path"] == f"/health/{service}"
        assert seen[function]["headers"]["X-Request-ID"] == "request-7"


def test_all_services_are_asked_at_once() -> None:
    everybody = threading.Barrier(len(FUNCTIONS), timeout=5)

    def answer(function: str, event: dict[str, Any]) -> object:
        everybody.wait()
        return http(HEALTHY)

    assert health(answer) == dict.fromkeys(FUNCTIONS, HEALTHY)


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (ReadTimeoutError(endpoint_url="https://lambda"), "unavailable"),
        (ClientError({"Error": {"Code": "ServiceException"}}, "Invoke"), "unavailable"),
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), "throttled"),
    ],
)
def test_a_service_that_does_not_answer_hides_no_other(trouble: Exception, status: str) -> None:
    def answer(function: str, event: dict[str, Any]) -> object:
        if function == "stack-orders":
            raise trouble
        return http(HEALTHY)

    reports = health(answer)
    assert reports.pop("orders") == {"status": status}
    assert set(reports) == {"users", "products", "notifications"}
    assert all(report == HEALTHY for report in reports.values())


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"errorMessage": "Task timed out"},
        http({"detail": "Something went wrong"}, 500),
        http(HEALTHY, 503),
        http("healthy"),
        http(["healthy"]),
        http({"total": 3}),
        http({"status": 200}),
        {"statusCode": 200, "body": "<html>"},
        {"statusCode": 200, "body": None},
    ],
)
def test_an_answer_that_is_no_health_report_counts_as_none(payload: object) -> None:
    assert health(lambda _function, _event: payload) == dict.fromkeys(FUNCTIONS, UNAVAILABLE)


def test_a_function_that_broke_is_unavailable() -> None:
    reports = health(lambda _function, _event: http(HEALTHY), function_error="Unhandled")
    assert reports == dict.fromkeys(FUNCTIONS, UNAVAILABLE)


def test_reports_are_kept_for_a_few_seconds() -> None:
    asked: list[str] = []

    def answer(function: str, _event: dict[str, Any]) -> object:
        asked.append(function)
        return http(HEALTHY)

    lambda_: Any = FakeLambda(answer)
    backends = LambdaBackends(lambda_, FUNCTIONS)
    assert backends.health() == backends.health() == dict.fromkeys(FUNCTIONS, HEALTHY)
    assert len(asked) == len(FUNCTIONS)

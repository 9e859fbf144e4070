"""Calls between services: answers, refusals and failures."""

import io
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pydantic import BaseModel, ValidationError

from shared.calls.internal import CallFailed, CallThrottled, InternalClient, internal_handler
from shared.errors import Conflict, Contended
from shared.runtime import logging, steps
from tests.support.context import LambdaContext
from tests.support.internal import LocalFunctions

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Double(BaseModel):
    number: int


class Doubled(BaseModel):
    number: int
    request_id: str


class TooLarge(Conflict):
    code, title = "too-large", "That is too large"

    def __init__(self, *, largest: int) -> None:
        super().__init__(f"At most {largest}.", largest=largest)


class Unexpected(Conflict):
    code, title = "unexpected", "No caller declares it"


def double(body: dict[str, Any]) -> Doubled:
    number = Double.model_validate(body).number
    if number == 13:
        raise Unexpected
    if number == 14:
        raise Contended
    if number > 100:
        raise TooLarge(largest=100)
    return Doubled(number=number * 2, request_id=logging.request_id())


@pytest.fixture
def functions() -> LocalFunctions:
    return LocalFunctions({"doubler": internal_handler({"double": double})})


@pytest.fixture
def doubler(functions: LocalFunctions) -> InternalClient:
    return InternalClient(functions.client(), "doubler", refusals=(TooLarge,))


def test_call_returns_the_answer_and_runs_under_the_callers_request(
    doubler: InternalClient,
) -> None:
    logging.begin("request-7")
    answer = doubler.call("double", Double(number=4), Doubled)
    assert (answer.number, answer.request_id) == (8, "request-7")


def test_declared_refusal_is_raised_at_the_caller_with_its_data(doubler: InternalClient) -> None:
    with pytest.raises(TooLarge) as refused:
        doubler.call("double", Double(number=101), Doubled)
    assert refused.value.data == {"largest": 100}
    assert refused.value.detail == "At most 100."


def test_contention_is_a_refusal_that_no_caller_declares(doubler: InternalClient) -> None:
    with pytest.raises(Contended):
        doubler.call("double", Double(number=14), Doubled)


@pytest.mark.parametrize(
    ("name", "number", "reason"),
    [("double", 13, "refused with unexpected"), ("halve", 1, "doubler: KeyError")],
)
def test_undeclared_refusal_or_error_is_a_failed_call(
    doubler: InternalClient, name: str, number: int, reason: str
) -> None:
    with pytest.raises(CallFailed, match=reason):
        doubler.call(name, Double(number=number), Doubled)


def test_data_of_another_shape_is_invalid(functions: LocalFunctions) -> None:
    functions.handlers["doubler"] = lambda _event, _context: {"answer": {"number": "many"}}
    with pytest.raises(ValidationError):
        InternalClient(functions.client(), "doubler").call("double", Double(number=1), Doubled)
    handler = internal_handler({"double": double})
    with pytest.raises(ValidationError):
        handler({"name": "double", "request_id": "r", "body": {"number": "x"}}, LambdaContext())


def call_lambda_that(outcome: Exception | bytes) -> None:
    """Call a function whose invocation raises, or has this payload."""

    class Lambda:
        def invoke(self, **_: object) -> dict[str, Any]:
            if isinstance(outcome, Exception):
                raise outcome
            return {"Payload": io.BytesIO(outcome)}

    client = InternalClient(cast("LambdaClient", Lambda()), "doubler")
    client.call("double", Double(number=1), Doubled)


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (b'{"answer": {"number": 2, "request_id": "r"}}', []),
        (ReadTimeoutError(endpoint_url="l"), ["CallFailed"]),
    ],
)
def test_call_is_a_step_in_the_log(outcome: Exception | bytes, error: list[str]) -> None:
    steps.begin()
    with suppress(CallFailed):
        call_lambda_that(outcome)
    [step] = cast("list[str]", steps.logged()["steps"])
    assert step.split()[0::2] == ["double", *error]


@pytest.mark.parametrize(
    "outcome", [ReadTimeoutError(endpoint_url="https://lambda.example"), b"<html>", b"null"]
)
def test_missing_answer_is_a_failed_call(outcome: Exception | bytes) -> None:
    with pytest.raises(CallFailed, match="doubler"):
        call_lambda_that(outcome)


INVOKE = botocore.session.get_session().get_service_model("lambda").operation_model("Invoke")
KNOWN = {shape.name for shape in INVOKE.error_shapes}
# What Lambda answers while a quota is used up and other invocations still succeed.
QUOTAS = {name for name in KNOWN if re.search("Throttled|Limit|Quota|TooMany", name)}
QUOTAS.add("ThrottlingException")


@pytest.mark.parametrize("code", sorted({*KNOWN, *QUOTAS, "AccessDenied"}))
def test_quota_is_distinguished_from_a_broken_function(code: str) -> None:
    answer: Any = {"Error": {"Code": code}, "Reason": "ReservedConcurrency"}
    is_quota = code in QUOTAS
    with pytest.raises(
        CallThrottled if is_quota else CallFailed,
        match="doubler: ReservedConcurrency" if is_quota else "doubler: ClientError",
    ):
        call_lambda_that(ClientError(answer, "Invoke"))

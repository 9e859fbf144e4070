"""Calls between services: what is asked, answered, refused, and what is known when neither comes."""

import io
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pydantic import BaseModel, ValidationError

from shared.calls.internal import CallFailed, CallThrottled, InternalClient, internal_handler
from shared.errors import Conflict
from shared.runtime import context
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
    code, title = "unexpected", "Nobody said that this might happen"


def double(body: dict[str, Any]) -> Doubled:
    number = Double.model_validate(body).number
    if number == 13:
        raise Unexpected
    if number > 100:
        raise TooLarge(largest=100)
    return Doubled(number=number * 2, request_id=context.request_id())


@pytest.fixture
def functions() -> LocalFunctions:
    return LocalFunctions({"doubler": internal_handler({"double": double})})


@pytest.fixture
def doubler(functions: LocalFunctions) -> InternalClient:
    return InternalClient(functions.client(), "doubler", refusals=(TooLarge,))


def test_an_answer_comes_back_as_it_was_given(doubler: InternalClient) -> None:
    assert doubler.call("double", Double(number=4), Doubled).number == 8


def test_a_call_is_made_and_logged_under_the_caller_s_request(doubler: InternalClient) -> None:
    context.begin("request-7")
    assert doubler.call("double", Double(number=1), Doubled).request_id == "request-7"


def test_a_refusal_is_raised_at_the_caller_with_its_data(doubler: InternalClient) -> None:
    with pytest.raises(TooLarge) as refused:
        doubler.call("double", Double(number=101), Doubled)
    assert refused.value.data == {"largest": 100}
    assert refused.value.detail == "At most 100."


def test_a_refusal_that_the_caller_does_not_know_is_a_failed_call(doubler: InternalClient) -> None:
    with pytest.raises(CallFailed, match="refused with unexpected"):
        doubler.call("double", Double(number=13), Doubled)


def test_a_function_that_breaks_is_a_failed_call(doubler: InternalClient) -> None:
    with pytest.raises(CallFailed, match="doubler: KeyError"):
        doubler.call("halve", Double(number=1), Doubled)


def test_an_answer_of_another_shape_is_no_answer(functions: LocalFunctions) -> None:
    functions.handlers["doubler"] = lambda _event, _context: {"answer": {"number": "many"}}
    with pytest.raises(ValidationError):
        InternalClient(functions.client(), "doubler").call("double", Double(number=1), Doubled)


class Unreachable:
    """A Lambda client to which something happens."""

    def __init__(self, happens: Exception | bytes) -> None:
        self._happens = happens

    def invoke(self, **_: object) -> dict[str, Any]:
        if isinstance(self._happens, Exception):
            raise self._happens
        return {"Payload": io.BytesIO(self._happens)}


@pytest.mark.parametrize(
    "happens",
    [
        ReadTimeoutError(endpoint_url="https://lambda.example"),
        b"<html>",
        b"null",
    ],
)
def test_of_a_function_that_does_not_answer_nothing_is_known(happens: Exception | bytes) -> None:
    client = InternalClient(cast("LambdaClient", Unreachable(happens)), "doubler")
    with pytest.raises(CallFailed, match="doubler"):
        client.call("double", Double(number=1), Doubled)


# What Lambda answers while a quota is used up and other invocations still succeed.
QUOTAS = {
    "EC2ThrottledException",
    "ENILimitReachedException",
    "ServiceQuotaExceededException",
    "SubnetIPAddressLimitReachedException",
    "TooManyRequestsException",
}
# What it answers to every invocation of a function that is broken, gone, not ready or asked in the wrong way.
BROKEN = {
    "CodeArtifactUserDeletedException",
    "CodeArtifactUserFailedException",
    "CodeArtifactUserPendingException",
    "DurableExecutionAlreadyStartedException",
    "EC2AccessDeniedException",
    "EC2UnexpectedException",
    "EFSIOException",
    "EFSMountConnectivityException",
    "EFSMountFailureException",
    "EFSMountTimeoutException",
    "ENINotReadyException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "ModeNotSupportedException",
    "NoPublishedVersionException",
    "RecursiveInvocationException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceNotFoundException",
    "ResourceNotReadyException",
    "RuntimeAliasDeletedException",
    "RuntimeVersionDeletedException",
    "S3FilesMountConnectivityException",
    "S3FilesMountFailureException",
    "S3FilesMountTimeoutException",
    "SerializedRequestEntityTooLargeException",
    "ServiceException",
    "SnapStartException",
    "SnapStartNotReadyException",
    "SnapStartRegenerationFailureException",
    "SnapStartTimeoutException",
    "UnsupportedMediaTypeException",
}


def test_each_error_of_invoke_is_in_one_class() -> None:
    model = botocore.session.get_session().get_service_model("lambda").operation_model("Invoke")
    assert {shape.name for shape in model.error_shapes} == QUOTAS | BROKEN
    assert not QUOTAS & BROKEN


@pytest.mark.parametrize("code", sorted({*QUOTAS, "ThrottlingException", *BROKEN, "AccessDenied"}))
def test_a_quota_is_told_from_a_function_that_does_not_work(code: str) -> None:
    refused = ClientError({"Error": {"Code": code}}, "Invoke")
    client = InternalClient(cast("LambdaClient", Unreachable(refused)), "doubler")
    is_quota = code in {*QUOTAS, "ThrottlingException"}
    with pytest.raises(CallThrottled if is_quota else CallFailed, match="doubler"):
        client.call("double", Double(number=1), Doubled)


def test_a_throttled_call_says_which_quota_it_met() -> None:
    answer: Any = {
        "Error": {"Code": "TooManyRequestsException"},
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
    }
    lambda_ = Unreachable(ClientError(answer, "Invoke"))
    client = InternalClient(cast("LambdaClient", lambda_), "doubler")
    with pytest.raises(CallThrottled, match="ReservedFunctionConcurrentInvocationLimitExceeded"):
        client.call("double", Double(number=1), Doubled)


def test_what_is_no_refusal_breaks_the_function() -> None:
    handler = internal_handler({"double": double})
    with pytest.raises(ValidationError):
        handler({"name": "double", "request_id": "r", "body": {"number": "x"}}, LambdaContext())

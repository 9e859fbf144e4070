"""Which errors of AWS pass by themselves: every error that an operation of an HTTP route is known to have is in one class."""

from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.retries import standard

from shared.runtime.aws import is_temporary
from tools.layer.sdk_data import OPERATIONS

# With the status that the services' API references give.
TEMPORARY = {
    "DependencyTimeoutException": 503,
    "InternalServerError": 500,
    "KMSInternalException": 500,
    "KeyUnavailableException": 500,
    "ProvisionedThroughputExceededException": 400,
    "RequestLimitExceeded": 400,
    "ThrottlingException": 400,
}
# "Common errors" of the services' API references, which no operation names.
COMMON = {
    "InternalFailure": 500,
    "LimitExceededException": 400,
    "RequestTimeoutException": 400,
    "ServiceUnavailable": 503,
    "TooManyRequestsException": 429,
}
# The same call would fail again; or shared.storage.dynamodb answers for it.
LASTING = {
    "ConditionalCheckFailedException",
    "DisabledException",
    "DryRunOperationException",
    "IdempotentParameterMismatchException",
    "InvalidArnException",
    "InvalidGrantTokenException",
    "InvalidKeyUsageException",
    "ItemCollectionSizeLimitExceededException",
    "KMSInvalidStateException",
    "NotFoundException",
    "ReplicatedWriteConflictException",
    "ResourceNotFoundException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "UnsupportedOperationException",
}


def refused(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")  # type: ignore[arg-type]  # as much as is read


def test_each_error_of_the_operations_that_are_called_is_in_one_class() -> None:
    session = botocore.session.get_session()
    known = {
        shape.name
        for service in ("dynamodb", "kms")
        for operation in OPERATIONS[service]
        for shape in session.get_service_model(service).operation_model(operation).error_shapes
    }
    assert known == TEMPORARY.keys() | LASTING


@pytest.mark.parametrize(("code", "status"), [*TEMPORARY.items(), *COMMON.items()])
def test_a_service_that_throttles_or_is_in_trouble_may_answer_in_a_moment(
    code: str, status: int
) -> None:
    assert is_temporary(refused(code, status))


def test_what_the_sdk_tries_again_may_be_answered_in_a_moment() -> None:
    """Else a worker counts a throttled SQS or SNS as a message that cannot be handled."""
    throttled: Any = standard.ThrottledRetryableChecker
    transient: Any = standard.TransientRetryableChecker
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}
    assert {code for code in codes if not is_temporary(refused(code, 400))} <= LASTING


@pytest.mark.parametrize("code", [*sorted(LASTING), "AccessDeniedException", "ValidationException"])
def test_other_refusals_last(code: str) -> None:
    assert not is_temporary(refused(code, 400))


def test_a_service_that_is_not_reached_may_be_in_a_moment() -> None:
    connecting = {
        name
        for name, error in vars(botocore.exceptions).items()
        if isinstance(error, type)
        and issubclass(error, BotoCoreError)
        and is_temporary(error.__new__(error))
    }
    assert connecting >= {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "ReadTimeoutError",
        "SSLError",
    }
    assert not is_temporary(NoCredentialsError())
    assert not is_temporary(ValueError())

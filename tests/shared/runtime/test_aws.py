"""Which errors are temporary: every known error of an operation that an HTTP route calls is
classified."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.retries import standard

from shared.errors import TemporaryFailure
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


def test_every_error_of_the_operations_is_classified() -> None:
    session = botocore.session.get_session()
    known = {
        shape.name
        for service in ("dynamodb", "kms")
        for operation in OPERATIONS[service]
        for shape in session.get_service_model(service).operation_model(operation).error_shapes
    }
    assert known == TEMPORARY.keys() | LASTING


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        *((code, status, True) for code, status in [*TEMPORARY.items(), *COMMON.items()]),
        *((code, 400, False) for code in sorted(LASTING)),
        ("AccessDeniedException", 400, False),
        ("ValidationException", 400, False),
    ],
)
def test_refusal_is_temporary_where_aws_throttles_or_fails(
    code: str, status: int, expected: bool
) -> None:
    assert is_temporary(refused(code, status)) is expected


def test_what_the_sdk_retries_is_temporary() -> None:
    """Otherwise a worker counts a throttled SQS or SNS as a message that cannot be handled."""
    throttled: Any = standard.ThrottledRetryableChecker
    transient: Any = standard.TransientRetryableChecker
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}
    assert {code for code in codes if not is_temporary(refused(code, 400))} <= LASTING


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectTimeoutError(endpoint_url="x"), True),
        (ConnectionClosedError(endpoint_url="x"), True),
        (EndpointConnectionError(endpoint_url="x"), True),
        (ReadTimeoutError(endpoint_url="x"), True),
        (SSLError(endpoint_url="x", error=OSError()), True),
        (TemporaryFailure(), True),
        (NoCredentialsError(), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_lost_connection_and_own_temporary_failure_are_temporary(
    error: Exception, expected: bool
) -> None:
    assert is_temporary(error) is expected

"""Which errors are temporary."""

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
    # "Common errors", which no operation names.
    "InternalFailure": 500,
    "LimitExceededException": 400,
    "RequestTimeoutException": 400,
    "ServiceUnavailable": 503,
    "TooManyRequestsException": 429,
}


def refused(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")  # type: ignore[arg-type]  # as much as is read


def test_refusal_is_temporary_where_aws_throttles_or_fails() -> None:
    session = botocore.session.get_session()
    known = {
        shape.name
        for service in ("dynamodb", "kms")
        for operation in OPERATIONS[service]
        for shape in session.get_service_model(service).operation_model(operation).error_shapes
    }
    codes = {*known, *TEMPORARY, "AccessDeniedException", "ValidationException"}
    found = {code for code in codes if is_temporary(refused(code, TEMPORARY.get(code, 400)))}
    assert found == TEMPORARY.keys()


def test_what_the_sdk_retries_is_temporary() -> None:
    """Otherwise a worker counts a throttled SQS or SNS as a message that cannot be handled."""
    throttled: Any = standard.ThrottledRetryableChecker
    transient: Any = standard.TransientRetryableChecker
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}
    lasting = {code for code in codes if not is_temporary(refused(code, 400))}
    # shared.storage.dynamodb retries it.
    assert lasting == {"TransactionInProgressException"}


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

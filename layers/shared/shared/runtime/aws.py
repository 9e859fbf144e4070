"""One way to make an AWS client: from one session, with time-outs that fit inside a Lambda
function's own."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, overload
from weakref import WeakSet

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from shared.errors import TemporaryFailure
from shared.runtime import cold_start, metrics

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


# The codes of a throttled call. Most come with status 400, so the status alone is not enough. All
# that the SDK knows, except TransactionInProgressException, which shared.storage.dynamodb retries.
_THROTTLING: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

_clients: "WeakSet[BaseClient]" = WeakSet()


@cache
def _session() -> Session:
    return Session()


@cache
def _user_agent(session: Session) -> str:
    """How all clients call themselves: made once, the SDK would make it twice for each call."""
    return str(session._session.user_agent())  # noqa: SLF001  # boto3 has no public way to it


@overload
def client(
    service: Literal["cloudwatch", "codedeploy"],
    *,
    connect: float = ...,
    read: float = ...,
    attempts: int = ...,
) -> Any: ...
@overload
def client(
    service: Literal["dynamodb"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "DynamoDBClient": ...
@overload
def client(
    service: Literal["kms"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "KMSClient": ...
@overload
def client(
    service: Literal["lambda"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "LambdaClient": ...
@overload
def client(
    service: Literal["sesv2"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "SESV2Client": ...
@overload
def client(
    service: Literal["sns"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "SNSClient": ...
@overload
def client(
    service: Literal["sqs"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "SQSClient": ...
@overload
def client(
    service: Literal["ssm"], *, connect: float = ..., read: float = ..., attempts: int = ...
) -> "SSMClient": ...
def client(
    service: Literal[
        "cloudwatch", "codedeploy", "dynamodb", "kms", "lambda", "sesv2", "sns", "sqs", "ssm"
    ],
    *,
    connect: float = 0.5,
    read: float = 1.5,
    attempts: int = 3,
) -> object:
    """A low-level client. By default all attempts at a call take 6 seconds, which every function
    has.

    Args:
        connect: seconds to wait for a connection.
        read: seconds to wait for an answer, for each attempt.
        attempts: how often the SDK tries in all; 1 means that it never repeats a call by itself.
    """
    session = _session()
    made = session.client(
        service,
        config=Config(
            user_agent=_user_agent(session),
            # It costs each call. Outside of Lambda it stays on, and the tests make every call that
            # there is.
            parameter_validation=not cold_start.is_lambda(),
            connect_timeout=connect,
            read_timeout=read,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            tcp_keepalive=True,
        ),
    )
    if service == "kms":
        # Its quotas are the account's, and it measures no throttled requests by itself.
        made.meta.events.register("after-call.kms", _count_throttled)
    _clients.add(made)
    return made


def _count_throttled(parsed: dict[str, Any], **_: object) -> None:
    """Count a call that was throttled at its last attempt."""
    if is_throttled(parsed):
        metrics.count("KeysThrottled")


def is_throttled(parsed: dict[str, Any]) -> bool:
    """Whether an answer of AWS says that the call was throttled."""
    return parsed.get("Error", {}).get("Code") in _THROTTLING


def is_temporary(error: Exception) -> bool:
    """Whether a service of AWS or of Bodega was throttling, failing or unreachable, so that the
    same call may succeed later."""
    if isinstance(error, TemporaryFailure):
        return True
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error.response["Error"]["Code"] in _THROTTLING
    return isinstance(error, (ConnectionError, HTTPClientError))


def clients() -> Iterable["BaseClient"]:
    """All that were made."""
    return _clients


def close_connections() -> None:
    """Let go of all clients' connections; each opens new ones when it is next used."""
    for made in _clients:
        made.close()

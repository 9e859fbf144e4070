"""Faults of AWS calls, and of calls of internal functions, which are AWS calls too: before the SDK
sends a request, at each of its attempts."""

import io
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from faults import plan
from faults.current import Draw, current

if TYPE_CHECKING:
    from botocore.client import BaseClient

# By the names of the SDK. The variables have the names of internal functions.
_SERVICES: Final = {
    "dynamodb": "dynamodb",
    "sqs": "sqs",
    "sns": "sns",
    "sesv2": "email",
    "kms": "kms",
}
_FUNCTIONS: Final = {"PRODUCTS_INVENTORY": "inventory", "USERS_DIRECTORY": "directory"}

# How each service says that it failed, and that it throttles: code and status.
_ERRORS: Final[Mapping[str, str]] = {
    "dynamodb": "InternalServerError",
    "kms": "KMSInternalException",
    "lambda": "ServiceException",
    "sesv2": "InternalFailure",
    "sns": "InternalError",
    "sqs": "InternalFailure",
}
_THROTTLING: Final[Mapping[str, tuple[str, int]]] = {
    "dynamodb": ("ThrottlingException", 400),
    "kms": ("ThrottlingException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "sesv2": ("TooManyRequestsException", 429),
    "sns": ("Throttling", 400),
    "sqs": ("RequestThrottled", 400),
}


class _Body(io.BytesIO):
    """The body of a response, with the method of urllib3 that botocore calls."""

    def stream(self) -> Iterable[bytes]:
        yield self.read()


def start(clients: Iterable["BaseClient"]) -> None:
    """Let calls of these clients fail while a fault is on."""
    # A list first: the client that reads the parameter is none of them.
    for client in list(clients):
        inject(client, lambda target: current().draw(target))


def inject(client: "BaseClient", draw: Draw, sleep: Callable[[float], None] = time.sleep) -> None:
    """Let calls of this client fail as `draw` says."""
    service = client.meta.service_model.service_name
    read_seconds: float = client.meta.config.read_timeout  # type: ignore[attr-defined]

    def before_send(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        target = _target(service, request.url)
        match draw(target) if target else None:
            case "latency":
                sleep(min(plan.LATENCY_SECONDS, read_seconds))
                if read_seconds <= plan.LATENCY_SECONDS:
                    raise ReadTimeoutError(endpoint_url=request.url)
            case "hang":
                sleep(read_seconds)
                raise ReadTimeoutError(endpoint_url=request.url)
            case "error":
                return _refusal(request, service, _ERRORS[service], 500)
            case "throttle":
                return _refusal(request, service, *_THROTTLING[service])
        return None

    events: Any = client.meta.events  # its types know no handler that answers
    events.register_first("before-send", before_send)


def _target(service: str, url: str) -> str | None:
    if service != "lambda":
        return _SERVICES.get(service)
    path = unquote(url)
    for variable, target in _FUNCTIONS.items():
        if (name := os.environ.get(variable)) and name in path:
            return target
    return None


def _refusal(request: AWSPreparedRequest, service: str, code: str, status: int) -> AWSResponse:
    headers: Any = HTTPHeaders()
    if service == "sns":  # the only one that answers in XML
        body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
    else:
        body = f'{{"__type": "{code}", "message": "fault on purpose"}}'
        headers["x-amzn-ErrorType"] = code
    return AWSResponse(request.url, status, headers, _Body(body.encode()))

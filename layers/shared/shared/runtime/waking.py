"""Wakes the functions that this one is going to call, so that their cold starts overlap with its
own instead of following it: docs/cold-starts.md has the gain.

Each gets one asynchronous invocation, which `shared.calls.internal` answers with nothing done. The
requests are signed here, because the SDK has a client only when half of the init phase is over.
tests/shared/runtime/test_waking.py compares the signature with the SDK's.
"""

import hashlib
import hmac
import logging
import os
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from importlib.util import find_spec
from pathlib import PurePath
from threading import Thread
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

CALL: Final = b'{"name":"wake"}'
_SECONDS: Final = 0.5  # to connect, and for each read


def wake(functions: Sequence[str]) -> None:
    """Wake these functions from a thread, which nothing waits for and whose errors are logged."""
    Thread(target=_wake, args=(functions,), daemon=True).start()


def _wake(functions: Sequence[str]) -> None:
    try:
        _invoke(functions)
    except Exception as cause:  # noqa: BLE001  # without a wake, the call itself starts the function
        _logger().warning("could not wake: %s", type(cause).__name__)


def _logger() -> logging.Logger:
    return logging.getLogger(__name__)


def _invoke(functions: Sequence[str]) -> None:
    """Invoke the functions over one connection, one after the other."""
    region = os.environ["AWS_REGION"]
    url = urlsplit(endpoint(os.environ))
    connection = _connection(url)
    for function in functions:
        path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
        headers = signed(path, url.netloc, region, os.environ, datetime.now(UTC))
        connection.request("POST", path, CALL, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            _logger().warning("could not wake a function: %s", answer.status)
    connection.close()


def endpoint(variables: Mapping[str, str]) -> str:
    """Where Lambda's API is. Each partition of AWS has its own suffix."""
    default = f"https://lambda.{variables['AWS_REGION']}.{variables.get('URL_SUFFIX')}"
    return variables.get("AWS_ENDPOINT_URL", default)


def _connection(url: SplitResult) -> HTTPConnection:
    if url.scheme == "http":
        return HTTPConnection(url.netloc, timeout=_SECONDS)
    # The SDK's few authorities. To read all of the system's takes longer than the requests.
    found = find_spec("botocore")
    assert found is not None
    authorities = PurePath(found.origin or "").with_name("cacert.pem")
    context = ssl.create_default_context(cafile=authorities)
    return HTTPSConnection(url.netloc, timeout=_SECONDS, context=context)


def signed(
    path: str, host: str, region: str, environment: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """The headers of an asynchronous invocation with `CALL`, signed with the credentials of the
    environment (AWS Signature Version 4)."""
    time = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {
        "host": host,
        "x-amz-date": time,
        "x-amz-invocation-type": "Event",
        "x-amz-security-token": environment["AWS_SESSION_TOKEN"],
    }
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    request = "\n".join(("POST", quote(path), "", *lines, "", names, _digest(CALL)))
    scope = f"{time[:8]}/{region}/lambda/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", time, scope, _digest(request.encode())))
    key = f"AWS4{environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for text in (*scope.split("/"), to_sign):
        key = hmac.digest(key, text.encode(), "sha256")
    credential = f"{environment['AWS_ACCESS_KEY_ID']}/{scope}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    )
    return headers


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

"""API Gateway's renaming of headers, and its own responses by the template's GatewayResponses.

Sources: "Amazon API Gateway important notes" (the table of a REST API's headers, column lambda),
and "Gateway response types" of its developer guide.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

type Headers = list[tuple[bytes, bytes]]
type Answer = tuple[int, Headers, bytes]

# Headers of a function's answer that are renamed to `x-amzn-Remapped-…`, and that are dropped.
# Connection, Date and Server are renamed as well; here the emulator's own server sends them.
RENAMED: Final = {
    b"authorization",
    b"content-md5",
    b"max-forwards",
    b"user-agent",
    b"www-authenticate",
}
DROPPED: Final = {
    b"expect",
    b"host",
    b"proxy-authenticate",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"via",
}
# The quotas of requests, in bytes: of a body, and of a request line with the headers' values.
LARGEST_BODY: Final = 10 * 1024 * 1024
LARGEST_HEAD: Final = 10_240
_TYPES: Final = {
    400: "BAD_REQUEST_PARAMETERS",
    403: "MISSING_AUTHENTICATION_TOKEN",
    413: "REQUEST_TOO_LARGE",
    429: "THROTTLED",
}
_TEMPLATE: Final = "application/json"


def renamed(headers: Headers) -> Headers:
    """A function's headers as clients get them."""
    return [
        (b"x-amzn-remapped-" + name if name in RENAMED else name, value)
        for name, value in headers
        if name not in DROPPED
    ]


def answer(responses: Mapping[str, Any], status: int, type_: str = "") -> Answer:
    """What API Gateway answers by itself.

    Args:
        responses: the template's GatewayResponses.
        status: the status that the type of response has by default.
        type_: the type; where it is empty, that of the status.
    """
    default = f"DEFAULT_{status // 100}XX"
    response = responses[type_ or _TYPES.get(status, default)]
    request_id = str(uuid.uuid4())
    headers = [
        (name.lower().encode(), _value(source, request_id).encode())
        for name, source in response["ResponseParameters"]["Headers"].items()
    ]
    body = response["ResponseTemplates"][_TEMPLATE].replace("$context.requestId", request_id)
    return int(response.get("StatusCode", status)), headers, body.encode()


def _value(source: str, request_id: str) -> str:
    return request_id if source == "context.requestId" else source.strip("'")

"""API Gateway's events as Mangum reads them, but for what Mangum cannot read, and with the path in
two parts.

`root_path` is the part before the API's own paths in the URL that the client used: `/live` at
the execute-api URL, the base path at a custom domain that has one, else nothing. All paths that an
answer names start with it (`link`).

Behind CloudFront the client used a URL without the stage, and the event has CloudFront's address
instead of the client's. Both are put right if the request has the secret that only CloudFront sends
(template.yaml, Cdn): the headers of all other requests may be forged.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from mangum.handlers import APIGateway
from mangum.types import Scope
from starlette.requests import Request

# Where the gateway is called is its own affair, and Mangum takes apart what a client wrote there.
_UNUSED: Final = ("host", "x-forwarded-port")
_NO_TEXT: Final = b"\xff"
_PROOF_HEADER: Final = "x-cdn-secret"
_VIEWER_HEADER: Final = "x-viewer-address"


class RestEvent(APIGateway):
    """A request of the REST API."""

    @property
    def body(self) -> bytes:
        try:
            if self.event.get("isBase64Encoded"):
                return base64.b64decode(self.event["body"] or "", validate=True)
            return super().body
        except ValueError:
            # Not base64, or half a character: what a route refuses in any case.
            return _NO_TEXT

    @property
    def scope(self) -> Scope:
        try:
            scope = super().scope
        except ValueError:
            self.event = _readable(self.event)
            scope = super().scope
        scope["root_path"], path = _split(self.event)
        if viewer := _viewer(self.event):
            scope["client"] = (viewer, 0)
            scope["root_path"] = ""
        scope["path"] = scope["root_path"] + _text(unquote(path))
        return scope


def get_event(path: str, headers: dict[str, str]) -> dict[str, Any]:
    """A GET as API Gateway would send it."""
    return {
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": headers.get("X-Request-ID", "-"),
            "path": path,
            "httpMethod": "GET",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def link(request: Request, path: str) -> str:
    """A path of the API as the client of this request can ask for it."""
    root_path: str = request.scope["root_path"]
    return root_path + path


def own_path(request: Request) -> str:
    """The path in the API that the request asks for."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope["root_path"])


def _split(event: Mapping[str, Any]) -> tuple[str, str]:
    """The root path of the request's URL, and the path in the API, without a trailing slash.

    The resource that API Gateway chose says how many segments the path in the API has. All before
    them is the root path: `path` has a custom domain's base path, but not the stage, which only
    `requestContext.path` has (not in `sam local`). API Gateway chooses the same resource with a
    trailing slash and without.
    """
    resource: str = event["resource"]
    segments = resource.count("/") if resource != "/" else 0
    if resource.endswith("+}"):
        segments += (event.get("pathParameters") or {}).get("proxy", "").rstrip("/").count("/")
    path: str = event["path"] or "/"
    whole: str = event["requestContext"].get("path") or path
    root_path = whole.rstrip("/").rsplit("/", segments)[0].strip("/")
    own = path.rstrip("/").rsplit("/", segments)[1:]
    return quote(f"/{root_path}") if root_path else "", f"/{'/'.join(own)}"


def _viewer(event: Mapping[str, Any]) -> str | None:
    """The client's address by CloudFront; None where the request did not come through it."""
    secret = (event.get("stageVariables") or {}).get("CdnSecret")
    if not secret:
        return None
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    given = headers.get(_PROOF_HEADER, "").encode(errors="replace")
    return headers.get(_VIEWER_HEADER) if hmac.compare_digest(given, secret.encode()) else None


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """The event without a host and a port that are none, and without half characters."""
    whole: dict[str, Any] = json.loads(_text(json.dumps(event, ensure_ascii=False)))
    for headers in ("headers", "multiValueHeaders"):
        given = whole.get(headers) or {}
        whole[headers] = {k: v for k, v in given.items() if k.lower() not in _UNUSED}
    return whole


def _text(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()

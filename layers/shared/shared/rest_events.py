"""API Gateway's events as Mangum reads them, but for what it stumbles over: then nobody would answer."""

import base64
import json
from typing import Any, Final

from mangum.handlers import APIGateway
from mangum.types import Scope

# Where the gateway is called is its own affair, and Mangum takes apart what a client wrote there.
_UNUSED: Final = ("host", "x-forwarded-port")
_NO_TEXT: Final = b"\xff"


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
        scope["path"] = _text(scope["path"])
        return scope


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """The event without a host and a port that are none, and without half characters."""
    whole: dict[str, Any] = json.loads(_text(json.dumps(event, ensure_ascii=False)))
    for headers in ("headers", "multiValueHeaders"):
        given = whole.get(headers) or {}
        whole[headers] = {k: v for k, v in given.items() if k.lower() not in _UNUSED}
    return whole


def _text(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()

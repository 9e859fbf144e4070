"""Headers of requests and answers."""

from typing import Any, Final

type Node = dict[str, Any]

PARAMETERS: Final[Node] = {
    "X-Request-ID": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id for the request: 1 to 128 letters, digits and `._:/+=-`. Another one is not taken.",
        "schema": {"type": "string"},
        "example": "checkout-7f3a",
    }
}

HEADERS: Final[Node] = {
    "X-Request-ID": {
        "description": "The request's id: the caller's own if it was sane, else a new one",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/+=-]{1,128}$"},
    },
    "X-Process-Time": {
        "description": "Milliseconds that the service took; missing where the gateway answered by itself",
        "schema": {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$"},
    },
    "X-Amzn-Remapped-WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750): API Gateway renames `WWW-Authenticate`. Look at the status",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "No-Store": {
        "description": "The answer is for one caller or about this moment: caches do not keep it",
        "required": True,
        "schema": {"type": "string", "const": "no-store"},
    },
}
_OF_STATUS: Final = {
    "401": "X-Amzn-Remapped-WWW-Authenticate",
    "429": "Retry-After",
    "503": "Retry-After",
}


def _reference(name: str) -> Node:
    return {"$ref": f"#/components/headers/{name}"}


def of_answer(status: str) -> Node:
    """The headers that every answer of this status has."""
    found = {name: _reference(name) for name in ("X-Request-ID", "X-Process-Time")}
    if int(status) < 400:
        return found | {"Cache-Control": _reference("No-Store")}
    if status in _OF_STATUS:
        found[_OF_STATUS[status]] = _reference(_OF_STATUS[status])
    return found


def finish(responses: Node) -> None:
    """Add to each response of an operation, beside those of its own, the headers that all answers
    of its status have."""
    for status, response in responses.items():
        if "$ref" not in response:
            response["headers"] = of_answer(status) | response.get("headers", {})

"""Problems: those that follow from what a route is, and a schema for each code."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.errors import (
    BodegaError,
    Forbidden,
    InternalError,
    InvalidCursor,
    InvalidRequest,
    MalformedJson,
    PayloadTooLarge,
    ServiceUnavailable,
    Unauthenticated,
    UnsupportedMediaType,
)
from shared.web.responses import add_problem, problems, schema_name

type Node = dict[str, Any]


class _TooManyRequests(BodegaError):
    """The gateway's own answer (template.yaml): no function is asked."""

    status, code, title = 429, "too-many-requests", "Too many requests"


_OF_ALL: Final[dict[type[BodegaError], str]] = {
    Forbidden: "the caller may not do this, or the gateway refused the request",
    InvalidRequest: "see `errors`",  # every route refuses an unknown query parameter
    _TooManyRequests: "the shop takes no more requests at this moment",
    InternalError: "something is broken on our side",
    ServiceUnavailable: "the service does not answer at this moment",
}
_OF_BODIES: Final[dict[type[BodegaError], str]] = {
    MalformedJson: "the body is not JSON, or JSON that means two things",
    PayloadTooLarge: "the body is over 256 KB",
    UnsupportedMediaType: "the body is not `application/json`",
}
_OF_LISTS: Final[dict[type[BodegaError], str]] = {
    InvalidCursor: "the cursor is forged, or of another list or caller"
}
_OF_CALLERS: Final[dict[type[BodegaError], str]] = {
    Unauthenticated: "there is no valid access token, or its account is not active"
}
_GENERAL: Final = _OF_ALL | _OF_BODIES | _OF_LISTS | _OF_CALLERS


def general() -> Mapping[str, tuple[str, Node]]:
    """The status and the response of each problem that follows from what a route is, by name."""
    made = {}
    for error, text in _GENERAL.items():
        [(status, response)] = problems({error: text}).items()
        made[schema_name(error)] = (str(status), response)
    return made


def add_general(operation: Node) -> None:
    """Add the problems that follow from what an operation is to those that it names."""
    following = dict(_OF_ALL)
    if "requestBody" in operation:
        following |= _OF_BODIES
    if any(parameter["name"] == "cursor" for parameter in operation["parameters"]):
        following |= _OF_LISTS
    if "security" in operation:
        following |= _OF_CALLERS
    for error, text in following.items():
        add_problem(operation["responses"], error, text)


def schemas(part: Any, problem: Node) -> Node:
    """A schema for each code that a part of the document refers to. The services' modules must have
    been imported.

    Args:
        problem: the part of them that is the same.
    """
    used = json.dumps(part)
    return {
        name: _schema(name, error, problem)
        # Not in the order of imports: two services may have an error of one code.
        for error in sorted(_below(BodegaError), key=lambda error: (error.code, error.__module__))
        if f'"#/components/schemas/{(name := schema_name(error))}"' in used
    }


def _schema(name: str, error: type[BodegaError], problem: Node) -> Node:
    """A whole schema, not one that adds to Problem: generators of clients drop the members beside
    an `allOf`, or cannot merge a constant with any string."""
    members = dict(error.members)
    if error.status == 422:
        members["errors"] = {
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/components/schemas/FieldError"},
            "description": "What is wrong, and where",
        }
    return {
        "title": name,
        "description": error.title,
        "type": "object",
        "properties": {
            **problem["properties"],
            "type": {"const": f"/problems/{error.code}"},
            "status": {"const": error.status},
            **members,
        },
        "required": [*problem["required"], *members],
    }


def _below(error: type[BodegaError]) -> Iterator[type[BodegaError]]:
    for subclass in error.__subclasses__():
        yield from _below(subclass)
        yield subclass

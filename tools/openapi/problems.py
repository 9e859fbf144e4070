"""Problems: a schema for each code, and the codes of each answer."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, get_args

from orders.models import Status
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
from shared.web.problems import CODES
from tools.openapi import headers

type Node = dict[str, Any]

MEDIA_TYPE: Final = "application/problem+json"
_SCHEMAS: Final = "#/components/schemas/"


class _TooManyRequests(BodegaError):
    """The gateway's own word (template.yaml): no function is asked."""

    status, code, title = 429, "too-many-requests", "Too many requests"


_PROBLEM: Final[Node] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Its last part is the code",
            "examples": ["/problems/not-found"],
        },
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {
            "type": "string",
            "format": "uri-reference",
            "description": "The path that was asked for",
        },
        "request_id": {"type": "string", "description": "The answer's X-Request-ID"},
    },
}
_FIELD_ERROR: Final[Node] = {
    "type": "object",
    "title": "FieldError",
    "description": "One thing that is wrong with a request.",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "A JSON pointer into the body, or `#/query/…`, `#/path/…`, `#/header/…`",
            "examples": ["#/items/0/quantity"],
        },
        "detail": {"type": "string"},
    },
}
_ERRORS: Final[Node] = {
    "errors": {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": f"{_SCHEMAS}FieldError"},
        "description": "What is wrong, and where",
    }
}
_PRODUCT_ID: Final[Node] = {"product_id": {"type": "string"}}
_STATUS: Final[Node] = {"type": "string", "enum": list(get_args(Status))}
# The members that a code adds to a problem's own.
_MEMBERS: Final[dict[str, Node]] = {
    "illegal-transition": {"from": _STATUS, "to": _STATUS},
    "out-of-stock": {
        **_PRODUCT_ID,
        "requested": {"type": "integer", "minimum": 1},
        "available": {"type": "integer", "minimum": 0},
    },
    "unknown-product": _PRODUCT_ID,
    "version-conflict": {"version": {"type": "integer", "description": "The one it is at"}},
}

# What follows from what a route is, with the sentence that says when.
_WHEN: Final[dict[type[BodegaError], str]] = {
    MalformedJson: "the body is not JSON, or JSON that means two things",
    InvalidCursor: "the cursor is forged, or of another list or caller",
    Unauthenticated: "there is no valid access token, or its account is not active",
    Forbidden: "the caller may not do this, or the gateway refused the request",
    PayloadTooLarge: "the body is over 256 KB",
    UnsupportedMediaType: "the body is not `application/json`",
    InvalidRequest: "see `errors`",
    _TooManyRequests: "the shop takes no more requests at this moment",
    InternalError: "something is broken on our side",
    ServiceUnavailable: "the service does not answer at this moment",
}
_OF_BODIES: Final = (MalformedJson, PayloadTooLarge, UnsupportedMediaType)
# An unknown query parameter is refused by every route.
_EVERYWHERE: Final = (
    Forbidden,
    InvalidRequest,
    _TooManyRequests,
    InternalError,
    ServiceUnavailable,
)


@cache
def _errors() -> dict[str, type[BodegaError]]:
    """All errors that a client may see, by their codes. The services' modules must have been
    imported."""
    return {error.code: error for error in _below(BodegaError)}


def _below(error: type[BodegaError]) -> Iterator[type[BodegaError]]:
    for subclass in error.__subclasses__():
        yield from _below(subclass)
        yield subclass


def finish(
    responses: Node,
    *,
    parameters: set[tuple[str, str]],
    has_body: bool,
    needs_caller: bool,
) -> None:
    """Say in an operation's responses which problems it may answer with: those it names, and those
    that follow."""
    following: list[type[BodegaError]] = list(_EVERYWHERE)
    following += _OF_BODIES if has_body else ()
    following += [InvalidCursor] if ("query", "cursor") in parameters else []
    following += [Unauthenticated] if needs_caller else []
    for error in following:
        _add(responses, error)
    for status, response in responses.items():
        codes = response.pop(CODES, [])
        if response.pop("x-alone", False) and len(codes) == 1:
            responses[status] = {"$ref": f"#/components/responses/{_name(codes[0])}"}
        elif codes:
            response.setdefault("content", {})[MEDIA_TYPE] = {"schema": _one_of(codes)}


def _add(responses: Node, error: type[BodegaError]) -> None:
    known = responses.setdefault(str(error.status), {"description": "", "x-alone": True})
    codes = known.setdefault(CODES, [])
    if error.code not in codes:
        codes.append(error.code)
        known["description"] = "\n\n".join(filter(None, [known["description"], _text(error)]))


def _text(error: type[BodegaError]) -> str:
    return f"`{error.code}`: {_WHEN[error]}"


def _one_of(codes: list[str]) -> Node:
    schemas = {f"/problems/{code}": f"{_SCHEMAS}{_name(code)}" for code in codes}
    if len(codes) == 1:
        return {"$ref": f"{_SCHEMAS}{_name(codes[0])}"}
    return {
        "oneOf": [{"$ref": schema} for schema in schemas.values()],
        "discriminator": {"propertyName": "type", "mapping": schemas},
    }


def _name(code: str) -> str:
    """`email-taken` → `EmailTaken`"""
    return "".join(word.title() for word in code.split("-"))


def responses() -> Node:
    """Answers that are the same wherever they are given."""
    return {
        _name(error.code): {
            "description": _text(error),
            "headers": headers.of_answer(str(error.status)),
            "content": {MEDIA_TYPE: {"schema": _one_of([error.code])}},
        }
        for error in _WHEN
    }


def add_schemas(document: Node) -> None:
    """The problem itself, and one for each code that an answer of the document may have."""
    made = document["components"]["schemas"]
    made |= {"Problem": _PROBLEM, "FieldError": _FIELD_ERROR}
    used = json.dumps([document["paths"], responses()])
    for code, error in sorted(_errors().items()):
        if f'"{_SCHEMAS}{_name(code)}"' not in used:
            continue
        members = _MEMBERS.get(code, {}) | (_ERRORS if error.status == 422 else {})
        made[_name(code)] = {
            "title": error.title,
            "allOf": [{"$ref": f"{_SCHEMAS}Problem"}],
            "properties": {
                "type": {"const": f"/problems/{code}"},
                "status": {"const": error.status},
                **members,
            },
            "required": ["type", "status", *members],
        }

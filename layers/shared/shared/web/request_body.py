"""What a request may carry, and how its JSON is read: as I-JSON (RFC 7493), exactly, and as nothing
else."""

import json
import re
from decimal import Decimal
from typing import Any, Final

from fastapi import Request
from starlette.types import Message

from shared.errors import InvalidRequest, MalformedJson, PayloadTooLarge, UnsupportedMediaType

_LARGEST: Final = 256 * 1024
# No body of the API nests deeper than three.
_DEEPEST: Final = 32
# Far beyond every amount and quantity; longer ones only cost time.
_LONGEST_NUMBER: Final = 100
_WITH_JSON: Final = frozenset({"POST", "PUT", "PATCH"})
_OPENING: Final = re.compile(r"[\[{]")
# The gateway hands bodies on as text and writes U+FFFD where bytes were no UTF-8: what was meant is
# lost.
_NOT_UTF8: Final = "\N{REPLACEMENT CHARACTER}"
# Lone surrogates and noncharacters: no text has them (RFC 7493, section 2.1).
_NO_TEXT: Final = re.compile(
    r"[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)


class CheckedRequest(Request):
    """A request whose body was read and found to be what a route may see."""

    def __init__(self, request: Request, body: bytes, document: Any) -> None:
        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        super().__init__(request.scope, replay)
        self._document = document

    async def json(self) -> Any:
        return self._document


async def checked(request: Request, *, is_needed: bool) -> CheckedRequest:
    """Take the body in, and refuse what no route takes.

    Args:
        is_needed: whether the route wants one, or takes one.

    Raises:
        PayloadTooLarge: it is over 256 KB.
        UnsupportedMediaType: it is not `application/json` in UTF-8 and as it is.
        MalformedJson: see `read`.
        InvalidRequest: the route wants an object, and it is none. Pydantic looks for a model's
            fields among the attributes of what it does not know, a Decimal for one, and where all
            fields may be left out it finds enough.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise PayloadTooLarge
    if not body or (request.method not in _WITH_JSON and not is_needed):
        return CheckedRequest(request, body, None)
    _check_type(request)
    document = read(body)
    if is_needed and not isinstance(document, dict):
        raise InvalidRequest([{"pointer": "#", "detail": "body: must be an object"}])
    return CheckedRequest(request, body, document)


def _check_type(request: Request) -> None:
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    if media_type.strip() != "application/json":
        raise UnsupportedMediaType
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("JSON is UTF-8, and nothing else.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Bodies are not compressed.")


def read(body: bytes) -> Any:
    """The JSON text in a body; its decimal numbers as they are written, and never through a float.

    Raises:
        MalformedJson: it is no JSON, or such as two readers may understand in two ways: not UTF-8,
            a name given twice in an object, half a character, a number that is none or very long,
            nesting beyond 32 levels.
    """
    try:
        text = body.decode()
        if _NOT_UTF8 in text:
            raise MalformedJson("The body is not UTF-8.")
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise MalformedJson("The body is not UTF-8.") from None
    # A number whose exponent no Decimal takes is an ArithmeticError.
    except (ValueError, ArithmeticError, RecursionError):
        raise MalformedJson("The body is not JSON.") from None
    # Most bodies are small and plain: nothing in them can be wrong.
    if "\\u" in text or not text.isascii() or len(_OPENING.findall(text)) > _DEEPEST:
        _inspect(document)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise MalformedJson("The body is not JSON as we read it: an object has a name twice.")
    return members


def _constant(name: str) -> Any:
    raise MalformedJson(f"The body is not JSON: {name} is no number of it.")


def _whole(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _check_length(digits)
    return Decimal(digits)


def _check_length(digits: str) -> None:
    if len(digits) > _LONGEST_NUMBER:
        raise MalformedJson(f"The body has a number of more than {_LONGEST_NUMBER} characters.")


def _inspect(document: Any) -> None:
    """Look at each level of the document, without recursion: it may be deeper than Python's
    stack."""
    level, depth = [document], 0
    while level:
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                if _NO_TEXT.search(value):
                    raise MalformedJson("The body has half a character, or what is no character.")
            elif isinstance(value, dict | list):
                if depth == _DEEPEST:
                    raise MalformedJson(f"The body is nested more than {_DEEPEST} deep.")
                below += value
                if isinstance(value, dict):
                    below += value.values()
        level, depth = below, depth + 1

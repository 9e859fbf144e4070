"""Requests that nobody sends by mistake: bodies, made out of a good one for the route, and everything round them."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_TOO_LARGE: Final = 256 * 1024 + 1
_JSON: Final = "application/json"


@dataclass(frozen=True)
class Hostile:
    """What is sent instead of a good body.

    Attributes:
        answers: the statuses that may answer it; none is a 5xx, and what is refused is not stored.
        event: what of API Gateway's event is not as usual.
    """

    name: str
    body: bytes | str
    answers: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)


def _refused(status: int, name: str, body: bytes | str, **more: Any) -> Hostile:
    return Hostile(name, body, frozenset({status}), **more)


def malformed(good: Mapping[str, Any]) -> Iterator[Hostile]:
    """No JSON, or such as can be read in two ways: 400, wherever it is sent."""
    text = json.dumps(good)
    [(name, value), *_] = good.items()
    member = f"{json.dumps(name)}: {json.dumps(value)}"
    rest = text[1:]
    bodies: dict[str, bytes | str] = {
        "blank": "  ",
        "cut": text[:-1],
        "trailing garbage": text + "x",
        "twice": text + text,
        "a raw NUL behind": text + "\0",
        "a name twice": "{" + member + ", " + rest,
        "a name twice, once escaped": "{"
        + member.replace(name, f"\\u{ord(name[0]):04x}{name[1:]}", 1)
        + ", "
        + rest,
        "half a character as a name": '{"\\ud800": 1, ' + rest,
        "half a character": '{"x": "\\udc00", ' + rest,
        "a noncharacter": '{"x": "\\ufffe", ' + rest,
        "NaN": '{"x": NaN, ' + rest,
        "Infinity": '{"x": [-Infinity], ' + rest,
        "a number of 5,000 digits": '{"x": ' + "9" * 5000 + ", " + rest,
        "an exponent of 20 digits": '{"x": 1e99999999999999999999, ' + rest,
        "100,000 lists": "[" * 100_000,
        "100,000 lists, closed": "[" * 100_000 + "]" * 100_000,
        "50,000 objects": '{"a":' * 50_000,
        "legal but deep": '{"x": ' + "[" * 200 + "]" * 200 + ", " + rest,
        "UTF-8 with a mark": text.encode("utf-8-sig"),
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without a mark": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "latin-1": ('{"x": "é", ' + rest).encode("latin-1"),
        "an overlong slash": b'{"x": "\xc0\xaf", ' + rest.encode(),
        "an encoded half": b'{"x": "\xed\xa0\x80", ' + rest.encode(),
        "a form": "a=1&b=2",
        "XML": "<a/>",
    }
    for title, body in bodies.items():
        yield _refused(400, title, body)
    yield _refused(400, "base64 that is none", "!!!", event={"isBase64Encoded": True})
    yield _refused(400, "base64 cut short", "eyJ", event={"isBase64Encoded": True})
    yield _refused(400, "half a character in the event", text + "\ud800")


def of_another_kind(good: Mapping[str, Any]) -> Iterator[Hostile]:
    """Too large, or not what it is said to be: 413 and 415."""
    text = json.dumps(good)
    yield _refused(413, "large", text.ljust(_TOO_LARGE))
    yield _refused(413, "large and deep", "[" * _TOO_LARGE)
    yield _refused(
        413, "large and of another type", "x" * _TOO_LARGE, headers={"Content-Type": "text/plain"}
    )
    types = (
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json;charset=x",
        "application/json; charset=iso-8859-1",
        'application/json; charset="utf-7"',
        "*/*",
        ";",
    )
    for type_ in types:
        yield _refused(415, f"as {type_!r}", text, headers={"Content-Type": type_})
    for coding in ("gzip", "br", "gzip, identity", "x"):
        headers = {"Content-Type": _JSON, "Content-Encoding": coding}
        yield _refused(415, f"coded as {coding}", text, headers=headers)
    yield _refused(
        415,
        "zipped indeed",
        base64.b64encode(b"\x1f\x8b\x08\0\0\0\0\0").decode(),
        headers={"Content-Type": _JSON, "Content-Encoding": "gzip"},
        event={"isBase64Encoded": True},
    )


def of_another_form(good: Mapping[str, Any]) -> Iterator[Hostile]:
    """JSON, but not what the route takes. What means the same may be accepted; what is refused is a 4xx."""
    for whole in ("[]", '"x"', "null", "true", "1", "-0", "1e400"):
        yield _refused(422, whole, whole)
    yield _refused(422, "nothing", "")
    yield _refused(422, "an unknown member", json.dumps({**good, "x": 1}))
    yield _refused(422, "__proto__", json.dumps({**good, "__proto__": {"role": "admin"}}))
    yield _refused(422, "a list of it", json.dumps([good]))
    refused = frozenset({400, 401, 403, 404, 409, 422})
    for name in good:
        for values, answers in ((_WRONG, refused), (_ODD, refused | ACCEPTED)):
            for title, raw in values.items():
                body = json.dumps({**good, name: "HERE"}).replace('"HERE"', raw)
                yield Hostile(f"{title} as {name}", body, answers)


# Instead of each member of a good body: no member takes them.
_WRONG: Final[Mapping[str, str]] = {
    "1e400": "1e400",
    "1e-400": "1e-400",
    "99 digits": "9" * 99,
    "minus 1e99": "-1e99",
    "a huge negative": "-" + "9" * 40,
    "NUL": '"\\u0000"',
    "NUL inside": '"a\\u0000b"',
    "a bell": '"\\u0007"',
    "an escape": '"\\u001b[31m"',
    "nothing": '""',
    "spaces": '"   "',
    "100,000 letters": '"' + "x" * 100_000 + '"',
    "an object": '{"S": "x"}',
    "a list of lists": "[[[]]]",
    "many": "[" + ",".join(["{}"] * 1000) + "]",
    "an operator": '{"$gt": ""}',
}
# Where a member is a text or an amount of money, these are no worse than others.
_ODD: Final[Mapping[str, str]] = {
    "a fraction": "1.5",
    "minus nothing": "-0",
    "nothing at all": "0e999999999",
    "a line separator": '"a\\u2028b"',
    "NaN as text": '"NaN"',
    "infinity as text": '"Infinity"',
    "digits of another script": '"\\u0661\\u0662\\u0663"',
}
ACCEPTED: Final = frozenset({200, 201, 204})

# Query strings that no list takes; `limit` is known to all of them.
QUERIES: Final = (
    "limit=1e9",
    "limit=0",
    "limit=-1",
    "limit=101",
    "limit=%31%00",
    "limit=\u0661",
    "limit=" + "9" * 5000,
    "limit=0x10",
    "limit=1&limit=2",
    "limit=1&limit=1",
    "cursor=a&cursor=b",
    "x=1&x=2",
    "limit=null",
    "limit=",
    "cursor=",
    "cursor=%00",
    "cursor=null",
    "cursor=" + "A" * 5000,
    "cursor=%ff%fe",
    "cursor=é",
    "cursor=../../etc",
    "cursor=eyJhIjoxfQ",
)

# Instead of an id, as the gateway hands a path on.
SEGMENTS: Final = (
    "%00",
    "a%00b",
    "%2f",
    "..%2f..%2fetc%2fpasswd",
    "..%5c",
    "%252e%252e",
    ".",
    "..",
    "%ff%fe",
    "%c0%af",
    "%ed%a0%80",
    "%",
    "%zz",
    "x" * 3000,
    "é" * 1500,
    "x" * 10_000,
    "%0d%0aSet-Cookie:%20x=y",
    "' OR 1=1--",
    "{}",
    "*",
    "null",
    "😀",
    "ADMINS",
    "USER#x",
)

# By their names, values that make no sense, are none, or mean to be more than a value.
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Idempotency-Key": ("", " ", "x" * 256, "a\0b", "a\nb", "é", "\x7f", "😀"),
    "If-Match": ("", "x", '"', '"a', "W/", '"' + "9" * 5000 + '"', "*, *", "\0", "é"),
    "If-None-Match": ("", "x", '"', "W/", '"' + "9" * 5000 + '"', "\0", "é"),
    "X-Request-ID": ("", "a b", "x" * 5000, "a\r\nSet-Cookie: x=y", "\0", "é", "${jndi:ldap://x}"),
    "Authorization": ("Bearer \0", "Bearer é", "Bearer " + "x" * 9000, "Basic eDp4", "\0"),
    "Host": ("[", "a:b", "a:b:c", "", "\0", "é"),
    "X-Forwarded-Port": ("x", "", "-1"),
    "X-Forwarded-Proto": ("x", "", "javascript"),
    "Origin": ("null", "\0", "https://evil.example"),
    "Accept": ("text/html", "\0", "x"),
    "Transfer-Encoding": ("chunked", "x"),
    "Content-Length": ("-1", "x"),
    "X-HTTP-Method-Override": ("DELETE",),
    "Expect": ("100-continue",),
    "Range": ("bytes=0-0",),
}

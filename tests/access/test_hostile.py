"""Hostile requests at every route: a clean refusal, never a 5xx, and nothing of them is stored.

How bodies are parsed is in tests/shared/web/test_request_body.py; the fuzzer of tests/stack
sends many more.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.access.requests import ROUTES, bearer, example, send
from tests.access.scene import Scene
from tests.support.http import Answer
from tools.openapi.access import Route

type Body = tuple[bytes | str, dict[str, str]]

_WITH_BODY: Final = [route for route, served in ROUTES.items() if served.body_field]
_WITH_ID: Final = [route for route in ROUTES if "{id}" in route[1]]
_LISTS: Final = [
    route
    for route, served in ROUTES.items()
    if any(below.call.__name__ == "_page_request" for below in served.dependant.dependencies)
]
# A log-out of a token that does not exist has nothing to do, and no token to check.
_LOG_OUT: Final = ("POST", "/api/v1/auth/logout")

# One route of each service, those that read headers of their own, and the catch-all.
_WITH_HEADERS: Final = [
    ("PUT", "/api/v1/users/{id}"),
    ("GET", "/api/v1/products/{id}"),
    ("PUT", "/api/v1/products/{id}"),
    ("POST", "/api/v1/products/{id}/stock"),
    ("POST", "/api/v1/orders"),
    ("POST", "/api/v1/notifications/{id}/read"),
    ("GET", "/docs/{asset}"),
    ("GET", "/{proxy}"),
]
_WITH_KEY: Final = {
    ("POST", "/api/v1/orders"): 400,
    ("POST", "/api/v1/products/{id}/stock"): 422,
}
_TOO_LARGE: Final = 256 * 1024 + 1
# JSON values in place of each member of a good body: no member accepts the first ones; some accept
# the others.
_WRONG: Final = (
    *("1e400", "1e-400", "9" * 99, "-1e99", '"\\u0000"', '"\\u001b[31m"', '""', '"   "'),
    *(f'"{"x" * 100_000}"', '{"S": "x"}', "[[[]]]", f"[{','.join(['{}'] * 1000)}]"),
)
_ODD: Final = ("1.5", "-0", "0e999999999", '"a\\u2028b"', '"NaN"', '"\\u0661\\u0662"')

_QUERIES: Final = (
    *("limit=1e9", "limit=0", "limit=-1", "limit=%31%00", "limit=\u0661", f"limit={'9' * 5000}"),
    *("limit=1&limit=2", "cursor=a&cursor=b", "x=1&x=2", "limit=", "cursor=", "cursor=%00"),
    *(f"cursor={'A' * 5000}", "cursor=%ff%fe", "cursor=é", "cursor=eyJhIjoxfQ"),
)
_IDS: Final = (
    *("%00", "a%00b", "%2f", "..%2f..%2fetc%2fpasswd", "..%5c", ".", "..", "%ff%fe", "%c0%af"),
    *("%ed%a0%80", "%", "x" * 10_000, "é" * 1500, "%0d%0aSet-Cookie:%20x=y", "' OR 1=1--", "😀"),
    *("ADMINS", "USER#x"),
)
_HEADERS: Final = {
    "Idempotency-Key": ("", " ", "x" * 256, "a\0b", "a\nb", "é", "\x7f", "😀"),
    "If-Match": ("", "x", '"', '"a', "W/", f'"{"9" * 5000}"', "*, *", "\0", "é"),
    "If-None-Match": ("", "x", '"', "W/", f'"{"9" * 5000}"', "\0", "é"),
    "X-Request-ID": ("", "a b", "x" * 5000, "a\r\nSet-Cookie: x=y", "\0", "é", "${jndi:ldap://x}"),
    "Authorization": ("Bearer \0", "Bearer é", f"Bearer {'x' * 9000}", "Basic eDp4", "\0"),
    "Host": ("[", "a:b", "a:b:c", "", "\0", "é"),
    "X-Forwarded-Port": ("x", "", "-1"),
    "X-Forwarded-Proto": ("x", "", "javascript"),
    "Origin": ("null", "\0", "https://evil.example"),
    "Transfer-Encoding": ("chunked", "x"),
    "Content-Length": ("-1", "x"),
}


def bodies(good: dict[str, Any]) -> Iterator[tuple[int, Body]]:
    """Hostile bodies made from a good one, and the status of each: 0 for any refusal or success."""
    text = json.dumps(good)
    name, rest = next(iter(good)), text[1:]
    for malformed in (
        *("  ", text[:-1], f"{text}x", text * 2, "[" * 100_000, '{"a":' * 50_000, "a=1&b=2"),
        f'{{"{name}": 1, {rest}',
        f'{{"\\u{ord(name[0]):04x}{name[1:]}": 1, {rest}',
        f'{{"x": NaN, {rest}',
        f'{{"x": {"9" * 5000}, {rest}',
        f'{{"x": "\\udc00", {rest}',
        text.encode("utf-16"),
        b'{"x": "\xc0\xaf", ' + rest.encode(),
    ):
        yield 400, (malformed, {})
    yield 413, (text.ljust(_TOO_LARGE), {})
    for header in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        yield 415, (text, header)
    for other in ("[]", '"x"', "null", "1", "", json.dumps([good])):
        yield 422, (other, {})
    yield 422, (json.dumps({**good, "__proto__": {"role": "admin"}}), {})
    for member in good:
        for values, status in ((_WRONG, 4), (_ODD, 0)):
            for value in values:
                changed = json.dumps({**good, member: "HERE"}).replace('"HERE"', value)
                yield status, (changed, {})


def send_body(scene: Scene, route: Route, good: Any, body: Body) -> Answer:
    content, headers = body
    event = {}
    if isinstance(content, bytes):
        content, event = base64.b64encode(content).decode(), {"isBase64Encoded": True}
    headers = {**good.headers, **bearer(scene, route), **headers}
    return send(scene, route[0], good.path, headers, parts={"body": content}, **event)


def is_problem(answer: Answer) -> bool:
    is_one = answer.headers.get("content-type") == "application/problem+json"
    return is_one and answer.json["status"] == answer.status and "Traceback" not in answer.text


def stored(scene: Scene) -> dict[Any, Any]:
    """All that is stored but the counters and the decoy of a log-in that fails."""
    log_in = ("ATTEMPTS#", "NOBODY")
    return {key: item for key, item in scene.stored.items() if not key[1].startswith(log_in)}


@pytest.mark.parametrize("route", _WITH_BODY, ids=" ".join)
def test_hostile_body_is_refused_and_stores_nothing(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    good = example(scene, route)
    assert good.body
    assert send_body(scene, route, good, (json.dumps(good.body), {})).status == good.status
    restore()
    before = stored(scene)
    for expected, body in bodies(good.body):
        answer, sent = send_body(scene, route, good, body), f"{str(body)[:200]}"
        is_accepted = answer.status in (200, 201, 204)
        if is_accepted and (expected == 0 or (expected == 4 and route == _LOG_OUT)):
            restore()
            continue
        assert is_problem(answer), (sent, answer)
        assert answer.status == expected if expected > 4 else answer.status < 500, (sent, answer)
        assert stored(scene) == before, sent
        if scene.shop.wire.calls:
            restore()


@pytest.mark.parametrize("route", _WITH_ID, ids=" ".join)
@pytest.mark.usefixtures("restore")
def test_hostile_id_is_refused_and_stores_nothing(scene: Scene, route: Route) -> None:
    good, before = example(scene, route), scene.stored
    headers = {**good.headers, **bearer(scene, route)}
    for id_ in _IDS:
        path = route[1].replace("{id}", id_)
        answer = send(scene, route[0], path, headers, parts={"json_body": good.body})
        assert answer.status in (401, 404, 405, 422), (path, answer)
        assert is_problem(answer)
        assert scene.stored == before, path


@pytest.mark.parametrize("route", _LISTS, ids=" ".join)
@pytest.mark.usefixtures("restore")
def test_hostile_query_is_refused(scene: Scene, route: Route) -> None:
    good = example(scene, route)
    for query in _QUERIES:
        answer = send(scene, route[0], f"{good.path}?{query}", bearer(scene, route))
        assert answer.status in (400, 422), (query, answer)
        assert is_problem(answer)


@pytest.mark.parametrize("route", _WITH_HEADERS, ids=" ".join)
def test_hostile_header_is_refused_or_ignored(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    good = example(scene, route)
    for name, values in _HEADERS.items():
        for value in values:
            headers = {**good.headers, **bearer(scene, route), name: value}
            parts = {"json_body": good.body}
            answer = send(scene, route[0], good.path, headers, parts=parts)
            assert answer.status < 500, (name, value, answer)
            assert "set-cookie" not in answer.headers
            assert "\n" not in "".join(answer.headers.values())
            if name == "Idempotency-Key" and route in _WITH_KEY:
                assert answer.status == _WITH_KEY[route], (value, answer)
            if scene.shop.wire.calls:
                restore()

"""Hostile requests at every route: a clean refusal, never a 5xx, and nothing of them is stored.

How bodies are parsed is in tests/shared/web/test_request_body.py; the fuzzer of tests/stack
sends many more.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.access.requests import LISTS, ROUTES, bearer, example, send
from tests.access.scene import Scene
from tests.support.http import Answer
from tools.openapi.access import Route

type Body = bytes | str

# The deletion of a user takes none as well.
_WITH_BODY: Final = [
    (method, path)
    for (method, path), served in ROUTES.items()
    if served.body_field and method != "DELETE"
]
_WITH_ID: Final = [route for route in ROUTES if "{id}" in route[1]]
# The catch-all, and the routes that read headers of their own.
_WITH_HEADERS: Final = [("GET", "/{proxy}")] + [
    route for route, served in ROUTES.items() if served.dependant.header_params
]
# JSON values in place of each member of a good body; some members accept some of them.
_ODD: Final = (
    *("1e400", "1e-400", "9" * 99, "-1e99", "1.5", "-0", "0e999999999", "null", "true"),
    *('"\\u0000"', '"\\u001b[31m"', '""', '"   "', '"a\\u2028b"', '"NaN"', '"\\u0661\\u0662"'),
    *(f'"{"x" * 100_000}"', '{"S": "x"}', "[[[]]]", f"[{','.join(['{}'] * 1000)}]"),
)

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
    for malformed in (text[:-1], "[" * 100_000, text.encode("utf-16"), f'{{"x": NaN, {text[1:]}'):
        yield 400, malformed
    for other in ("[]", "null", ""):
        yield 422, other
    yield 422, json.dumps({**good, "__proto__": {"role": "admin"}})
    for member in good:
        for value in _ODD:
            yield 0, json.dumps({**good, member: "HERE"}).replace('"HERE"', value)


def send_body(scene: Scene, route: Route, good: Any, body: Body) -> Answer:
    event = {}
    if isinstance(body, bytes):
        body, event = base64.b64encode(body).decode(), {"isBase64Encoded": True}
    headers = {**good.headers, **bearer(scene, route)}
    return send(scene, route[0], good.path, headers, parts={"body": body}, **event)


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
    assert good.body is not None
    assert send_body(scene, route, good, json.dumps(good.body)).status == good.status
    restore()
    before = stored(scene)
    for expected, body in bodies(good.body):
        answer, sent = send_body(scene, route, good, body), f"{str(body)[:200]}"
        if expected == 0 and answer.status in (200, 201, 202, 204):
            restore()
            continue
        assert is_problem(answer), (sent, answer)
        assert answer.status == expected or (expected == 0 and answer.status < 500), (sent, answer)
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


@pytest.mark.parametrize("route", LISTS, ids=" ".join)
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
            if scene.shop.wire.calls:
                restore()

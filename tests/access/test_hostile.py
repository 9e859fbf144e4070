"""Hostile requests at every route: a clean refusal, never a 5xx, and nothing of them is stored."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from fastapi.routing import iter_route_contexts

from tests.access import hostile
from tests.access.examples import EXAMPLES, Example
from tests.access.hostile import Hostile
from tests.access.requests import ROUTES, bearer, send
from tests.access.scene import Scene
from tests.support.functions import FUNCTIONS
from tests.support.http import Answer
from tools.openapi.access import Route

_WITH_BODY: Final = [
    (method, route.path_format)
    for function in FUNCTIONS.values()
    if function.events("Api")
    for route in iter_route_contexts(function.module.router.routes)
    for method in route.methods or ()
    if route.body_field
]
_WITH_ID: Final = [route for route in ROUTES if "{id}" in route[1]]
_LISTS: Final = [
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/products"),
    ("GET", "/api/v1/orders"),
    ("GET", "/api/v1/orders/{id}/events"),
    ("GET", "/api/v1/notifications"),
]
_OF_EACH_KIND: Final = [
    ("PUT", "/api/v1/users/{id}"),
    ("POST", "/api/v1/auth/refresh"),
    ("GET", "/api/v1/products/{id}"),
    ("PUT", "/api/v1/products/{id}"),
    ("POST", "/api/v1/products/{id}/stock"),
    ("POST", "/api/v1/orders"),
    ("GET", "/api/v1/orders/{id}"),
    ("POST", "/api/v1/notifications/{id}/read"),
    ("GET", "/docs"),
    ("GET", "/docs/{asset}"),
    ("GET", "/{proxy}"),
    ("HEAD", "/{proxy}"),
]
# What a route cannot know for wrong: a refresh token may be any text, and who logs out with none of ours has done so.
_ACCEPTED: Final[Mapping[Route, frozenset[int]]] = {
    ("POST", "/api/v1/auth/logout"): frozenset({204}),
}


def send_body(scene: Scene, route: Route, example: Example, it: Hostile) -> Answer:
    headers = {**example.headers, **bearer(scene, route), **it.headers}
    body, event = it.body, dict(it.event)
    if isinstance(body, bytes):
        body, event = base64.b64encode(body).decode(), {"isBase64Encoded": True}
    return send(scene, route[0], example.path, headers, parts={"body": body}, **event)


def problem(answer: Answer) -> str:
    """What is not as a refusal should be; empty where all is."""
    if answer.headers.get("content-type") != "application/problem+json":
        return f"no problem: {answer}"
    if answer.json["status"] != answer.status or "Traceback" in answer.text:
        return f"another problem: {answer}"
    return ""


def hostile_bodies(good: dict[str, Any]) -> Iterator[Hostile]:
    yield from hostile.malformed(good)
    yield from hostile.of_another_kind(good)
    yield from hostile.of_another_form(good)


def kept(scene: Scene) -> dict[Any, Any]:
    """All that is stored but for what a failed log-in leaves, which a hostile one is: a count, and the decoy."""
    left = ("ATTEMPTS#", "NOBODY")
    return {key: item for key, item in scene.stored.items() if not key[1].startswith(left)}


@pytest.mark.parametrize("route", _WITH_BODY, ids=" ".join)
def test_a_hostile_body_is_refused_and_leaves_nothing_behind(
    scene: Scene, restore: Callable[[], None], say: Callable[[str], None], route: Route
) -> None:
    example = EXAMPLES[route](scene, scene.owner)
    assert example.body
    assert (
        send_body(
            scene, route, example, Hostile("good", json.dumps(example.body), frozenset())
        ).status
        == example.answers
    ), "the body is good before it is made hostile"
    restore()
    before, wrong, sent, accepted = kept(scene), [], 0, 0
    for it in hostile_bodies(example.body):
        answer = send_body(scene, route, example, it)
        sent += 1
        allowed = it.answers | (_ACCEPTED.get(route, frozenset()) if len(it.answers) > 1 else set())
        if answer.status in allowed & hostile.ACCEPTED:
            accepted += 1
        elif answer.status not in it.answers:
            wrong.append(f"{it.name}: {answer.status} {answer.text}")
        elif fault := problem(answer):
            wrong.append(f"{it.name}: {fault}")
        elif kept(scene) != before:
            wrong.append(f"{it.name}: it was stored")
        if scene.town.wire.calls:
            restore()
    assert not wrong, "\n".join(wrong)
    refused = f"{sent - accepted} refused, {accepted} harmless"
    say(f"{' '.join(route)}: {sent} hostile bodies, {refused}")


@pytest.mark.usefixtures("restore")
@pytest.mark.parametrize("route", _WITH_ID, ids=" ".join)
def test_a_hostile_path_leads_nowhere(scene: Scene, route: Route) -> None:
    example = EXAMPLES[route](scene, scene.owner)
    before = scene.stored
    for segment in hostile.SEGMENTS:
        path = route[1].replace("{id}", segment)
        headers = {**example.headers, **bearer(scene, route)}
        answer = send(scene, route[0], path, headers, parts={"json_body": example.body})
        assert answer.status in (401, 404, 405, 422), f"{path}: {answer}"
        assert not problem(answer)
        assert scene.stored == before, path


@pytest.mark.usefixtures("restore")
@pytest.mark.parametrize("route", _LISTS, ids=" ".join)
def test_a_hostile_query_is_refused(scene: Scene, route: Route) -> None:
    example = EXAMPLES[route](scene, scene.owner)
    headers = bearer(scene, route)
    for query in hostile.QUERIES:
        answer = send(scene, route[0], f"{example.path}?{query}", headers)
        assert answer.status in (400, 422), f"{query}: {answer}"
        assert not problem(answer)


@pytest.mark.parametrize("route", _OF_EACH_KIND, ids=" ".join)
def test_a_hostile_header_is_refused_or_means_nothing(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    for name, values in hostile.HEADERS.items():
        for value in values:
            example = EXAMPLES[route](scene, scene.owner)
            headers = {**example.headers, **bearer(scene, route), name: value}
            if name == "Idempotency-Key" and name not in example.headers:
                continue
            answer = send(
                scene, *(route[0], example.path, headers), parts={"json_body": example.body}
            )
            assert answer.status < 500, f"{name}: {value!r}: {answer}"
            assert "set-cookie" not in answer.headers
            assert "\n" not in "".join(answer.headers.values())
            if answer.status >= 400 and route[0] != "HEAD":
                assert not problem(answer)
            restore()


@pytest.mark.parametrize("key", hostile.HEADERS["Idempotency-Key"])
@pytest.mark.parametrize(
    ("route", "status"),
    [(("POST", "/api/v1/orders"), 400), (("POST", "/api/v1/products/{id}/stock"), 422)],
)
@pytest.mark.usefixtures("restore")
def test_a_key_is_of_visible_characters(scene: Scene, route: Route, status: int, key: str) -> None:
    example, before = EXAMPLES[route](scene, scene.owner), scene.stored
    headers = {**bearer(scene, route), "Idempotency-Key": key}
    answer = send(scene, route[0], example.path, headers, parts={"json_body": example.body})
    assert answer.status == status, answer
    assert scene.stored == before


@pytest.mark.usefixtures("restore")
def test_a_body_where_none_is_taken_changes_nothing(scene: Scene) -> None:
    headers = {"Content-Type": "text/plain"}
    for body in ("x", "{", "\ud800"):
        answer = send(scene, "GET", "/api/v1/products", headers, parts={"body": body})
        assert answer.status == 200
    large = send(scene, "GET", "/api/v1/products", headers, parts={"body": "x" * 300_000})
    assert (large.status, large.code) == (413, "payload-too-large")


@pytest.mark.usefixtures("restore")
def test_money_is_exact_however_it_is_written(scene: Scene) -> None:
    route = ("POST", "/api/v1/products")
    example = EXAMPLES[route](scene, scene.owner)
    for written, price in {
        "0.1": "0.10",
        "1e2": "100.00",
        "-0": "0.00",
        "-0.00": "0.00",
        "99999999.99": "99999999.99",
        '"19.99"': "19.99",
    }.items():
        body = json.dumps({**(example.body or {}), "name": uuid.uuid4().hex, "price": "HERE"})
        headers = bearer(scene, route)
        parts = {"body": body.replace('"HERE"', written)}
        answer = send(scene, route[0], example.path, headers, parts=parts)
        assert (answer.status, answer.json["price"]) == (201, price), answer

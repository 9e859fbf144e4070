"""Every route at each form of the API's URL, with a slash at its end and without; the links that it gives lead there."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.access.examples import EXAMPLES
from tests.access.requests import ROUTES, bearer, send
from tests.access.scene import Scene
from tests.support.http import EXECUTE_API, URLS, Answer, Url
from tools.local import gateway
from tools.openapi.access import Route

_SERVED: Final = [route for route in ROUTES if route[1] != "/{proxy}"]
_ROUTES: Final = pytest.mark.parametrize("route", _SERVED, ids=" ".join)
_FORMS: Final = pytest.mark.parametrize("at", URLS, ids=lambda at: at.root or "/")
# Headers of a function's answer that clients don't get as they are.
_CHANGED: Final = {name.decode() for name in gateway.RENAMED | gateway.DROPPED} | {
    *("connection", "date", "server"),
}
# Members of a body, and attributes of a page, that hold a path.
_PATHS: Final = re.compile(r'(?:"base_url":|"health":|"docs":|href=|src=|data-document=)"([^"]*)"')


def links(answer: Answer) -> Iterator[str]:
    """All paths that an answer gives its client to follow."""
    if "location" in answer.headers:
        yield answer.headers["location"]
    if answer.headers.get("content-type", "").startswith(("text/html", "application/json")):
        yield from _PATHS.findall(answer.text)


def ask(scene: Scene, route: Route, at: Url, *, more: str = "") -> tuple[Answer, int]:
    """The answer to the route's example, and the status of its success."""
    example = EXAMPLES[route](scene, scene.owner)
    headers = {**example.headers, **bearer(scene, route)}
    parts = {"json_body": example.body, "at": at}
    return send(scene, route[0], example.path + more, headers, parts=parts), example.answers


@_ROUTES
@_FORMS
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.usefixtures("restore")
def test_a_route_answers_and_its_links_lead_to_answers(
    scene: Scene, route: Route, at: Url, slash: str
) -> None:
    answer, success = ask(scene, route, at, more="" if route[1] == "/" else slash)
    assert answer.status == success, answer
    admin = {"Authorization": f"Bearer {scene.stage.admin.token}"}
    for link in links(answer):
        if link.startswith("data:"):
            continue
        assert link.startswith(f"{at.root}/"), link
        followed = send(scene, "GET", link.removeprefix(at.root), admin, parts={"at": at})
        # The scene's gateway has no assets of Swagger UI.
        assert followed.status == 200 or "/docs/swagger-ui" in link, (link, followed)


def test_links_are_given_by_what_adds_something_the_index_and_the_page(
    scene: Scene, restore: Callable[[], None]
) -> None:
    given = {}
    for route in _SERVED:
        given[route] = len(list(links(ask(scene, route, EXECUTE_API)[0])))
        restore()
    assert {" ".join(route): number for route, number in given.items() if number} == {
        "POST /api/v1/users": 1,
        "POST /api/v1/products": 1,
        "POST /api/v1/orders": 1,
        "GET /": 6,
        "GET /docs": 8,
    }


@_ROUTES
@pytest.mark.usefixtures("restore")
def test_api_gateway_changes_no_header_of_an_answer_but_the_challenge(
    scene: Scene, route: Route
) -> None:
    answer, _ = ask(scene, route, EXECUTE_API)
    assert not answer.headers.keys() & _CHANGED
    example = EXAMPLES[route](scene, scene.owner)
    stranger = send(scene, route[0], example.path, {}, parts={"json_body": example.body})
    assert stranger.headers.keys() & _CHANGED <= {"www-authenticate"}


@_ROUTES
@pytest.mark.usefixtures("restore")
def test_a_query_parameter_that_a_route_does_not_have_is_refused(
    scene: Scene, route: Route
) -> None:
    before = scene.stored
    answer, _ = ask(scene, route, EXECUTE_API, more="?skip=1")
    assert (answer.status, answer.code) == (422, "invalid-request"), answer
    assert answer.json["errors"] == [{"pointer": "#/query", "detail": "skip: is not a parameter"}]
    assert scene.stored == before

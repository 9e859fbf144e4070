"""Every route behind the API's stage: its headers, and links that lead to answers."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.access.requests import ROUTES, bearer, example, send
from tests.access.scene import Scene
from tests.support.http import EXECUTE_API, Answer
from tools.local import gateway
from tools.openapi.access import Route

# Headers of a function's answer that API Gateway renames or drops.
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
        yield from (path for path in _PATHS.findall(answer.text) if not path.startswith("data:"))


def declared_caching(route: Route) -> str:
    """The Cache-Control that a route declares; answers with personal data declare none."""
    headers = ROUTES[route].responses.get(200, {}).get("headers", {})
    if route == ("GET", "/docs/{asset}"):
        return "public, max-age=86400"
    schema = headers.get("Cache-Control", {}).get("schema", {})
    # The first of several is that of a request without parameters.
    return str(schema.get("const") or schema.get("enum", ["no-store"])[0])


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route[1] != "/{proxy}"], ids=" ".join
)
def test_answer_has_its_headers_and_links_that_lead_to_answers(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    def ask(more: str = "", caller: dict[str, str] | None = None) -> Answer:
        sent = example(scene, route)
        headers = {**sent.headers, **(bearer(scene, route) if caller is None else caller)}
        parts = {"json_body": sent.body, "at": EXECUTE_API}
        return send(scene, route[0], sent.path + more, headers, parts=parts)

    refused, given, anonymous = ask("?skip=1"), ask(), ask(caller={})
    assert anonymous.headers.keys() & _CHANGED <= {"www-authenticate"}
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert refused.json["errors"] == [{"pointer": "#/query", "detail": "skip: is not a parameter"}]
    assert given.status == ROUTES[route].status_code or given.status == 200, given
    for answer, caching in ((given, declared_caching(route)), (refused, "no-store")):
        assert answer.headers["cache-control"] == caching
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
        is_page = answer is given and route == ("GET", "/docs")
        policy = "script-src 'self'" if is_page else "frame-ancestors 'none'"
        assert f"default-src 'none'; {policy}" in answer.headers["content-security-policy"]
        assert not answer.headers.keys() & _CHANGED
    assert ("location" in given.headers) == (given.status == 201)
    admin = {"Authorization": f"Bearer {scene.shop.admin.token}"}
    for link in links(given):
        root, path = link[: len(EXECUTE_API.root)], link[len(EXECUTE_API.root) :]
        assert root == EXECUTE_API.root, link
        followed = send(scene, "GET", path, admin, parts={"at": EXECUTE_API})
        # The scene's gateway has no assets of Swagger UI.
        assert followed.status == 200 or "/docs/swagger-ui" in link, (link, followed)

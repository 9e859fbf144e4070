"""Every route at each form of the API's URL: its headers, and links that lead to answers."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.access.requests import ROUTES, bearer, example, send
from tests.access.scene import Scene
from tests.support.http import EXECUTE_API, URLS, Answer, Url
from tools.local import gateway
from tools.openapi.access import Route

_EACH_ROUTE: Final = pytest.mark.parametrize(
    "route", [route for route in ROUTES if route[1] != "/{proxy}"], ids=" ".join
)
# Headers of a function's answer that API Gateway renames or drops.
_CHANGED: Final = {name.decode() for name in gateway.RENAMED | gateway.DROPPED} | {
    *("connection", "date", "server"),
}
# Members of a body, and attributes of a page, that hold a path.
_PATHS: Final = re.compile(r'(?:"base_url":|"health":|"docs":|href=|src=|data-document=)"([^"]*)"')
_LINKS: Final = {
    ("POST", "/api/v1/users"): 1,
    ("POST", "/api/v1/products"): 1,
    ("POST", "/api/v1/orders"): 1,
    ("GET", "/"): 6,
    ("GET", "/docs"): 7,
}
# The only answers that may be cached: they hold no personal data.
_CACHED: Final = {
    ("GET", "/.well-known/jwks.json"): "public, max-age=300",
    ("GET", "/api/v1/products"): "public, no-cache",
    ("GET", "/api/v1/products/{id}"): "public, no-cache",
    ("GET", "/docs"): "no-cache",
    ("GET", "/docs/{asset}"): "public, max-age=86400",
    ("GET", "/openapi.json"): "public, max-age=300",
    ("GET", "/asyncapi.json"): "public, max-age=300",
}
_DATA_ONLY: Final = "default-src 'none'; frame-ancestors 'none'"


def links(answer: Answer) -> Iterator[str]:
    """All paths that an answer gives its client to follow."""
    if "location" in answer.headers:
        yield answer.headers["location"]
    if answer.headers.get("content-type", "").startswith(("text/html", "application/json")):
        yield from (path for path in _PATHS.findall(answer.text) if not path.startswith("data:"))


def ask(
    scene: Scene, route: Route, at: Url = EXECUTE_API, *, more: str = "", caller: bool = True
) -> Answer:
    """The answer to the route's example."""
    sent = example(scene, route)
    headers = {**sent.headers, **(bearer(scene, route) if caller else {})}
    parts = {"json_body": sent.body, "at": at}
    return send(scene, route[0], sent.path + more, headers, parts=parts)


@_EACH_ROUTE
def test_links_of_an_answer_lead_to_answers(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    admin = {"Authorization": f"Bearer {scene.shop.admin.token}"}
    for at in URLS:
        for slash in ("", "/"):
            answer = ask(scene, route, at, more="" if route[1] == "/" else slash)
            assert answer.status == ROUTES[route].status_code or answer.status == 200, answer
            found = list(links(answer))
            assert len(found) == _LINKS.get(route, 0)
            for link in found:
                assert link.startswith(f"{at.root}/"), link
                followed = send(scene, "GET", link.removeprefix(at.root), admin, parts={"at": at})
                # The scene's gateway has no assets of Swagger UI.
                assert followed.status == 200 or "/docs/swagger-ui" in link, (link, followed)
            restore()


@_EACH_ROUTE
@pytest.mark.usefixtures("restore")
def test_answer_has_the_headers_for_browsers_and_caches(scene: Scene, route: Route) -> None:
    refused, given = ask(scene, route, more="?skip=1"), ask(scene, route)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert refused.json["errors"] == [{"pointer": "#/query", "detail": "skip: is not a parameter"}]
    for answer, caching in ((given, _CACHED.get(route, "no-store")), (refused, "no-store")):
        assert answer.headers["cache-control"] == caching
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
        is_page = answer is given and route == ("GET", "/docs")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'" if is_page else _DATA_ONLY)
        assert not answer.headers.keys() & _CHANGED
    anonymous = ask(scene, route, caller=False)
    assert anonymous.headers.keys() & _CHANGED <= {"www-authenticate"}

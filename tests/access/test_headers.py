"""What every answer says to browsers and caches, whoever asks and whatever becomes of it."""

import pytest

from tests.access.examples import EXAMPLES
from tests.access.requests import ROUTES, client
from tests.access.scene import Scene
from tools.openapi.access import Route

# Nothing of a person's is in them, and whoever keeps one is told for how long.
_PUBLIC = {
    ("GET", "/.well-known/jwks.json"): "public, max-age=300",
    ("GET", "/api/v1/products"): "public, no-cache",
    ("GET", "/api/v1/products/{id}"): "public, no-cache",
    ("GET", "/docs"): "no-cache",
    ("GET", "/docs/{asset}"): "public, max-age=86400",
    ("GET", "/openapi.json"): "public, max-age=300",
    ("GET", "/asyncapi.json"): "public, max-age=300",
}
_DATA_ONLY = "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.usefixtures("restore")
def test_an_answer_cannot_be_taken_for_a_page_and_is_kept_by_nobody_unless_it_is_public(
    scene: Scene, route: Route
) -> None:
    who = client(scene, route)
    example = EXAMPLES[route](scene, scene.owner)
    headers = dict(example.headers)
    given = who.request(route[0], example.path, json=example.body, headers=headers)
    assert given.status_code == example.answers
    refused = scene.stage.anyone.request(route[0], example.path, content="{", headers=headers)
    for answer in (given, refused):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
        policy = answer.headers["content-security-policy"]
        if route == ("GET", "/docs"):
            assert "default-src 'none'; script-src 'self'" in policy
        else:
            assert policy == _DATA_ONLY
        allowed = _PUBLIC.get(route, "no-store") if answer.is_success else "no-store"
        assert answer.headers["cache-control"] == allowed

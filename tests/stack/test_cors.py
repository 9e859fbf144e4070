"""Pages of exactly the origins that the deployment names may call the API from a browser."""

from typing import Final

import pytest

from tests.support.client import Client, code
from tools.local.shop import Shop

WANTED: Final = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}


@pytest.fixture
def origin(shop: Shop) -> str:
    return shop.parameters["CorsOrigins"]


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/orders/an-id/cancel", "/health"])
def test_the_preflight_of_every_route_lets_the_named_origin_in(
    anyone: Client, origin: str, path: str
) -> None:
    # No route has OPTIONS of its own: the API's catch-all answers for all of them.
    answer = anyone.request("OPTIONS", path, headers={"Origin": origin, **WANTED})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    for header in WANTED["Access-Control-Request-Headers"].split(","):
        assert header in allowed


@pytest.mark.parametrize("foreign", ["{}.evil.example", "https://evil.example", "null"])
def test_a_page_of_another_origin_is_let_in_nowhere(
    anyone: Client, origin: str, foreign: str
) -> None:
    headers = {"Origin": foreign.format(origin)}
    preflight = anyone.request("OPTIONS", "/api/v1/orders", headers={**headers, **WANTED})
    assert (preflight.status_code, code(preflight)) == (403, "forbidden")
    for answer in (preflight, anyone.get("/api/v1/products", headers=headers)):
        assert "access-control-allow-origin" not in answer.headers


def test_an_answer_can_be_read_by_a_page_of_the_named_origin(anyone: Client, origin: str) -> None:
    for path, status in (("/api/v1/products", 200), ("/api/v1/orders", 401)):
        answer = anyone.get(path, headers={"Origin": origin})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers

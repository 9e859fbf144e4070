"""Cross-origin requests: pages of the configured origins may call the API."""

import pytest
from fastapi import APIRouter

from shared.auth.access import allow
from shared.errors import NotFound
from shared.web.app import create_app
from shared.web.routing import GuardedRoute
from tests.support.http import HttpClient

SHOP, BACK_OFFICE = "https://shop.example", "https://office.example"
PATHS = ("/orders", "/orders/o-1")
PREFLIGHT = {"Access-Control-Request-Method": "POST"}

router = APIRouter(route_class=GuardedRoute)


@router.get("/orders")
@allow("anyone")
async def list_orders() -> None:
    return None


@router.get("/orders/{id}")
@allow("anyone")
async def get_order() -> None:
    raise NotFound


def app_with(cors_origins: str) -> HttpClient:
    return HttpClient(create_app("tests", router, cors_origins=cors_origins))


@pytest.mark.parametrize(
    ("configured", "origin", "status"),
    [
        (f"{SHOP},{BACK_OFFICE}", SHOP, 200),
        (f"{SHOP},{BACK_OFFICE}", BACK_OFFICE, 200),
        (SHOP, "https://shop.example.evil.example", 403),
        (SHOP, "https://evil-shop.example", 403),
        (SHOP, "http://shop.example", 403),
        (SHOP, "https://shop.example:8443", 403),
        (SHOP, "null", 403),
        (SHOP, "*", 403),
        ("", SHOP, 405),
    ],
)
def test_only_configured_origins_are_allowed(configured: str, origin: str, status: int) -> None:
    client = app_with(configured)
    preflight = client.request("OPTIONS", "/orders", headers={"Origin": origin, **PREFLIGHT})
    assert preflight.status == status
    # Also a problem can be read by a page.
    for answer in (preflight, *(client.get(p, headers={"Origin": origin}) for p in PATHS)):
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if status == 200 else None)
        assert "access-control-allow-credentials" not in answer.headers
        if allowed:
            assert "Origin" in answer.headers["vary"]
    if status == 200:
        assert "POST" in preflight.headers["access-control-allow-methods"]

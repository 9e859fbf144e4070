"""Which pages may call the API from a browser."""

import pytest
from fastapi import APIRouter

from shared.auth.access import allow
from shared.errors import NotFound
from shared.web.app import create_app
from shared.web.routing import GuardedRoute
from tests.support.http import HttpClient

SHOP, BACK_OFFICE = "https://shop.example", "https://office.example"
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


@pytest.mark.parametrize("origin", [SHOP, BACK_OFFICE])
def test_pages_of_the_named_origins_may_call(origin: str) -> None:
    client = app_with(f"{SHOP},{BACK_OFFICE}")
    answer = client.get("/orders", headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    preflight = client.request("OPTIONS", "/orders", headers={"Origin": origin, **PREFLIGHT})
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "POST" in preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example.evil.example",
        "https://evil-shop.example",
        "http://shop.example",
        "https://shop.example:8443",
        "null",
        "*",
    ],
)
def test_pages_of_other_origins_may_not(origin: str) -> None:
    client = app_with(SHOP)
    answer = client.get("/orders", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    preflight = client.request("OPTIONS", "/orders", headers={"Origin": origin, **PREFLIGHT})
    assert (preflight.status, preflight.code) == (403, "forbidden")
    assert "access-control-allow-origin" not in preflight.headers


def test_without_origins_no_page_may_call() -> None:
    client = app_with("")
    answer = client.get("/orders", headers={"Origin": SHOP})
    assert "access-control-allow-origin" not in answer.headers
    preflight = client.request("OPTIONS", "/orders", headers={"Origin": SHOP, **PREFLIGHT})
    assert preflight.status == 405


def test_a_problem_can_be_read_by_a_page_that_may_call() -> None:
    missing = app_with(SHOP).get("/orders/o-1", headers={"Origin": SHOP})
    assert missing.status == 404
    assert missing.headers["access-control-allow-origin"] == SHOP

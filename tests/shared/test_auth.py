"""Who gets in, and that it is decided before anything else of a request is looked at."""

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from shared.auth.access import Route, Who
from shared.auth.authentication import Authenticated
from shared.auth.tokens import Caller
from shared.errors import Unauthenticated
from shared.web.app import create_app
from shared.web.routing import GuardedRoute, NotGuarded
from tests.support.callers import ADMIN, ALICE, BOB, FakeVerifier
from tests.support.http import HttpClient

router = APIRouter(route_class=GuardedRoute)


class Thing(BaseModel):
    name: str


@router.post("/open")
async def open_to_anyone() -> None:
    return None


@router.get("/mine")
async def mine(caller: Authenticated) -> dict[str, str]:
    return {"id": caller.id}


@router.get("/admins")
async def admins(caller: Authenticated) -> dict[str, str]:
    return {"id": caller.id}


@router.post("/things/{number}")
async def change(number: int, limit: Annotated[int, Query()], thing: Thing) -> None:
    return None


RULES: Mapping[Route, Who] = {
    ("POST", "/open"): Who.ANYONE,
    ("GET", "/mine"): Who.USER,
    ("GET", "/admins"): Who.ADMIN,
    ("POST", "/things/{number}"): Who.ADMIN,
}


class CountingVerifier(FakeVerifier):
    """Counts the tokens that it was asked about."""

    asked = 0

    def caller(self, token: str) -> Caller:
        self.asked += 1
        return super().caller(token)


@pytest.fixture
def verifier() -> CountingVerifier:
    return CountingVerifier()


@pytest.fixture
def client(verifier: CountingVerifier) -> HttpClient:
    return HttpClient(create_app("tests", router, verifier=verifier, rules=RULES))


def test_no_token_is_401_with_a_challenge(client: HttpClient) -> None:
    refused = client.get("/mine")
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == 'Bearer realm="bodega"'


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Bearer", "Basic YTpi", "x"])
def test_a_bad_token_is_401_and_called_invalid(client: HttpClient, header: str) -> None:
    refused = client.get("/mine", headers={"Authorization": header})
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == 'Bearer realm="bodega", error="invalid_token"'
    assert "reason" not in refused.json


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_says_who_is_calling(client: HttpClient, scheme: str) -> None:
    answer = client.get("/mine", headers={"Authorization": f"{scheme} customer:alice-1"})
    assert answer.json == {"id": "alice-1"}


def test_a_token_is_verified_once(client: HttpClient, verifier: CountingVerifier) -> None:
    assert client.get("/mine", caller=ALICE).status == 200
    assert verifier.asked == 1


def test_where_anyone_may_no_token_is_looked_at(
    client: HttpClient, verifier: CountingVerifier
) -> None:
    assert client.post("/open", headers={"Authorization": "Bearer nonsense"}).status == 200
    assert verifier.asked == 0


def test_only_an_admin_gets_in_where_an_admin_is_needed(client: HttpClient) -> None:
    assert client.get("/admins", caller=ADMIN).json == {"id": ADMIN.id}
    refused = client.get("/admins", caller=ALICE)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert client.get("/admins").status == 401


WRONG: dict[str, tuple[str, dict[str, Any], int]] = {
    "no JSON": ("/things/1?limit=1", {"body": "{"}, 400),
    "too large": ("/things/1?limit=1", {"body": "x" * 300_000}, 413),
    "of another type": (
        "/things/1?limit=1",
        {"body": "x", "headers": {"Content-Type": "text/plain"}},
        415,
    ),
    "of another form": ("/things/1?limit=1", {"json_body": {}}, 422),
    "a wrong path": ("/things/one?limit=1", {"json_body": {"name": "x"}}, 422),
    "a wrong query": ("/things/1?limit=many", {"json_body": {"name": "x"}}, 422),
    "a query twice": ("/things/1?limit=1&limit=2", {"json_body": {"name": "x"}}, 422),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_to_those_who_may_call_and_to_nobody_else(
    client: HttpClient, wrong: str
) -> None:
    path, parts, status = WRONG[wrong]
    assert client.request("POST", path, **parts).status == 401
    parts = parts | {"headers": {"Authorization": "Bearer nonsense"} | parts.get("headers", {})}
    assert client.request("POST", path, **parts).status == 401
    del parts["headers"]["Authorization"]
    assert client.request("POST", path, **parts, caller=ALICE).status == 403
    assert client.request("POST", path, **parts, caller=ADMIN).status == status


def test_an_account_s_standing_is_what_counts_where_it_is_looked_up() -> None:
    def standing(caller: Caller) -> Caller:
        if caller == BOB:
            raise Unauthenticated("The account is not active.")
        return Caller(caller.id, "customer")

    client = HttpClient(
        create_app("tests", router, verifier=FakeVerifier(), standing=standing, rules=RULES)
    )
    assert client.get("/mine", caller=ALICE).status == 200
    assert client.get("/admins", caller=ADMIN).status == 403
    assert client.get("/admins", caller=BOB).status == 401
    assert client.post("/things/one", body="{", caller=BOB).status == 401
    assert client.post("/open", caller=BOB).status == 200


def test_an_app_with_a_route_that_is_not_declared_does_not_start() -> None:
    rules = {route: who for route, who in RULES.items() if route != ("GET", "/mine")}
    with pytest.raises(NotGuarded, match=r"GET /mine does not stand in shared\.auth\.access"):
        create_app("tests", router, verifier=FakeVerifier(), rules=rules)


def test_a_route_for_anyone_that_asks_who_is_calling_does_not_start() -> None:
    async def named(caller: Authenticated) -> str:
        return caller.id

    other = APIRouter(route_class=GuardedRoute)

    @other.get("/mine")
    async def mine_too(name: Annotated[str, Depends(named)]) -> str:
        return name

    with pytest.raises(NotGuarded, match="GET /mine is for anyone"):
        create_app("tests", other, rules={("GET", "/mine"): Who.ANYONE})


def test_an_app_with_callers_and_without_a_verifier_does_not_start() -> None:
    with pytest.raises(NotGuarded, match="needs a verifier"):
        create_app("tests", router, rules=RULES)


def test_an_app_with_a_route_of_another_class_does_not_start() -> None:
    other = APIRouter()

    @other.get("/mine")
    async def unguarded() -> None:
        return None

    with pytest.raises(NotGuarded, match="route_class"):
        create_app("tests", other, rules={("GET", "/mine"): Who.ANYONE})


def test_a_router_with_another_one_inside_cannot_hide_its_paths() -> None:
    inner, outer = APIRouter(route_class=GuardedRoute), APIRouter(route_class=GuardedRoute)

    @inner.get("/mine")
    async def secret() -> None:
        return None

    outer.include_router(inner, prefix="/deep")
    with pytest.raises(NotGuarded, match="prefix"):
        create_app("tests", outer, rules={("GET", "/mine"): Who.ANYONE})

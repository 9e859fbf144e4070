"""Access to routes is decided before anything else of a request is read."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared.auth.access import NotDeclared, allow, may_change, may_see, may_see_all
from shared.auth.tokens import Caller
from shared.errors import Unauthenticated
from shared.web.app import create_app
from shared.web.routing import Authenticated, GuardedRoute, NotGuarded, OptionalCaller
from tests.support.callers import ADMIN, ALICE, BOB, FakeVerifier
from tests.support.http import HttpClient

router = APIRouter(route_class=GuardedRoute)


class Thing(BaseModel):
    name: str


@router.post("/open")
@allow("anyone")
async def open_to_anyone() -> None:
    return None


@router.get("/mine")
@allow("user")
async def mine(caller: Authenticated) -> dict[str, str]:
    return {"id": caller.id}


@router.get("/admins")
@allow("admin")
async def admins(caller: Authenticated) -> dict[str, str]:
    return {"id": caller.id}


@router.get("/more")
@allow("anyone", more_for=("admin",))
async def more(caller: OptionalCaller) -> dict[str, str | None]:
    return {"role": caller.role if caller else None}


@router.post("/things/{number}")
@allow("admin")
async def change(number: int, limit: Annotated[int, Query()], thing: Thing) -> None:
    return None


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(create_app("tests", router, verifier=FakeVerifier()))


CHALLENGE = 'Bearer realm="bodega"'
BAD_TOKEN = f'{CHALLENGE}, error="invalid_token"'


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, CHALLENGE),
        *(
            ({"Authorization": header}, BAD_TOKEN)
            for header in ("Bearer nonsense", "Bearer ", "Bearer", "Basic YTpi", "x")
        ),
    ],
)
def test_missing_or_bad_token_is_401(
    client: HttpClient, headers: dict[str, str], challenge: str
) -> None:
    refused = client.get("/mine", headers=headers)
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == challenge
    assert "reason" not in refused.json


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_good_token_names_the_caller(client: HttpClient, scheme: str) -> None:
    answer = client.get("/mine", headers={"Authorization": f"{scheme} customer:alice-1"})
    assert answer.json == {"id": "alice-1"}


def test_public_route_reads_no_token(client: HttpClient) -> None:
    assert client.post("/open", headers={"Authorization": "Bearer nonsense"}).status == 200


def test_admin_route_is_403_for_a_customer(client: HttpClient) -> None:
    assert client.get("/admins", caller=ADMIN).json == {"id": ADMIN.id}
    refused = client.get("/admins", caller=ALICE)
    assert (refused.status, refused.code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "parts", "status"),
    [
        ("/things/1?limit=1", {"body": "{"}, 400),
        ("/things/1?limit=1", {"body": "x" * 300_000}, 413),
        ("/things/1?limit=1", {"body": "x", "headers": {"Content-Type": "text/plain"}}, 415),
        ("/things/1?limit=1", {"json_body": {}}, 422),
        ("/things/one?limit=1", {"json_body": {"name": "x"}}, 422),
        ("/things/1?limit=many", {"json_body": {"name": "x"}}, 422),
        ("/things/1?limit=1&limit=2", {"json_body": {"name": "x"}}, 422),
        ("/things/1?limit=1&x=", {"json_body": {"name": "x"}}, 422),
    ],
)
def test_request_is_validated_only_for_callers_that_the_route_admits(
    client: HttpClient, path: str, parts: dict[str, Any], status: int
) -> None:
    assert client.request("POST", path, **parts).status == 401
    assert client.request("POST", path, **parts, caller=ALICE).status == 403
    assert client.request("POST", path, **parts, caller=ADMIN).status == status


def test_current_role_of_the_account_counts_more_than_the_tokens() -> None:
    def standing(caller: Caller) -> Caller:
        if caller == BOB:
            raise Unauthenticated("The account is not active.")
        return Caller(caller.id, "customer")

    client = HttpClient(create_app("tests", router, verifier=FakeVerifier(), standing=standing))
    assert client.get("/mine", caller=ALICE).status == 200
    assert client.get("/admins", caller=ADMIN).status == 403
    assert client.get("/admins", caller=BOB).status == 401
    assert client.post("/things/one", body="{", caller=BOB).status == 401
    assert client.post("/open", caller=BOB).status == 200


def test_a_public_route_reads_the_token_when_it_does_more_for_a_role(client: HttpClient) -> None:
    assert client.get("/more").json == {"role": None}
    assert client.get("/more", caller=ADMIN).json == {"role": "admin"}
    assert client.get("/more", headers={"Authorization": "Bearer nonsense"}).status == 401


@pytest.mark.parametrize(
    ("groups", "more_for"),
    [
        ((), ()),
        (("anyone", "admin"), ()),
        (("user", "owner"), ()),
        (("signature", "anyone"), ()),
        (("signature",), ("admin",)),
        (("admin",), ("admin",)),
    ],
)
def test_allow_refuses_a_declaration_that_contradicts_itself(groups: Any, more_for: Any) -> None:
    with pytest.raises(NotDeclared, match="contradicts itself"):
        allow(*groups, more_for=more_for)


def other_router(route_class: type[APIRoute] = GuardedRoute) -> APIRouter:
    return APIRouter(route_class=route_class)


def test_app_does_not_start_with_a_route_without_allow() -> None:
    async def secret() -> None:
        return None

    with pytest.raises(NotDeclared, match="secret has no @allow"):
        other_router().get("/mine")(secret)
    other = other_router(APIRoute)
    other.get("/mine")(allow("anyone")(secret))
    with pytest.raises(NotGuarded, match="route_class"):
        create_app("tests", other)


def test_app_does_not_start_with_a_public_route_that_depends_on_a_caller() -> None:
    async def name_of(caller: Authenticated) -> str:
        return caller.id

    async def show(name: Annotated[str, Depends(name_of)]) -> str:
        return name

    async def greet(caller: OptionalCaller) -> None:
        return None

    for endpoint in (show, greet):
        other = other_router()
        other.get("/mine")(allow("anyone")(endpoint))
        with pytest.raises(NotGuarded, match="GET /mine"):
            create_app("tests", other)


def test_app_does_not_start_without_a_verifier_when_a_route_reads_tokens() -> None:
    with pytest.raises(NotGuarded, match="needs a verifier"):
        create_app("tests", router)


@pytest.mark.parametrize(("caller", "sees"), [(ALICE, True), (ADMIN, True), (BOB, False)])
def test_owner_and_admin_may_see_and_change_what_is_owned(caller: Caller, sees: bool) -> None:
    assert may_see(caller, ALICE.id) is sees
    assert may_change(caller, ALICE.id) is sees
    assert may_see_all(caller) is (caller == ADMIN)

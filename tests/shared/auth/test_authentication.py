"""Who gets in, and that it is decided before anything else of a request is looked at."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared.auth.access import NotDeclared, allow
from shared.auth.authentication import Authenticated, OptionalCaller
from shared.auth.permissions import may_change, may_see, may_see_all
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
    return HttpClient(create_app("tests", router, verifier=verifier))


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
    [((), ()), (("anyone", "admin"), ()), (("user", "owner"), ()), (("admin",), ("admin",))],
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


def test_a_route_of_an_included_router_is_guarded() -> None:
    inner, outer = other_router(), other_router()

    @inner.get("/mine")
    @allow("admin")
    async def secret() -> None:
        return None

    outer.include_router(inner, prefix="/deep")
    client = HttpClient(create_app("tests", outer, verifier=FakeVerifier()))
    assert client.get("/deep/mine").status == 401
    assert client.get("/deep/mine", caller=ALICE).status == 403


@pytest.mark.parametrize(("caller", "sees"), [(ALICE, True), (ADMIN, True), (BOB, False)])
def test_owner_and_admin_may_see_and_change_what_is_owned(caller: Caller, sees: bool) -> None:
    assert may_see(caller, ALICE.id) is sees
    assert may_change(caller, ALICE.id) is sees
    assert may_see_all(caller) is (caller == ADMIN)

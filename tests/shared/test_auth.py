"""Who gets in where a route asks for a caller."""

import pytest
from fastapi import APIRouter

from shared.auth import Admin, Authenticated
from shared.http import create_app
from tests.support.callers import ADMIN, ALICE, FakeVerifier
from tests.support.http import HttpClient

router = APIRouter()


@router.get("/mine")
async def mine(caller: Authenticated) -> dict[str, str]:
    return {"id": caller.id}


@router.get("/admins")
async def admins(caller: Admin) -> dict[str, str]:
    return {"id": caller.id}


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(create_app("tests", router, verifier=FakeVerifier()))


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


def test_only_an_admin_gets_in_where_an_admin_is_needed(client: HttpClient) -> None:
    assert client.get("/admins", caller=ADMIN).json == {"id": ADMIN.id}
    refused = client.get("/admins", caller=ALICE)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert client.get("/admins").status == 401

"""The generic errors of every route of every service."""

import asyncio
import json
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.auth.access import allow
from shared.errors import NotFound
from shared.web.app import create_app, lambda_handler
from shared.web.routing import GuardedRoute
from tests.support.http import HttpClient, rest_event


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    quantity: int = Field(ge=1, le=1000)


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=20)
    lines: list[Line] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def not_blank(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("must not be blank")
        return name


class OrderNotFound(NotFound):
    code, title = "order-not-found", "There is no such order"


router = APIRouter(route_class=GuardedRoute)


@router.post("/orders", status_code=201)
@allow("anyone")
async def place(order: Order) -> Order:
    return order


@router.get("/orders")
@allow("anyone")
async def list_orders(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    if_match: Annotated[str | None, Header(max_length=3)] = None,
) -> dict[str, int]:
    return {"limit": limit}


@router.get("/orders/{id}")
@allow("anyone")
async def get_order(id_: Annotated[str, Path(alias="id", max_length=5)]) -> None:
    raise OrderNotFound(order_id=id_)


@router.get("/one-way")
@allow("anyone")
async def one_way() -> None:
    return None


@router.get("/broken")
@allow("anyone")
async def broken() -> None:
    raise RuntimeError("the table OrdersTable of arn:aws:dynamodb is gone")


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(create_app("tests", router))


def test_problem_has_the_members_of_rfc_9457(client: HttpClient) -> None:
    missing = client.get("/orders/o-1", headers={"X-Request-ID": "mine-1"})
    assert missing.status == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.headers["cache-control"] == "no-store"
    assert missing.json == {
        "type": "/problems/order-not-found",
        "title": "There is no such order",
        "status": 404,
        "detail": "There is no such order",
        "instance": "/orders/o-1",
        "request_id": "mine-1",
        "order_id": "o-1",
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        *(
            (body, 400, "malformed-json")
            for body in ('{"name": ', "nothing", "{'name': 'x'}", "[" * 100_000, '{"name": "a\nb"}')
        ),
        # What API Gateway makes of a byte that is no UTF-8.
        ('{"name": "caf\N{REPLACEMENT CHARACTER}"}', 400, "malformed-json"),
        (json.dumps({"name": "x"}).ljust(256 * 1024), 201, None),
        (json.dumps({"name": "x"}).ljust(256 * 1024 + 1), 413, "payload-too-large"),
        ('{"name": "' + "é" * 140_000 + '"}', 413, "payload-too-large"),  # in bytes
        (None, 422, "invalid-request"),
    ],
)
def test_body_is_read_as_json_of_up_to_256_kb(
    client: HttpClient, body: str | None, status: int, code: str | None
) -> None:
    answer = client.request("POST", "/orders", body=body)
    assert answer.status == status
    assert code is None or answer.code == code


def test_body_that_is_not_utf_8_is_400() -> None:
    handler = lambda_handler(create_app("tests", router))
    event = rest_event("POST", "/orders", body="eyJuYW1lIjogIv8ifQ==") | {"isBase64Encoded": True}
    answer = handler(event, None)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["type"] == "/problems/malformed-json"


@pytest.mark.parametrize(
    ("media_type", "size", "status"),
    [
        ("application/json; charset=utf-8", 1, 201),
        ("Application/JSON", 1, 201),
        ("application/json;", 1, 201),
        ("text/plain", 1, 415),
        ("application/x-www-form-urlencoded", 1, 415),
        ("application/jsonp", 1, 415),
        ("", 1, 415),
        ("text/plain", 300_000, 413),
    ],
)
def test_body_of_another_type_is_415(
    client: HttpClient, media_type: str, size: int, status: int
) -> None:
    body = json.dumps({"name": "tea"}).ljust(size)
    answer = client.post("/orders", body=body, headers={"Content-Type": media_type})
    assert answer.status == status


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/nothing", "/openapi.json", "/docs", "/redoc"])
def test_unknown_path_is_404(client: HttpClient, method: str, path: str) -> None:
    missing = client.request(method, path)
    assert (missing.status, missing.code) == (404, "not-found")


def test_trailing_slash_makes_no_difference(client: HttpClient) -> None:
    assert client.get("/orders/").json == client.get("/orders").json


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/orders", {"GET", "POST"}),
        ("POST", "/one-way", {"GET"}),
        ("HEAD", "/one-way", {"GET"}),
    ],
)
def test_other_method_is_405_with_the_allowed_ones(
    client: HttpClient, method: str, path: str, allowed: set[str]
) -> None:
    refused = client.request(method, path)
    assert (refused.status, refused.code) == (405, "method-not-allowed")
    assert set(refused.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/name"]),
        ({"name": 3}, ["#/name"]),
        ({"name": "x" * 21}, ["#/name"]),
        ({"name": " "}, ["#/name"]),
        ({"name": "tea", "lines": [{"quantity": 1}, {"quantity": 0}]}, ["#/lines/1/quantity"]),
        ({"name": "tea", "lines": [{"quantity": "3"}]}, ["#/lines/0/quantity"]),
        ({"name": "tea", "lines": [{"quantity": True}]}, ["#/lines/0/quantity"]),
        ({"name": "tea", "a/b~c": 1}, ["#/a~1b~0c"]),
        ({"price": 1}, ["#/name", "#/price"]),
        ([], ["#"]),
        ("tea", ["#"]),
    ],
)
def test_invalid_body_is_422_with_pointers(
    client: HttpClient, body: object, pointers: list[str]
) -> None:
    refused = client.post("/orders", body)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json["errors"]] == pointers
    assert all(error["detail"] for error in refused.json["errors"])


@pytest.mark.parametrize(
    ("path", "headers", "pointer"),
    [
        ("/orders?limit=0", {}, "#/query/limit"),
        ("/orders?limit=many", {}, "#/query/limit"),
        ("/orders/too-long", {}, "#/path/id"),
        ("/orders", {"If-Match": "long"}, "#/header/if-match"),
    ],
)
def test_invalid_parameter_is_422_with_a_pointer(
    client: HttpClient, path: str, headers: dict[str, str], pointer: str
) -> None:
    refused = client.get(path, headers=headers)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_own_validator_writes_the_detail(client: HttpClient) -> None:
    [error] = client.post("/orders", {"name": " "}).json["errors"]
    assert error == {"pointer": "#/name", "detail": "name: must not be blank"}


def test_instance_is_a_uri_reference(client: HttpClient) -> None:
    assert client.get("/orders/a\0 b").json["instance"] == "/orders/a%00%20b"
    assert client.get("/nothing/ü").json["instance"] == "/nothing/%C3%BC"


def test_unexpected_error_is_500_and_described_in_the_log_only(
    client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    failed = client.get("/broken", headers={"X-Request-ID": "mine-1"})
    assert (failed.status, failed.code) == (500, "internal-error")
    assert failed.headers["content-type"] == "application/problem+json"
    assert failed.headers["x-request-id"] == "mine-1"
    for word in ("RuntimeError", "OrdersTable", "arn:", "Traceback"):
        assert word not in failed.text
    assert "RuntimeError: the table OrdersTable" in caplog.text


def test_app_works_after_another_event_loop_of_the_process(client: HttpClient) -> None:
    async def nothing() -> None:
        return None

    asyncio.run(nothing())
    assert client.get("/orders").status == 200


def test_answers_are_text_for_the_gateway() -> None:
    handler = lambda_handler(create_app("tests", router))
    for path in ("/orders", "/nothing", "/broken"):
        answer: Any = handler(rest_event("GET", path), None)
        assert answer["isBase64Encoded"] is False

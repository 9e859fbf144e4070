"""What holds for every route of every service: the contract's generic errors."""

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


def test_a_problem_has_the_members_of_rfc_9457(client: HttpClient) -> None:
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
    "body", ['{"name": ', "nothing", "{'name': 'x'}", "[" * 100_000, '{"name": "a\nb"}']
)
def test_a_body_that_is_not_json_is_400(client: HttpClient, body: str) -> None:
    refused = client.post("/orders", body=body)
    assert (refused.status, refused.code) == (400, "malformed-json")


def test_a_body_that_is_not_utf_8_is_400() -> None:
    handler = lambda_handler(create_app("tests", router))
    event = rest_event("POST", "/orders", body="eyJuYW1lIjogIv8ifQ==") | {"isBase64Encoded": True}
    answer = handler(event, None)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["type"] == "/problems/malformed-json"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
def test_a_body_of_another_type_is_415(client: HttpClient, media_type: str) -> None:
    refused = client.post("/orders", {"name": "tea"}, headers={"Content-Type": media_type})
    assert (refused.status, refused.code) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"]
)
def test_a_type_may_be_written_in_any_way(client: HttpClient, media_type: str) -> None:
    assert (
        client.post("/orders", {"name": "tea"}, headers={"Content-Type": media_type}).status == 201
    )


def test_a_body_of_over_256_kb_is_413(client: HttpClient) -> None:
    largest = json.dumps({"name": "x"}).ljust(256 * 1024)
    assert client.post("/orders", body=largest).status == 201
    refused = client.post("/orders", body=largest + " ")
    assert (refused.status, refused.code) == (413, "payload-too-large")


def test_a_large_body_is_refused_before_its_type_is(client: HttpClient) -> None:
    large = client.post("/orders", body="x" * 300_000, headers={"Content-Type": "text/plain"})
    assert large.status == 413


def test_size_is_counted_in_bytes(client: HttpClient) -> None:
    assert client.post("/orders", body='{"name": "' + "é" * 140_000 + '"}').status == 413


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404(client: HttpClient, method: str) -> None:
    missing = client.request(method, "/nothing")
    assert (missing.status, missing.code) == (404, "not-found")


def test_a_trailing_slash_makes_no_difference(client: HttpClient) -> None:
    assert client.get("/orders/").json == client.get("/orders").json


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/orders", {"GET", "POST"}),
        ("POST", "/one-way", {"GET"}),
        ("HEAD", "/one-way", {"GET"}),
    ],
)
def test_another_method_is_405_and_told_which_are_allowed(
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
def test_a_body_that_is_not_valid_is_422_and_told_where(
    client: HttpClient, body: object, pointers: list[str]
) -> None:
    refused = client.post("/orders", body)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json["errors"]] == pointers
    assert all(error["detail"] for error in refused.json["errors"])
    assert refused.json["detail"]


def test_a_body_that_the_gateway_could_not_read_is_400(client: HttpClient) -> None:
    # What API Gateway makes of a byte that is no UTF-8.
    answer = client.request("POST", "/orders", body='{"name": "caf\N{REPLACEMENT CHARACTER}"}')
    assert (answer.status, answer.code) == (400, "malformed-json")


def test_an_instance_is_a_uri_reference(client: HttpClient) -> None:
    assert client.get("/orders/a\0 b").json["instance"] == "/orders/a%00%20b"
    assert client.get("/nothing/ü").json["instance"] == "/nothing/%C3%BC"


def test_a_missing_body_is_422(client: HttpClient) -> None:
    refused = client.post("/orders")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#")


def test_a_rule_of_ours_speaks_for_itself(client: HttpClient) -> None:
    [error] = client.post("/orders", {"name": " "}).json["errors"]
    assert error == {"pointer": "#/name", "detail": "name: must not be blank"}


@pytest.mark.parametrize(
    ("path", "headers", "pointer"),
    [
        ("/orders?limit=0", {}, "#/query/limit"),
        ("/orders?limit=many", {}, "#/query/limit"),
        ("/orders/too-long", {}, "#/path/id"),
        ("/orders", {"If-Match": "long"}, "#/header/if-match"),
    ],
)
def test_a_parameter_that_is_not_valid_is_422_and_told_where(
    client: HttpClient, path: str, headers: dict[str, str], pointer: str
) -> None:
    refused = client.get(path, headers=headers)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_what_nobody_foresaw_is_500_and_told_to_the_log_only(
    client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    failed = client.get("/broken", headers={"X-Request-ID": "mine-1"})
    assert (failed.status, failed.code) == (500, "internal-error")
    assert failed.headers["content-type"] == "application/problem+json"
    assert failed.headers["x-request-id"] == "mine-1"
    for word in ("RuntimeError", "OrdersTable", "arn:", "Traceback"):
        assert word not in failed.text
    assert "RuntimeError: the table OrdersTable" in caplog.text


def test_another_librarys_event_loop_stands_in_nobodys_way(client: HttpClient) -> None:
    async def nothing() -> None:
        return None

    asyncio.run(nothing())
    assert client.get("/orders").status == 200


def test_no_service_serves_a_document_of_its_own(client: HttpClient) -> None:
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert client.get(path).status == 404


def test_answers_are_text_for_the_gateway() -> None:
    handler = lambda_handler(create_app("tests", router))
    for path in ("/orders", "/nothing", "/broken"):
        answer: Any = handler(rest_event("GET", path), None)
        assert answer["isBase64Encoded"] is False

"""What every route of every service has in common: errors, headers, the log line of a request."""

import asyncio
import json
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.auth.access import allow
from shared.errors import NotFound
from shared.runtime import logging
from shared.runtime.settings import ApiSettings
from shared.web.app import create_app, create_service_app, lambda_handler
from shared.web.paging import Cursors, key_from
from shared.web.routing import GuardedRoute
from tests.support.aws import simulated_table
from tests.support.callers import ALICE, FakeVerifier
from tests.support.http import HttpClient, rest_event


class Line(BaseModel):
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
@allow("user")
async def place(order: Order) -> Order:
    return order


@router.get("/orders")
@allow("anyone")
async def list_orders(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    if_match: Annotated[str | None, Header(max_length=3)] = None,
) -> dict[str, Any]:
    return {"limit": limit, "request_id": logging.request_id()}


@router.get("/orders/{id}")
@allow("anyone")
async def get_order(id_: Annotated[str, Path(alias="id", max_length=8)]) -> None:
    raise OrderNotFound(order_id=id_)


@router.get("/page")
@allow("anyone")
async def page() -> Response:
    return Response("<p>", headers={"Content-Security-Policy": "default-src 'self'"})


@router.get("/broken")
@allow("anyone")
async def broken() -> None:
    raise RuntimeError("the table OrdersTable of arn:aws:dynamodb is gone")


SHOP, BACK_OFFICE = "https://shop.example", "https://office.example"
APP = create_app("tests", router, verifier=FakeVerifier(), cors_origins=f"{SHOP},{BACK_OFFICE}")


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(APP)


def test_problem_has_the_members_of_rfc_9457(client: HttpClient) -> None:
    missing = client.get("/orders/a\0 ü", headers={"X-Request-ID": "mine-1"})
    assert missing.status == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.headers["cache-control"] == "no-store"
    assert missing.json == {
        "type": "/problems/order-not-found",
        "title": "There is no such order",
        "status": 404,
        "detail": "There is no such order",
        "instance": "/orders/a%00%20%C3%BC",
        "request_id": "mine-1",
        "order_id": "a\0 ü",
    }


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ('{"name": ', "application/json", 400),
        (json.dumps({"name": "x"}).ljust(256 * 1024), "application/json", 201),
        (json.dumps({"name": "x"}).ljust(256 * 1024 + 1), "application/json", 413),
        ('{"name": "' + "é" * 140_000 + '"}', "application/json", 413),  # in bytes
        (None, "application/json", 422),
        ('{"name": "tea"}', "Application/JSON; charset=utf-8", 201),
        ('{"name": "tea"}', "application/json;", 201),
        ('{"name": "tea"}', "application/json; charset=latin-1", 415),
        ('{"name": "tea"}', "text/plain", 415),
        ('{"name": "tea"}', "application/jsonp", 415),
        ('{"name": "tea"}', "", 415),
        ("x" * 300_000, "text/plain", 413),
    ],
)
def test_body_is_json_of_up_to_256_kb(
    client: HttpClient, body: str | None, media_type: str, status: int
) -> None:
    headers = {"Content-Type": media_type}
    answer = client.request("POST", "/orders", body=body, headers=headers, caller=ALICE)
    assert answer.status == status
    assert answer.headers["x-request-id"]


def test_body_that_is_compressed_or_not_utf_8_is_refused(client: HttpClient) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert client.post("/orders", body="{}", headers=headers, caller=ALICE).status == 415
    event = rest_event(
        "POST",
        "/orders",
        body="eyJuYW1lIjogIv8ifQ==",
        headers={"Authorization": f"Bearer customer:{ALICE.id}"},
    )
    answer = lambda_handler(APP)(event | {"isBase64Encoded": True}, None)
    assert json.loads(answer["body"])["type"] == "/problems/malformed-json"


@pytest.mark.parametrize("path", ["/nothing", "/openapi.json", "/docs", "/redoc"])
def test_unknown_path_is_404(client: HttpClient, path: str) -> None:
    assert [client.request(method, path).code for method in ("GET", "POST")] == ["not-found"] * 2


def test_trailing_slash_makes_no_difference(client: HttpClient) -> None:
    assert client.get("/orders/").json["limit"] == 20


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/orders", {"GET", "POST"}), ("HEAD", "/page", {"GET"})],
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
        ({"name": 3}, ["#/name"]),
        ({"name": " "}, ["#/name"]),
        ({"name": "tea", "lines": [{"quantity": 1}, {"quantity": 0}]}, ["#/lines/1/quantity"]),
        ({"name": "tea", "a/b~c": 1}, ["#/a~1b~0c"]),
        ({"price": 1}, ["#/name", "#/price"]),
        ([], ["#"]),
        ("tea", ["#"]),
    ],
)
def test_invalid_body_is_422_with_pointers(
    client: HttpClient, body: object, pointers: list[str]
) -> None:
    refused = client.post("/orders", body, caller=ALICE)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json["errors"]] == pointers
    assert all(error["detail"] for error in refused.json["errors"])
    if body == {"name": " "}:
        assert refused.json["errors"][0]["detail"] == "name: must not be blank"


@pytest.mark.parametrize(
    ("path", "headers", "pointer"),
    [
        ("/orders?limit=0", {}, "#/query/limit"),
        ("/orders/much-too-long", {}, "#/path/id"),
        ("/orders", {"If-Match": "long"}, "#/header/if-match"),
    ],
)
def test_invalid_parameter_is_422_with_a_pointer(
    client: HttpClient, path: str, headers: dict[str, str], pointer: str
) -> None:
    refused = client.get(path, headers=headers)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        {str(number): 0 for number in range(20_000)},
        {"name": "x", "lines": [{"quantity": 0}] * 12_000},
        {"~/é" * 20_000: 0},
    ],
    ids=["many members", "many lines", "a long name"],
)
def test_problem_is_short_whatever_the_body(client: HttpClient, body: dict[str, Any]) -> None:
    refused = client.post("/orders", body, caller=ALICE)
    assert refused.status == 422
    assert 0 < len(refused.json["errors"]) <= 20
    assert len(json.dumps(refused.json)) < 8 * 1024


def test_unexpected_error_is_500_and_described_in_the_log_only(
    client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    failed = client.get("/broken")
    assert (failed.status, failed.code) == (500, "internal-error")
    for word in ("RuntimeError", "OrdersTable", "arn:", "Traceback"):
        assert word not in failed.text
    assert "RuntimeError: the table OrdersTable" in caplog.text


@pytest.mark.parametrize("path", ["/orders", "/nothing", "/broken"])
def test_answer_is_text_with_an_id_a_time_and_security_headers(path: str) -> None:
    async def nothing() -> None:
        return None

    asyncio.run(nothing())  # takes the event loop away, as another library may
    answer = lambda_handler(APP)(rest_event("GET", path), None)
    assert answer["isBase64Encoded"] is False
    headers = answer["headers"]
    assert headers["x-request-id"]
    assert float(headers["x-process-time"]) > 0
    assert headers["x-content-type-options"] == "nosniff"
    assert "max-age=" in headers["strict-transport-security"]
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        *((sent, True) for sent in ("a", "A" * 128, "a.b_c:d/e+f=g-h")),
        *((sent, False) for sent in ("", " ", "a b", "A" * 129, "a,b", 'a"b', "<script>", "a\nb")),
        *((sent, False) for sent in ("a\r\nSet-Cookie: x=y", "é", "a@b.example")),
    ],
)
def test_request_id_is_kept_or_replaced(client: HttpClient, sent: str, is_kept: bool) -> None:
    answers = [client.get("/orders", headers={"X-Request-ID": sent}) for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert [answer.json["request_id"] for answer in answers] == ids
    if is_kept:
        assert ids == [sent] * 2
    else:
        assert [len(id_) for id_ in ids] == [32, 32]
        assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("call", "route", "status"),
    [
        ("GET /orders/secret-7?token=hush", "/orders/{id}", 422),
        ("POST /orders", "/orders", 422),
        ("GET /nothing", None, 404),
        ("GET /broken", "/broken", 500),
    ],
)
def test_log_has_one_line_and_metrics_of_a_request_without_its_data(
    client: HttpClient,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    *,
    call: str,
    route: str | None,
    status: int,
) -> None:
    method, path = call.split()
    client.request(method, path, caller=ALICE)
    [line] = [record for record in caplog.records if hasattr(record, "caller_id")]
    assert line.getMessage() == f"{method} {route or '(no route)'} {status}"
    expected = ALICE.id if method == "POST" else None
    assert line.caller_id == expected
    assert "hush" not in caplog.text
    assert f"customer:{ALICE.id}" not in caplog.text
    # API Gateway counts requests, and measures how long they take, for nothing.
    assert "_aws" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (SHOP, 200),
        (BACK_OFFICE, 200),
        ("https://shop.example.evil.example", 403),
        ("https://evil-shop.example", 403),
        ("http://shop.example", 403),
        ("https://shop.example:8443", 403),
        ("null", 403),
        ("*", 403),
    ],
)
def test_only_pages_of_configured_origins_may_call(
    client: HttpClient, origin: str, status: int
) -> None:
    headers = {"Origin": origin}
    preflight = client.request(
        "OPTIONS", "/orders", headers={**headers, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status == status
    # A page can also read a problem.
    for answer in (
        preflight,
        client.get("/orders", headers=headers),
        client.get("/x", headers=headers),
    ):
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if status == 200 else None)
        assert "access-control-allow-credentials" not in answer.headers
        assert not allowed or "Origin" in answer.headers["vary"]


def test_no_page_may_call_without_configured_origins() -> None:
    client = HttpClient(create_app("tests", router, verifier=FakeVerifier()))
    assert (
        "access-control-allow-origin" not in client.get("/orders", headers={"Origin": SHOP}).headers
    )


def test_app_of_a_service_has_the_cursor_key_and_origins_of_its_settings() -> None:
    keys = simulated_table("KeysTable")
    settings = ApiSettings("table", "https://issuer.example", "tokens", keys.name, SHOP, 1)
    app = create_service_app("tests", router, settings, keys.client)
    sealed = app.state.cursors.seal(1, caller="alice", query={})
    assert Cursors(key_from(keys, "tests")).open(sealed, caller="alice", query={}) == 1
    headers = HttpClient(app).get("/orders", headers={"Origin": SHOP}).headers
    assert headers["access-control-allow-origin"] == SHOP

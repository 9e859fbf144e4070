"""Headers of every answer, and the log line and metrics of every request."""

import json
from typing import Any

import pytest
from fastapi import APIRouter, Response

from shared.auth.access import allow
from shared.errors import Conflict
from shared.runtime import context
from shared.web.app import create_app
from shared.web.routing import GuardedRoute
from tests.support.callers import ALICE, FakeVerifier
from tests.support.http import HttpClient

router = APIRouter(route_class=GuardedRoute)


@router.get("/things/{id}")
@allow("anyone")
async def thing(id: str) -> dict[str, str]:  # noqa: A002  # the path's own word
    return {"request_id": context.request_id()}


@router.post("/things")
@allow("user")
async def take() -> None:
    raise Conflict


@router.get("/page")
@allow("anyone")
async def page() -> Response:
    return Response("<p>", headers={"Content-Security-Policy": "default-src 'self'"})


@router.get("/broken")
@allow("anyone")
async def broken() -> None:
    raise RuntimeError


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(create_app("tests", router, verifier=FakeVerifier()))


def access_line(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The request's one line in the log, without the members of every record."""
    [record] = [record for record in caplog.records if hasattr(record, "caller_id")]
    names = ("method", "route", "status", "caller_id")
    return {"message": record.getMessage(), **{name: getattr(record, name) for name in names}}


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        *((sent, True) for sent in ("mine-1", "a", "A" * 128, "a.b_c:d/e+f=g-h")),
        ("1-67891233-abcdef012345678912345678", True),
        *((sent, False) for sent in ("", " ", "a b", "A" * 129, "a,b", 'a"b', "<script>", "a\nb")),
        *((sent, False) for sent in ("a\r\nSet-Cookie: x=y", "é", "a@b.example")),
    ],
)
def test_request_id_is_kept_or_replaced(client: HttpClient, sent: str, is_kept: bool) -> None:
    answers = [client.get("/things/1", headers={"X-Request-ID": sent}) for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert [answer.json for answer in answers] == [{"request_id": id_} for id_ in ids]
    if is_kept:
        assert ids == [sent] * 2
    else:
        assert [len(id_) for id_ in ids] == [32, 32]
        assert ids[0] != ids[1]


@pytest.mark.parametrize("path", ["/things/1", "/nothing", "/broken"])
def test_answer_has_an_id_a_time_and_security_headers(client: HttpClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-request-id"]
    assert float(headers["x-process-time"]) > 0
    assert headers["x-content-type-options"] == "nosniff"
    assert "max-age=" in headers["strict-transport-security"]
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_page_has_its_own_content_security_policy(client: HttpClient) -> None:
    headers = client.get("/page").headers
    assert headers["content-security-policy"] == "default-src 'self'"


def test_refused_body_is_answered_like_any_other(client: HttpClient) -> None:
    refused = client.post("/things", body="x", caller=ALICE, headers={"Content-Type": "text/plain"})
    assert refused.status == 415
    assert refused.json["request_id"] == refused.headers["x-request-id"]
    assert float(refused.headers["x-process-time"]) > 0


@pytest.mark.parametrize(
    ("call", "route", "status"),
    [
        ("GET /things/secret-7?token=hush", "/things/{id}", 422),
        ("POST /things", "/things", 409),
        ("GET /nothing", None, 404),
        ("GET /broken", "/broken", 500),
    ],
)
def test_log_has_one_line_of_a_request_without_its_data(
    client: HttpClient,
    caplog: pytest.LogCaptureFixture,
    call: str,
    route: str | None,
    status: int,
) -> None:
    method, path = call.split()
    client.request(method, path, caller=ALICE)
    assert access_line(caplog) == {
        "message": f"{method} {route or '(no route)'} {status}",
        "method": method,
        "route": route,
        "status": status,
        "caller_id": ALICE.id if path == "/things" else None,
    }
    assert "hush" not in caplog.text
    assert f"customer:{ALICE.id}" not in caplog.text


def test_requests_and_server_errors_are_counted(
    client: HttpClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get("/things/1")
    client.get("/broken")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = [line for line in lines if "_aws" in line]
    assert [line["Requests"] for line in counted] == [[1.0], [1.0]]
    assert [line.get("ServerErrors") for line in counted] == [None, [1.0]]
    assert all(line["Latency"][0] > 0 for line in counted)

"""What every request is given, and what the log says of it."""

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
    """The one line that the log has of the request, without what every record has."""
    [record] = [record for record in caplog.records if hasattr(record, "caller_id")]
    names = ("method", "route", "status", "caller_id")
    return {"message": record.getMessage(), **{name: getattr(record, name) for name in names}}


@pytest.mark.parametrize(
    "sane", ["mine-1", "a", "A" * 128, "1-67891233-abcdef012345678912345678", "a.b_c:d/e+f=g-h"]
)
def test_a_sane_request_id_is_carried_through(client: HttpClient, sane: str) -> None:
    answer = client.get("/things/1", headers={"X-Request-ID": sane})
    assert answer.headers["x-request-id"] == sane
    assert answer.json == {"request_id": sane}


@pytest.mark.parametrize(
    "insane",
    [
        "",
        " ",
        "a b",
        "A" * 129,
        "a,b",
        'a"b',
        "<script>",
        "a\nb",
        "a\r\nSet-Cookie: x=y",
        "é",
        "a@b.example",
    ],
)
def test_any_other_is_replaced_by_a_new_one(client: HttpClient, insane: str) -> None:
    answers = [client.get("/things/1", headers={"X-Request-ID": insane}) for _ in range(2)]
    first, second = [answer.headers["x-request-id"] for answer in answers]
    assert first != second
    for answer in answers:
        assert len(answer.headers["x-request-id"]) == 32
        assert answer.json == {"request_id": answer.headers["x-request-id"]}


@pytest.mark.parametrize("path", ["/things/1", "/nothing", "/broken"])
def test_every_answer_carries_its_id_its_time_and_security_headers(
    client: HttpClient, path: str
) -> None:
    headers = client.get(path).headers
    assert headers["x-request-id"]
    assert float(headers["x-process-time"]) > 0
    assert headers["x-content-type-options"] == "nosniff"
    assert "max-age=" in headers["strict-transport-security"]
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_page_says_itself_what_may_run_in_it(client: HttpClient) -> None:
    headers = client.get("/page").headers
    assert headers["content-security-policy"] == "default-src 'self'"


def test_a_body_that_no_route_sees_is_answered_like_any_other(client: HttpClient) -> None:
    refused = client.post("/things", body="x", caller=ALICE, headers={"Content-Type": "text/plain"})
    assert refused.status == 415
    assert refused.json["request_id"] == refused.headers["x-request-id"]
    assert float(refused.headers["x-process-time"]) > 0


def test_the_log_has_one_line_of_a_request_by_its_route(
    client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/things/secret-7?token=hush", headers={"X-Request-ID": "mine-1"})
    assert access_line(caplog) == {
        "message": "GET /things/{id} 422",
        "method": "GET",
        "route": "/things/{id}",
        "status": 422,
        "caller_id": None,
    }
    assert "hush" not in caplog.text


def test_the_log_knows_the_caller_and_not_the_token(
    client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/things", caller=ALICE)
    line = access_line(caplog)
    assert (line["status"], line["caller_id"]) == (409, ALICE.id)
    assert f"customer:{ALICE.id}" not in caplog.text


@pytest.mark.parametrize(
    ("path", "message"),
    [("/nothing", "GET (no route) 404"), ("/broken", "GET /broken 500")],
)
def test_the_log_has_a_line_of_what_went_wrong_too(
    client: HttpClient, caplog: pytest.LogCaptureFixture, path: str, message: str
) -> None:
    client.get(path)
    assert access_line(caplog)["message"] == message


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

"""Sample notes over HTTP."""

import pytest
from botocore.exceptions import EndpointConnectionError

from sample_notes import api
from sample_notes.repository import DynamoSampleNotes
from sample_notes.routes import router
from sample_notes.service import SampleNoteService
from shared.runtime.entry import Entry
from tests.support.aws import simulated_table
from tests.support.callers import ALICE, BOB
from tests.support.clock import ManualClock
from tests.support.environment import given_environment
from tests.support.http import HttpClient, serve

PATH = "/api/v1/sample-notes"


@pytest.fixture
def sample_notes() -> DynamoSampleNotes:
    return DynamoSampleNotes(simulated_table("SampleNotesTable"))


@pytest.fixture
def http(sample_notes: DynamoSampleNotes) -> HttpClient:
    return serve(router, service=SampleNoteService(sample_notes, clock=ManualClock()))


def test_created_one_is_returned_by_its_location(http: HttpClient) -> None:
    created = http.post(PATH, {"text": "Sturdy."}, caller=ALICE)
    assert created.status == 201
    assert created.json == {
        "id": created.json["id"],
        "user_id": ALICE.id,
        "text": "Sturdy.",
        "created_at": "2026-11-20T12:00:00.000Z",
        "version": 1,
    }
    assert created.headers["location"] == f"{PATH}/{created.json['id']}"
    assert http.get(created.headers["location"], caller=ALICE).json == created.json


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 2001}, {"text": 1}])
def test_create_refuses_an_invalid_text(http: HttpClient, body: object) -> None:
    refused = http.post(PATH, body, caller=ALICE)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert refused.json["errors"][0]["pointer"] == "#/text"


def test_list_is_read_page_by_page(http: HttpClient) -> None:
    created = [http.post(PATH, {"text": "Sturdy."}, caller=ALICE).json for _ in range(3)]
    first = http.get(f"{PATH}?limit=2", caller=ALICE).json
    second = http.get(f"{PATH}?limit=2&cursor={first['next_cursor']}", caller=ALICE).json
    assert (first["count"], second["count"], second["next_cursor"]) == (2, 1, None)
    listed = [*first["sample_notes"], *second["sample_notes"]]
    assert sorted(listed, key=lambda one: one["id"]) == sorted(created, key=lambda one: one["id"])


@pytest.mark.parametrize("id_", ["0" * 32, "x", "é", "A" * 3000])
def test_unknown_id_is_not_found(http: HttpClient, id_: str) -> None:
    missing = http.get(f"{PATH}/{id_}", caller=BOB)
    assert (missing.status, missing.code) == (404, "sample-note-not-found")


def test_health_has_the_total_or_is_degraded(
    http: HttpClient, sample_notes: DynamoSampleNotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> dict[str, int]:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    http.post(PATH, {"text": "Sturdy."}, caller=ALICE)
    with monkeypatch.context() as outage:
        outage.setattr(sample_notes, "totals", unreachable)
        degraded = http.get("/health/sample-notes").json
    assert (degraded["status"], "total" in degraded) == ("degraded", False)
    healthy = http.get("/health/sample-notes").json
    assert (healthy["status"], healthy["total"]) == ("healthy", 1)


@pytest.mark.usefixtures("account")
def test_function_serves_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given_environment(monkeypatch, "SampleNotesTable")
    http = HttpClient(Entry(api.build, api.Settings))
    assert http.get("/health/sample-notes").json["total"] == 0
    assert http.get(PATH).code == "unauthenticated"

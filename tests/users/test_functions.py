"""The functions as Lambda runs them: their own entries and graphs, on a mocked account."""

from typing import Any

import pytest

from shared.contracts.directory import Customer
from shared.messaging import outbox
from shared.runtime.entry import Entry
from shared.storage.dynamodb import Table, to_wire
from tests.support.context import LambdaContext
from tests.support.environment import given_environment
from tests.support.http import HttpClient
from tests.users.builders import PASSWORD, a_registration, a_user
from users import api, directory, relay, sweeper
from users.accounts.models import User
from users.accounts.repository import DynamoUsers


@pytest.fixture
def table(account: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The users' table, and the environment that the functions are given."""
    return given_environment(monkeypatch, "UsersTable")


def registered(table: Table, **values: object) -> tuple[User, dict[str, Any]]:
    """A stored user, and the item of its event."""
    user = a_user(**values)
    fact = outbox.event(
        "user.registered", aggregate_id=user.id, version=1, at=user.created_at, data={}
    )
    DynamoUsers(table).add(user, fact)
    item = table.get({"pk": f"USER#{user.id}", "sk": outbox.sort_key(1)})
    assert item is not None
    return user, item


@pytest.mark.usefixtures("table")
def test_api_serves_from_registration_to_deactivation() -> None:
    http = HttpClient(Entry(api.build, api.Settings))
    account = a_registration()
    user = http.post("/api/v1/users", account).json
    tokens = http.post("/api/v1/auth/login", {"email": account["email"], "password": PASSWORD}).json
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert http.get("/api/v1/users/me", headers=bearer).json == user
    held = {"refresh_token": tokens["refresh_token"]}
    renewed = http.post("/api/v1/auth/refresh", held)
    assert renewed.status == 200
    assert http.post("/api/v1/auth/logout", {"refresh_token": "x"}).status == 204
    assert len(http.get("/.well-known/jwks.json").json["keys"]) == 1
    assert http.get("/health/users").json["total"] == 1
    deactivated = http.delete(f"/api/v1/users/{user['id']}", headers=bearer)
    assert deactivated.json == {"deactivated": True}
    assert http.get("/api/v1/users/me", headers=bearer).code == "unauthenticated"


def test_directory_answers_with_an_inactive_customer_too(table: Table) -> None:
    user, _ = registered(table, is_active=False)
    handler = Entry(directory.build, directory.Settings)
    call = {"name": "find_customer", "request_id": "r", "body": {"user_id": user.id}}
    answer = handler(call, LambdaContext())["answer"]
    assert Customer.model_validate(answer) == Customer(
        id=user.id, full_name=user.full_name, email=user.email, is_active=False
    )


@pytest.mark.usefixtures("table")
def test_directory_refuses_an_unknown_user() -> None:
    handler = Entry(directory.build, directory.Settings)
    call = {"name": "find_customer", "request_id": "r", "body": {"user_id": "nobody"}}
    assert handler(call, LambdaContext()) == {"refused": {"code": "user-not-found", "data": {}}}


def test_relay_publishes_an_event_once(table: Table) -> None:
    _, item = registered(table)
    record = {
        "eventSource": "aws:dynamodb",
        "eventName": "INSERT",
        "dynamodb": {"NewImage": to_wire(item), "SequenceNumber": "1"},
    }
    answer = Entry(relay.build, relay.Settings)({"Records": [record]}, LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert "unsent" not in (table.get({"pk": item["pk"], "sk": item["sk"]}) or {})


def test_sweeper_publishes_an_unsent_event_once(table: Table) -> None:
    registered(table, created_at="2026-01-01T00:00:00.000Z")
    handler = Entry(sweeper.build, sweeper.Settings)
    assert handler({}, LambdaContext()) == {"published": 1}
    assert handler({}, LambdaContext()) == {"published": 0}

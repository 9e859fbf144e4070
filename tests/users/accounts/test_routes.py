"""Accounts over HTTP: bodies, queries and answers. Who may call what: tests/access."""

from typing import Any

import pytest

from tests.support.http import Answer
from tests.users.builders import a_registration
from tests.users.fakes import InMemoryUsers
from tests.users.service import Service, caller, pointers
from users.accounts.models import User

FIELDS = {"id", "email", "full_name", "role", "is_active", "created_at"}


def list_users(service: Service, by: User, query: str = "") -> Answer:
    return service.http.get(f"/api/v1/users?{query}", caller=caller(by))


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200
    assert answer.json["count"] == len(answer.json["users"])
    return [user["id"] for user in answer.json["users"]]


def test_registration_answers_with_the_account_and_its_location(service: Service) -> None:
    body = a_registration(email=" Alice@example.com ", full_name=" Alice ")
    answer = service.http.post("/api/v1/users", body)
    assert answer.status == 201
    assert answer.headers["location"] == f"/api/v1/users/{answer.json['id']}"
    assert answer.json == {
        "id": answer.json["id"],
        "email": "Alice@example.com",
        "full_name": "Alice",
        "role": "customer",
        "is_active": True,
        "created_at": "2026-11-20T12:00:00.000Z",
    }


@pytest.mark.parametrize("length", [12, 128])
def test_registration_accepts_a_password_of_12_to_128_characters(
    service: Service, length: int
) -> None:
    assert service.http.post("/api/v1/users", a_registration(password="é" * length)).status == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", 7),
        ("email", None),
        ("email", "a" * 250 + "@example.com"),
        ("email", "X@Erased.INVALID"),
        ("full_name", ""),
        ("full_name", "  "),
        ("full_name", "x" * 201),
        ("full_name", "A\0B"),
        ("full_name", "A\u2028B"),
        ("full_name", ["A"]),
        ("password", "short-pw"),
        ("password", "x" * 11),
        ("password", "x" * 129),
        ("password", "x\0" * 10),
        ("password", 123456789012),
        ("role", "admin"),
    ],
)
def test_registration_points_at_an_invalid_field(
    service: Service, field: str, value: object
) -> None:
    answer = service.http.post("/api/v1/users", {**a_registration(), field: value})
    assert pointers(answer) == {f"#/{field}"}
    assert field != "password" or str(value) not in answer.text


def test_registration_points_at_missing_fields(service: Service) -> None:
    answer = service.http.post("/api/v1/users", {})
    assert pointers(answer) == {"#/email", "#/full_name", "#/password"}


def test_own_account_is_found_under_me_and_under_its_id(service: Service) -> None:
    user = service.customer()
    me = service.http.get("/api/v1/users/me", caller=caller(user))
    assert (me.status, me.json["id"], set(me.json)) == (200, user.id, FIELDS)
    assert service.http.get(f"/api/v1/users/{user.id}", caller=caller(user)).json == me.json


@pytest.mark.parametrize("user_id", ["nobody", "x" * 3000])
def test_a_missing_account_is_404(service: Service, user_id: str) -> None:
    answer = service.http.get(f"/api/v1/users/{user_id}", caller=caller(service.admin()))
    assert (answer.status, answer.code) == (404, "user-not-found")


def test_list_is_read_page_by_page_newest_first(service: Service) -> None:
    admin, other = service.admin(), service.admin()
    user = service.customer()
    seen, cursor = [], ""
    for _ in range(3):
        page = list_users(service, admin, f"limit=1{cursor}")
        seen += ids(page)
        cursor = f"&cursor={page.json['next_cursor']}"
    assert (seen, cursor) == ([user.id, other.id, admin.id], "&cursor=None")
    foreign = list_users(service, other, "limit=1").json["next_cursor"]
    for forged in (foreign, "x", "", "%F0%9F%90%8E"):
        answer = list_users(service, admin, f"limit=1&cursor={forged}")
        assert (answer.status, answer.code) == (400, "invalid-cursor")


def test_list_may_be_of_active_or_inactive_accounts(service: Service) -> None:
    admin, user = service.admin(), service.customer()
    service.deactivate(user)
    assert ids(list_users(service, admin, "active=true")) == [admin.id]
    assert ids(list_users(service, admin, "active=false")) == [user.id]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "active=perhaps"])
def test_list_points_at_an_invalid_parameter(service: Service, query: str) -> None:
    answer = list_users(service, service.admin(), query)
    assert pointers(answer) == {f"#/query/{query.partition('=')[0]}"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"full_name": "Other"},
        {"email": "new@example.com"},
        {"role": "customer"},
        {"is_active": False},
    ],
)
def test_change_answers_with_the_account(service: Service, body: dict[str, Any]) -> None:
    admin = service.admin()
    path = f"/api/v1/users/{admin.id}"
    before = service.http.get(path, caller=caller(admin)).json
    answer = service.http.put(path, body, caller=caller(admin))
    assert (answer.status, answer.json) == (200, before | body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "x@erased.invalid"),
        ("email", None),
        ("full_name", None),
        ("full_name", " "),
        ("password", "short"),
        ("password", None),
        ("current_password", ""),
        ("role", "owner"),
        ("role", None),
        ("is_active", "true"),
        ("is_active", 1),
        ("is_active", None),
        ("id", "x"),
    ],
)
def test_change_points_at_an_invalid_field(service: Service, field: str, value: object) -> None:
    admin = service.admin()
    answer = service.http.put(f"/api/v1/users/{admin.id}", {field: value}, caller=caller(admin))
    assert pointers(answer) == {f"#/{field}"}


def test_change_refusals_have_their_status_and_code(service: Service) -> None:
    user, other = service.customer(), service.customer()

    def refusal(**body: object) -> tuple[int, str]:
        answer = service.http.put(f"/api/v1/users/{user.id}", body, caller=caller(user))
        return answer.status, answer.code

    assert refusal(email=other.email) == (409, "email-taken")
    assert refusal(role="admin") == (403, "forbidden")
    assert refusal(password="x" * 12) == (422, "invalid-request")
    for _ in range(5):
        assert refusal(current_password="wrong") == (403, "forbidden")
    assert refusal(current_password="wrong") == (429, "too-many-attempts")


def test_deletion_deactivates_and_with_erase_erases(service: Service) -> None:
    user, admin = service.customer(), service.admin()
    path = f"/api/v1/users/{user.id}"
    for by, query, answer in (
        (user, "", {"deactivated": True}),
        (admin, "?erase=false", {"deactivated": True}),
        (admin, "?erase=true", {"deactivated": True, "erased": True}),
        (admin, "?erase=true", {"deactivated": True, "erased": True}),
    ):
        deleted = service.http.delete(path + query, caller=caller(by))
        assert (deleted.status, deleted.json) == (200, answer)
        stored = service.stored(user)
        assert (stored.is_active, bool(stored.erased_at)) == (False, "erased" in answer)
    change = service.http.put(path, {"is_active": True}, caller=caller(admin))
    assert (change.status, change.code) == (409, "account-erased")


@pytest.mark.parametrize("value", ["1", "yes", "True", ""])
def test_deletion_erases_only_for_exactly_true(service: Service, value: str) -> None:
    user = service.customer()
    path = f"/api/v1/users/{user.id}?erase={value}"
    assert pointers(service.http.delete(path, caller=caller(user))) == {"#/query/erase"}
    assert service.stored(user) == user


def test_health_has_the_totals(service: Service) -> None:
    service.customer()
    service.deactivate(service.customer())
    health = service.http.get("/health/users").json
    assert (health["status"], health["total"], health["active"]) == ("healthy", 2, 1)


def test_health_is_degraded_when_the_totals_cannot_be_read() -> None:
    class UnreachableUsers(InMemoryUsers):
        def totals(self) -> dict[str, int]:
            raise ConnectionError("the table is away")

    answer = Service(users=UnreachableUsers()).http.get("/health/users")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert set(answer.json) == {"status", "uptime_seconds", "memory_mb"}

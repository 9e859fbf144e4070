"""Accounts over HTTP: bodies, queries and answers. Who may call what: tests/access."""

from typing import Any

import pytest

from tests.support.http import Answer
from tests.users.builders import PASSWORD, a_registration
from tests.users.service import Service, caller, pointers
from users.accounts.models import User


def request(service: Service, by: User, method: str, path: str = "", body: Any = None) -> Answer:
    return service.http.request(method, f"/api/v1/users{path}", json_body=body, caller=caller(by))


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
        "email_confirmed": False,
        "created_at": "2026-11-20T12:00:00.000Z",
    }
    taken = service.http.post("/api/v1/users", body)
    assert (taken.status, taken.code) == (409, "email-taken")


@pytest.mark.parametrize("length", [12, 128])
def test_registration_accepts_a_password_of_12_to_128_characters(
    service: Service, length: int
) -> None:
    password = ("à la bonne heure, " * 8)[:length]
    assert service.http.post("/api/v1/users", a_registration(password=password)).status == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("email", value)
            for value in ("nobody", 7, None, "a" * 250 + "@b.co", "x@erased.invalid")
        ),
        *(("full_name", value) for value in ("", "  ", "x" * 101, "A\0B", "A\u2028B", ["A"])),
        *(("password", value) for value in ("short-horse", "é" * 129, "x\0" * 10, 123456789012)),
        ("role", "admin"),
    ],
)
def test_registration_points_at_an_invalid_field(
    service: Service, field: str, value: object
) -> None:
    answer = service.http.post("/api/v1/users", {**a_registration(), field: value})
    assert pointers(answer) == {f"#/{field}"}
    assert field != "password" or str(value) not in answer.text


@pytest.mark.parametrize(
    "name",
    [
        *("Ada", "J. R. R. Tolkien", "J.R.R. Tolkien", "Sean O\u2019Brien-D'Arcy", "Dr. Martin L."),
        *(
            "Łukasz Żółć",
            "Nguyễn Thị Minh",
            "Ιωάννα",
            "Мария-Анна",
            "鈴木・アン",
            "김민준",
            "李小龍",
        ),
        *(
            "محمد بن سلمان",
            "דוד בן־גוריון",
            "अनुष्का शर्मा",
            "வேலு நாச்சியார்",
            "S:t Erik",
            "Kumar s/o Ram",
        ),
        "x" * 100,
    ],
)
def test_names_of_many_scripts_are_accepted(service: Service, name: str) -> None:
    answer = service.http.post("/api/v1/users", a_registration(full_name=name))
    assert (answer.status, answer.json.get("full_name")) == (201, name)


@pytest.mark.parametrize(
    "name",
    [
        *("You have won, see https://evil.example/x", "Win at evil.example", "www.evil.co now"),
        *("EVIL.COM", "t.co/win", "evil\uff0ecom", "evil\u3002com", "evil.рф", "उदाहरण.भारत"),
        *("http://localhost/x", "mailto:me", "javascript:alert(1)", "write to me@evil"),
        *(
            "Ann\u200bOther",
            "\u202eAnn",
            "Ann\ufeff",
            "Ann\u00ad",
            "Ann\U000e0041",
            "Ann\u2066Other",
        ),
    ],
)
def test_links_and_invisible_characters_are_no_names(service: Service, name: str) -> None:
    assert pointers(service.http.post("/api/v1/users", a_registration(full_name=name))) == {
        "#/full_name"
    }
    user = service.customer()
    assert pointers(request(service, user, "PUT", f"/{user.id}", {"full_name": name})) == {
        "#/full_name"
    }


def test_registration_and_change_point_at_a_weak_password(service: Service) -> None:
    body = a_registration(email="petra@example.com", full_name="Petra Muster")
    weak = "Petra@example.com"
    answer = service.http.post("/api/v1/users", {**body, "password": weak})
    assert pointers(answer) == {"#/password"}
    assert weak not in answer.text
    petra = service.customer(**body)
    for name, password in (({}, "petra muster"), ({"full_name": "Zoe Zander"}, "zoe-zander-7")):
        change = {"password": password, "current_password": body["password"], **name}
        answer = request(service, petra, "PUT", f"/{petra.id}", change)
        assert pointers(answer) == {"#/password"}


def test_registration_points_at_missing_fields(service: Service) -> None:
    answer = service.http.post("/api/v1/users", {})
    assert pointers(answer) == {"#/email", "#/full_name", "#/password"}


def test_own_account_is_found_under_me_and_under_its_id(service: Service) -> None:
    user = service.customer()
    me = request(service, user, "GET", "/me")
    assert (me.status, me.json["id"]) == (200, user.id)
    assert request(service, user, "GET", f"/{user.id}").json == me.json
    missing = request(service, user, "GET", "/nobody")
    assert (missing.status, missing.code) == (404, "user-not-found")


def test_list_is_read_page_by_page_newest_first(service: Service) -> None:
    admin, other, user = service.admin(), service.customer(), service.customer()
    service.deactivate(other)

    def page(query: str) -> tuple[list[str], str | None]:
        answer = request(service, admin, "GET", f"?{query}").json
        assert answer["count"] == len(answer["users"])
        return [found["id"] for found in answer["users"]], answer["next_cursor"]

    first, cursor = page("limit=2")
    assert first == [user.id, other.id]
    assert page(f"limit=2&cursor={cursor}") == ([admin.id], None)
    assert page("active=true")[0] == [user.id, admin.id]
    assert page("active=false")[0] == [other.id]
    forged = request(service, admin, "GET", "?limit=2&cursor=x")
    assert (forged.status, forged.code) == (400, "invalid-cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "active=perhaps"])
def test_list_points_at_an_invalid_parameter(service: Service, query: str) -> None:
    answer = request(service, service.admin(), "GET", f"?{query}")
    assert pointers(answer) == {f"#/query/{query.partition('=')[0]}"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"full_name": "Other"},
        {"role": "customer"},
        {"is_active": False},
    ],
)
def test_change_answers_with_the_account(service: Service, body: dict[str, Any]) -> None:
    admin, _ = service.admin(), service.admin()
    before = request(service, admin, "GET", "/me").json
    change = {**body, "email": "new@example.com", "current_password": PASSWORD}
    answer = request(service, admin, "PUT", f"/{admin.id}", change)
    assert (answer.status, answer.json) == (200, before | body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, None) for field in ("email", "full_name", "password", "role", "is_active")),
        *(("email", "nobody"), ("full_name", " "), ("password", "short"), ("role", "owner")),
        *(("current_password", ""), ("is_active", "true"), ("is_active", 1), ("id", "x")),
    ],
)
def test_change_points_at_an_invalid_field(service: Service, field: str, value: object) -> None:
    admin = service.admin()
    assert pointers(request(service, admin, "PUT", f"/{admin.id}", {field: value})) == {
        f"#/{field}"
    }


def test_change_refusals_have_their_status_and_code(service: Service) -> None:
    user, other = service.customer(), service.customer()

    def refusal(**body: object) -> tuple[int, str]:
        answer = request(service, user, "PUT", f"/{user.id}", body)
        return answer.status, answer.code

    assert refusal(role="admin") == (403, "forbidden")
    for takeover in ({"password": "x" * 12}, {"email": other.email}):
        refused = request(service, user, "PUT", f"/{user.id}", takeover)
        assert pointers(refused) == {"#/current_password"}
    for _ in range(5):
        assert refusal(current_password="wrong") == (403, "forbidden")
    assert refusal(current_password="wrong") == (429, "too-many-attempts")


def test_deletion_deactivates_and_with_erase_erases(service: Service) -> None:
    user, admin = service.customer(), service.admin()
    for query, answer in (
        ("", {"deactivated": True}),
        ("?erase=false", {"deactivated": True}),
        ("?erase=true", {"deactivated": True, "erased": True}),
    ):
        deleted = request(service, admin, "DELETE", f"/{user.id}{query}")
        assert (deleted.status, deleted.json) == (200, answer)
        stored = service.stored(user)
        assert (stored.is_active, bool(stored.erased_at)) == (False, "erased" in answer)
    activation = {"is_active": True, "current_password": PASSWORD}
    change = request(service, admin, "PUT", f"/{user.id}", activation)
    assert (change.status, change.code) == (409, "account-erased")


def test_own_erasure_takes_the_current_password_as_its_body(service: Service) -> None:
    user = service.customer()

    def erasure(body: Any) -> Answer:
        return request(service, user, "DELETE", f"/{user.id}?erase=true", body)

    for body in (None, {}, {"current_password": ""}):
        assert pointers(erasure(body)) == {"#/current_password"}
    wrong = erasure({"current_password": "wrong"})
    assert (wrong.status, wrong.code) == (403, "forbidden")
    assert service.stored(user) == user
    assert erasure({"current_password": PASSWORD}).json == {"deactivated": True, "erased": True}


def test_end_of_the_last_admin_is_refused(service: Service) -> None:
    admin = service.admin()
    demotion = {"role": "customer", "current_password": PASSWORD}
    for answer in (
        request(service, admin, "PUT", f"/{admin.id}", demotion),
        request(service, admin, "DELETE", f"/{admin.id}"),
    ):
        assert (answer.status, answer.code) == (409, "last-admin")


@pytest.mark.parametrize("value", ["1", "yes", "True", ""])
def test_deletion_erases_only_for_exactly_true(service: Service, value: str) -> None:
    user = service.customer()
    deleted = request(service, user, "DELETE", f"/{user.id}?erase={value}")
    assert pointers(deleted) == {"#/query/erase"}
    assert service.stored(user) == user


def test_health_has_the_totals(service: Service) -> None:
    service.customer()
    service.deactivate(service.customer())
    health = service.http.get("/health/users").json
    assert (health["status"], health["total"], health["active"]) == ("healthy", 2, 1)

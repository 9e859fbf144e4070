"""Every row of the contract about accounts, its refusals included."""

from collections.abc import Mapping

import pytest

from shared.auth.tokens import Caller, TokenVerifier
from tests.support.http import Answer, HttpClient
from tests.users.builders import PASSWORD, registration_body
from tests.users.fakes import InMemoryUsers
from tests.users.shop import ISSUER, Shop, caller, log_in, pointers
from users.accounts.models import User
from users.api import create_app

FIELDS = {"id", "email", "full_name", "role", "is_active", "created_at"}
NEW = "another-long-password"


def put(shop: Shop, by: User, whom: User, body: Mapping[str, object]) -> Answer:
    return shop.http.put(f"/api/v1/users/{whom.id}", body, caller=caller(by))


class TestRegister:
    def test_answers_with_the_account_and_where_it_is(self, shop: Shop) -> None:
        answer = shop.http.post("/api/v1/users", registration_body(email="Alice@example.com"))
        assert answer.status == 201
        assert set(answer.json) == FIELDS
        assert (answer.json["email"], answer.json["role"]) == ("Alice@example.com", "customer")
        assert answer.json["is_active"] is True
        assert answer.json["created_at"] == "2026-11-20T12:00:00.000Z"
        assert answer.headers["location"] == f"/api/v1/users/{answer.json['id']}"

    def test_an_address_that_is_taken_is_a_conflict(self, shop: Shop) -> None:
        shop.customer(email="alice@example.com")
        answer = shop.http.post("/api/v1/users", registration_body(email="ALICE@example.com"))
        assert (answer.status, answer.code) == (409, "email-taken")

    @pytest.mark.parametrize("length", [12, 128])
    def test_a_password_may_have_12_to_128_characters(self, shop: Shop, length: int) -> None:
        answer = shop.http.post("/api/v1/users", registration_body(password="é" * length))
        assert answer.status == 201

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
            ("email", 7),
            ("email", None),
            ("email", "a" * 250 + "@example.com"),
            ("full_name", ""),
            ("full_name", "  "),
            ("full_name", "x" * 201),
            ("full_name", "A\0B"),
            ("full_name", "A\u2028B"),
            ("full_name", ["A"]),
            ("password", "x" * 11),
            ("password", "x" * 129),
            ("password", "x\0" * 10),
            ("password", 123456789012),
            ("role", "admin"),
        ],
    )
    def test_a_field_that_is_wrong_is_pointed_at(
        self, shop: Shop, field: str, value: object
    ) -> None:
        answer = shop.http.post("/api/v1/users", {**registration_body(), field: value})
        assert pointers(answer) == {f"#/{field}"}

    def test_fields_that_are_missing_are_pointed_at(self, shop: Shop) -> None:
        answer = shop.http.post("/api/v1/users", {})
        assert pointers(answer) == {"#/email", "#/full_name", "#/password"}

    def test_no_refusal_repeats_the_password(self, shop: Shop) -> None:
        answer = shop.http.post("/api/v1/users", registration_body(password="short-pw"))
        assert "short-pw" not in answer.text


class TestSee:
    def test_oneself(self, shop: Shop) -> None:
        user = shop.customer()
        me = shop.http.get("/api/v1/users/me", caller=caller(user))
        assert (me.status, me.json["id"], set(me.json)) == (200, user.id, FIELDS)
        assert shop.http.get(f"/api/v1/users/{user.id}", caller=caller(user)).json == me.json

    def test_anybody_for_an_admin(self, shop: Shop) -> None:
        user, admin = shop.customer(), shop.admin()
        answer = shop.http.get(f"/api/v1/users/{user.id}", caller=caller(admin))
        assert (answer.status, answer.json["email"]) == (200, user.email)

    def test_somebody_else_is_not_there(self, shop: Shop) -> None:
        user, other = shop.customer(), shop.customer()
        for path in (
            f"/api/v1/users/{other.id}",
            "/api/v1/users/nobody",
            f"/api/v1/users/{'x' * 3000}",
        ):
            answer = shop.http.get(path, caller=caller(user))
            assert (answer.status, answer.code) == (404, "user-not-found")


class TestList:
    def test_page_by_page(self, shop: Shop) -> None:
        admin = shop.admin()
        user = shop.customer()
        first = shop.http.get("/api/v1/users?limit=1", caller=caller(admin))
        assert first.status == 200
        assert [u["id"] for u in first.json["users"]] == [user.id]
        assert (first.json["count"], set(first.json["users"][0])) == (1, FIELDS)
        second = shop.http.get(
            f"/api/v1/users?limit=1&cursor={first.json['next_cursor']}", caller=caller(admin)
        )
        assert [u["id"] for u in second.json["users"]] == [admin.id]
        assert second.json["next_cursor"] is None

    def test_only_active_or_only_deactivated(self, shop: Shop) -> None:
        admin, user = shop.admin(), shop.customer()
        shop.accounts.deactivate(caller(user), user.id)
        for query, expected in (("active=true", admin.id), ("active=false", user.id)):
            page = shop.http.get(f"/api/v1/users?{query}", caller=caller(admin)).json
            assert [u["id"] for u in page["users"]] == [expected]

    def test_is_for_admins(self, shop: Shop) -> None:
        answer = shop.http.get("/api/v1/users", caller=caller(shop.customer()))
        assert (answer.status, answer.code) == (403, "forbidden")

    def test_a_forged_or_foreign_cursor_is_refused(self, shop: Shop) -> None:
        admin, other = shop.admin(), shop.admin()
        cursor = shop.http.get("/api/v1/users?limit=1", caller=caller(other)).json["next_cursor"]
        for forged in (cursor, "x", "", "%F0%9F%90%8E"):
            answer = shop.http.get(f"/api/v1/users?limit=1&cursor={forged}", caller=caller(admin))
            assert (answer.status, answer.code) == (400, "invalid-cursor")

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "active=perhaps"])
    def test_a_query_that_is_wrong_is_pointed_at(self, shop: Shop, query: str) -> None:
        answer = shop.http.get(f"/api/v1/users?{query}", caller=caller(shop.admin()))
        assert pointers(answer) == {f"#/query/{query.partition('=')[0]}"}


class TestChange:
    def test_what_is_left_out_stays(self, shop: Shop) -> None:
        user = shop.customer()
        answer = put(shop, user, user, {"full_name": "Other"})
        assert (answer.status, set(answer.json)) == (200, FIELDS)
        assert (answer.json["full_name"], answer.json["email"]) == ("Other", user.email)
        assert put(shop, user, user, {}).json == answer.json

    def test_a_password_with_the_current_one(self, shop: Shop) -> None:
        user = shop.customer()
        assert pointers(put(shop, user, user, {"password": NEW})) == {"#/current_password"}
        wrong = put(shop, user, user, {"password": NEW, "current_password": "wrong"})
        assert (wrong.status, wrong.code) == (403, "forbidden")
        right = put(shop, user, user, {"password": NEW, "current_password": PASSWORD})
        assert right.status == 200
        assert log_in(shop, user.email).code == "bad-credentials"
        assert log_in(shop, user.email, NEW).status == 200

    def test_current_passwords_are_not_to_be_found_by_trying(self, shop: Shop) -> None:
        user = shop.customer()
        guess = {"password": NEW, "current_password": "wrong"}
        answers = [put(shop, user, user, guess) for _ in range(6)]
        assert [a.status for a in answers] == [403] * 5 + [429]
        assert (answers[-1].code, answers[-1].headers["retry-after"]) == ("too-many-attempts", "2")

    def test_an_address_that_is_taken_is_a_conflict(self, shop: Shop) -> None:
        user, other = shop.customer(), shop.customer()
        answer = put(shop, user, user, {"email": other.email})
        assert (answer.status, answer.code) == (409, "email-taken")

    @pytest.mark.parametrize("body", [{"role": "admin"}, {"is_active": False}])
    def test_role_and_is_active_are_an_admin_s(self, shop: Shop, body: dict[str, object]) -> None:
        user, admin = shop.customer(), shop.admin()
        refused = put(shop, user, user, body)
        assert (refused.status, refused.code) == (403, "forbidden")
        changed = put(shop, admin, user, body)
        assert changed.status == 200
        assert changed.json == changed.json | body

    def test_somebody_else_is_not_there(self, shop: Shop) -> None:
        user, other = shop.customer(), shop.customer()
        answer = put(shop, user, other, {"role": "admin"})
        assert (answer.status, answer.code) == (404, "user-not-found")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
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
    def test_a_field_that_is_wrong_is_pointed_at(
        self, shop: Shop, field: str, value: object
    ) -> None:
        admin = shop.admin()
        assert pointers(put(shop, admin, admin, {field: value})) == {f"#/{field}"}


class TestDeactivate:
    def test_the_account_stays_inactive(self, shop: Shop) -> None:
        user, admin = shop.customer(), shop.admin()
        answer = shop.http.delete(f"/api/v1/users/{user.id}", caller=caller(user))
        assert (answer.status, answer.json) == (200, {"deactivated": True})
        again = shop.http.delete(f"/api/v1/users/{user.id}", caller=caller(admin))
        assert (again.status, again.json) == (200, {"deactivated": True})
        seen = shop.http.get(f"/api/v1/users/{user.id}", caller=caller(admin))
        assert seen.json["is_active"] is False

    def test_somebody_else_is_not_there(self, shop: Shop) -> None:
        user, other = shop.customer(), shop.customer()
        answer = shop.http.delete(f"/api/v1/users/{other.id}", caller=caller(user))
        assert (answer.status, answer.code) == (404, "user-not-found")


ROUTES: tuple[tuple[str, str, object], ...] = (
    ("GET", "/api/v1/users/me", None),
    ("GET", "/api/v1/users", None),
    ("GET", "/api/v1/users/x", None),
    ("PUT", "/api/v1/users/x", {}),
    ("DELETE", "/api/v1/users/x", None),
)


class TestCallers:
    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    def test_who_shows_no_good_token_is_challenged(
        self, shop: Shop, method: str, path: str, body: object
    ) -> None:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp4"}):
            answer = shop.http.request(method, path, json_body=body, headers=headers)
            assert (answer.status, answer.code) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    def test_a_deactivated_account_s_token_is_good_for_nothing(
        self, shop: Shop, method: str, path: str, body: object
    ) -> None:
        admin = shop.admin()
        shop.accounts.deactivate(caller(admin), admin.id)
        answer = shop.http.request(method, path, json_body=body, caller=caller(admin))
        assert (answer.status, answer.code) == (401, "unauthenticated")

    def test_an_admin_who_was_demoted_is_none_although_the_token_says_so(self, shop: Shop) -> None:
        demoted = Caller(shop.customer().id, "admin")
        answer = shop.http.get("/api/v1/users", caller=demoted)
        assert (answer.status, answer.code) == (403, "forbidden")


class TestPages:
    def test_the_public_keys_verify_the_tokens(self, shop: Shop) -> None:
        verifier = TokenVerifier(ISSUER, lambda: [shop.signer.public])
        http = HttpClient(create_app(shop.accounts, shop.sessions, verifier=verifier))
        answer = http.get("/.well-known/jwks.json")
        assert (answer.status, answer.json) == (200, {"keys": [shop.signer.public.jwk]})
        assert answer.headers["cache-control"] == "public, max-age=300"

    def test_health_has_the_totals(self, shop: Shop) -> None:
        user, _ = shop.customer(), shop.customer()
        shop.accounts.deactivate(caller(user), user.id)
        health = shop.http.get("/health/users").json
        assert (health["status"], health["total"], health["active"]) == ("healthy", 2, 1)
        assert health["uptime_seconds"] >= 0
        assert health["memory_mb"] > 0

    def test_health_is_degraded_when_they_cannot_be_read(self) -> None:
        class AwayUsers(InMemoryUsers):
            def totals(self) -> dict[str, int]:
                raise ConnectionError("the table is away")

        answer = Shop(users=AwayUsers()).http.get("/health/users")
        assert (answer.status, answer.json["status"]) == (200, "degraded")
        assert set(answer.json) == {"status", "uptime_seconds", "memory_mb"}

    def test_answers_with_personal_data_are_in_no_cache(self, shop: Shop) -> None:
        user = shop.customer()
        answers = [
            shop.http.post("/api/v1/users", registration_body()),
            shop.http.get("/api/v1/users/me", caller=caller(user)),
            shop.http.get("/api/v1/users", caller=caller(shop.admin())),
            put(shop, user, user, {}),
            log_in(shop, user.email),
        ]
        assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}

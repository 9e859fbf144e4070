"""Every row of the contract about log-in and tokens, its refusals included."""

from typing import Any

import pytest

from tests.support.http import Answer
from tests.users.builders import PASSWORD
from tests.users.shop import Shop, caller, log_in, pointers


def told(answer: Answer) -> str:
    """What a problem says, without what is of the request."""
    problem: dict[str, Any] = answer.json
    own = ("request_id",)
    return repr({name: value for name, value in problem.items() if name not in own})


class TestSessions:
    def test_a_log_in_gives_a_pair(self, shop: Shop) -> None:
        answer = log_in(shop, shop.customer().email)
        assert answer.status == 200
        assert set(answer.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)

    def test_unknown_wrong_and_deactivated_are_answered_alike(self, shop: Shop) -> None:
        user, gone = shop.customer(), shop.customer()
        shop.accounts.deactivate(caller(gone), gone.id)
        answers = [
            log_in(shop, "nobody@example.com"),
            log_in(shop, "no address"),
            log_in(shop, user.email, "wrong"),
            log_in(shop, gone.email),
        ]
        assert {(a.status, a.code) for a in answers} == {(401, "bad-credentials")}
        assert len({told(answer) for answer in answers}) == 1

    def test_guessing_is_slowed_down(self, shop: Shop) -> None:
        user = shop.customer()
        answers = [log_in(shop, user.email, "wrong") for _ in range(6)]
        assert [a.status for a in answers] == [401] * 5 + [429]
        assert (answers[-1].code, answers[-1].headers["retry-after"]) == ("too-many-attempts", "2")
        elsewhere = shop.http.post(
            "/api/v1/auth/login",
            {"email": user.email, "password": PASSWORD},
            source_ip="198.51.100.7",
        )
        assert elsewhere.status == 200

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"#/email", "#/password"}),
            ({"email": 1, "password": 2}, {"#/email", "#/password"}),
            ({"email": "", "password": ""}, {"#/email", "#/password"}),
            ({"email": "x" * 255, "password": "x" * 1025}, {"#/email", "#/password"}),
            ({"email": "a@b.co", "password": "x", "otp": "1"}, {"#/otp"}),
        ],
    )
    def test_a_log_in_that_is_wrong_is_pointed_at(
        self, shop: Shop, body: object, wrong: set[str]
    ) -> None:
        assert pointers(shop.http.post("/api/v1/auth/login", body)) == wrong

    def test_a_refresh_gives_the_next_pair_and_its_reuse_none(self, shop: Shop) -> None:
        held = {"refresh_token": log_in(shop, shop.customer().email).json["refresh_token"]}
        following = shop.http.post("/api/v1/auth/refresh", held)
        assert following.status == 200
        assert set(following.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
        for spent in (held["refresh_token"], following.json["refresh_token"], "x"):
            answer = shop.http.post("/api/v1/auth/refresh", {"refresh_token": spent})
            assert (answer.status, answer.code) == (401, "bad-refresh-token")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_a_log_out_ends_the_family_and_says_nothing(self, shop: Shop) -> None:
        held = {"refresh_token": log_in(shop, shop.customer().email).json["refresh_token"]}
        for body in (held, held, {"refresh_token": "x"}):
            answer = shop.http.post("/api/v1/auth/logout", body)
            assert (answer.status, answer.text) == (204, "")
        assert shop.http.post("/api/v1/auth/refresh", held).code == "bad-refresh-token"

    @pytest.mark.parametrize("path", ["/api/v1/auth/refresh", "/api/v1/auth/logout"])
    @pytest.mark.parametrize("body", [{}, {"refresh_token": 1}, {"refresh_token": "x" * 513}])
    def test_what_can_be_no_token_is_pointed_at(self, shop: Shop, path: str, body: object) -> None:
        assert pointers(shop.http.post(path, body)) == {"#/refresh_token"}

    @pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/auth/login"])
    def test_a_body_that_is_no_json_is_said_so(self, shop: Shop, path: str) -> None:
        answer = shop.http.request("POST", path, body="{")
        assert (answer.status, answer.code) == (400, "malformed-json")

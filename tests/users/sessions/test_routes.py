"""Sessions over HTTP: bodies and answers."""

import pytest

from shared.auth.tokens import TokenVerifier
from tests.support.http import Answer, HttpClient
from tests.users.builders import PASSWORD
from tests.users.service import ISSUER, Service, pointers


def log_in(service: Service, email: str, password: str = PASSWORD) -> Answer:
    return service.http.post("/api/v1/auth/login", {"email": email, "password": password})


def test_log_in_and_refresh_answer_with_a_pair_of_tokens(service: Service) -> None:
    answer = log_in(service, service.customer().email)
    held = {"refresh_token": answer.json["refresh_token"]}
    following = service.http.post("/api/v1/auth/refresh", held)
    for pair in (answer, following):
        assert pair.status == 200
        assert set(pair.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (pair.json["token_type"], pair.json["expires_in"]) == ("Bearer", 900)
    refused = service.http.post("/api/v1/auth/refresh", held)
    assert (refused.status, refused.code) == (401, "bad-refresh-token")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_log_in_counts_attempts_by_the_client_s_address(service: Service) -> None:
    user = service.customer()
    answers = [log_in(service, user.email, "wrong") for _ in range(6)]
    assert [answer.code for answer in answers] == ["bad-credentials"] * 5 + ["too-many-attempts"]
    assert (answers[-1].status, answers[-1].headers["retry-after"]) == (429, "2")
    credentials = {"email": user.email, "password": PASSWORD}
    elsewhere = service.http.post("/api/v1/auth/login", credentials, source_ip="198.51.100.7")
    assert elsewhere.status == 200


def test_log_out_answers_204_whatever_the_token(service: Service) -> None:
    held = {"refresh_token": log_in(service, service.customer().email).json["refresh_token"]}
    for body in (held, held, {"refresh_token": "x"}):
        answer = service.http.post("/api/v1/auth/logout", body)
        assert (answer.status, answer.text) == (204, "")
    assert service.http.post("/api/v1/auth/refresh", held).code == "bad-refresh-token"


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("login", {}, {"#/email", "#/password"}),
        ("login", {"email": 1, "password": 2}, {"#/email", "#/password"}),
        ("login", {"email": "", "password": ""}, {"#/email", "#/password"}),
        ("login", {"email": "x" * 255, "password": "x" * 1025}, {"#/email", "#/password"}),
        ("login", {"email": "a@b.co", "password": "x", "otp": "1"}, {"#/otp"}),
        *(
            (path, body, {"#/refresh_token"})
            for path in ("refresh", "logout")
            for body in ({}, {"refresh_token": 1}, {"refresh_token": "x" * 513})
        ),
    ],
)
def test_invalid_fields_are_pointed_at(
    service: Service, path: str, body: object, wrong: set[str]
) -> None:
    assert pointers(service.http.post(f"/api/v1/auth/{path}", body)) == wrong


def test_public_keys_are_those_of_the_tokens(service: Service) -> None:
    verifier = TokenVerifier(ISSUER, lambda: [service.signer.public])
    answer = HttpClient(service.app(verifier)).get("/.well-known/jwks.json")
    assert (answer.status, answer.json) == (200, {"keys": [service.signer.public.jwk]})
    assert answer.headers["cache-control"] == "public, max-age=300"

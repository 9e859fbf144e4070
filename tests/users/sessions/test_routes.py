"""Sessions over HTTP: bodies and answers."""

import re

import pytest

from shared.auth.tokens import TokenVerifier
from tests.support.callers import FixedKeys
from tests.support.http import EXECUTE_API, Answer
from tests.users.builders import PASSWORD
from tests.users.service import ISSUER, Service, caller, pointers


def post(service: Service, path: str, **body: object) -> Answer:
    return service.http.post(f"/api/v1/auth/{path}", body)


def test_tokens_are_exchanged_until_log_out(service: Service) -> None:
    answer = post(service, "login", email=service.customer().email, password=PASSWORD)
    first, second = (
        answer.json,
        post(service, "refresh", refresh_token=answer.json["refresh_token"]),
    )
    for pair in (first, second.json):
        assert pair.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    for token in (second.json["refresh_token"], second.json["refresh_token"], "x"):
        ended = post(service, "logout", refresh_token=token)
        assert (ended.status, ended.text) == (204, "")
    refused = post(service, "refresh", refresh_token=second.json["refresh_token"])
    assert (refused.status, refused.code) == (401, "bad-refresh-token")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_log_in_counts_attempts_by_the_client_s_address(service: Service) -> None:
    user = service.customer()
    answers = [post(service, "login", email=user.email, password="wrong") for _ in range(6)]
    assert [(a.status, a.code) for a in answers[:5]] == [(401, "bad-credentials")] * 5
    assert (answers[5].status, answers[5].code) == (429, "too-many-attempts")
    assert answers[5].headers["retry-after"] == "2"
    credentials = {"email": user.email, "password": PASSWORD}
    elsewhere = service.http.post("/api/v1/auth/login", credentials, source_ip="198.51.100.7")
    assert elsewhere.status == 200


def test_log_in_gives_a_cookie_that_gets_past_guesses_from_the_same_network(
    service: Service,
) -> None:
    credentials = {"email": service.customer().email, "password": PASSWORD}
    answer = service.http.post("/api/v1/auth/login", credentials, at=EXECUTE_API)
    cookie, _, attributes = answer.headers["set-cookie"].partition("; ")
    assert re.fullmatch(r"device=[\w-]{43}", cookie)
    assert attributes.lower().split("; ") == [
        *("httponly", "max-age=2592000", "path=/live/api/v1/auth/login"),
        *("samesite=strict", "secure"),
    ]
    assert cookie.partition("=")[2] not in answer.text
    for _ in range(6):
        guess = post(service, "login", **credentials | {"password": "wrong"})
        assert "set-cookie" not in guess.headers
    assert post(service, "login", **credentials).status == 429
    for sent in (cookie, f"theme=dark; {cookie}; x"):
        again = service.http.post("/api/v1/auth/login", credentials, headers={"Cookie": sent})
        assert (again.status, again.headers["set-cookie"].partition(";")[0]) == (200, cookie)
    for sent in ("device=", "device=x", "device", "\0", "é=\xff", f"device={'x' * 9000}"):
        forged = service.http.post("/api/v1/auth/login", credentials, headers={"Cookie": sent})
        assert forged.status == 429


def browser(service: Service, verb: str, cookie: str = "", **body: object) -> Answer:
    headers = {"Cookie": f"theme=dark; __Host-refresh={cookie}", "Sec-Fetch-Site": "same-origin"}
    path = f"/api/v1/auth/browser/{verb}"
    return service.http.post(path, body, headers=headers, at=EXECUTE_API)


def refresh_cookie(answer: Answer) -> tuple[str, list[str]]:
    """The value of the refresh token's cookie, and its attributes."""
    [cookie] = [
        cookie
        for cookie in answer.headers["set-cookie"].split(", ")
        if cookie.startswith("__Host-refresh=")
    ]
    value, *attributes = cookie.removeprefix("__Host-refresh=").split("; ")
    return value, attributes


def test_browser_s_refresh_token_is_in_a_cookie_only(service: Service) -> None:
    email = service.customer().email
    answer = browser(service, "login", email=email, password=PASSWORD)
    assert re.search(
        r"device=[\w-]{43};.*path=/live/api/v1/auth/browser/login;",
        answer.headers["set-cookie"],
        re.IGNORECASE,
    )
    first, attributes = refresh_cookie(answer)
    kept = ["Path=/", "HttpOnly", "Secure", "SameSite=Strict"]
    assert attributes == [*kept, "Max-Age=2592000"]
    service.clock.advance(days=1)
    second = browser(service, "refresh", first)
    assert refresh_cookie(second)[1] == [*kept, "Max-Age=2505600"]
    for given in (answer, second):
        assert given.status == 200
        assert given.json.keys() == {"access_token", "token_type", "expires_in"}
        assert (given.json["token_type"], given.json["expires_in"]) == ("Bearer", 900)
    for cookie in (refresh_cookie(second)[0], "", "x"):
        ended = browser(service, "logout", cookie)
        assert (ended.status, ended.text) == (204, "")
        assert refresh_cookie(ended) == ("", [*kept, "Max-Age=0"])
    for cookie in (refresh_cookie(second)[0], "", "x" * 4000, "\xff"):
        refused = browser(service, "refresh", cookie)
        assert (refused.status, refused.code) == (401, "bad-refresh-token")
        assert refresh_cookie(refused) == ("", [*kept, "Max-Age=0"])


def test_browser_s_log_in_is_refused_as_any_other(service: Service) -> None:
    email = service.customer().email
    answers = [browser(service, "login", email=email, password="wrong") for _ in range(6)]
    assert [(a.status, a.code) for a in answers[:5]] == [(401, "bad-credentials")] * 5
    assert (answers[5].status, answers[5].code) == (429, "too-many-attempts")
    assert not any("set-cookie" in answer.headers for answer in answers)


@pytest.mark.parametrize("verb", ["login", "refresh", "logout"])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "Same-Origin"])
def test_requests_of_other_sites_have_no_effect(service: Service, verb: str, site: str) -> None:
    credentials = {"email": service.customer().email, "password": PASSWORD}
    cookie, _ = refresh_cookie(browser(service, "login", **credentials))
    headers = {"Cookie": f"__Host-refresh={cookie}", "Sec-Fetch-Site": site}
    path = f"/api/v1/auth/browser/{verb}"
    body = credentials if verb == "login" else {}
    refused = service.http.post(path, body, headers=headers)
    assert (refused.status, refused.code) == (403, "cross-site-request")
    assert "set-cookie" not in refused.headers
    form = headers | {"Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin"}
    assert service.http.request("POST", path, body="{}", headers=form).status == 415
    assert browser(service, "refresh", cookie).status == 200


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("login", {}, {"#/email", "#/password"}),
        ("login", {"email": 1, "password": 2}, {"#/email", "#/password"}),
        ("login", {"email": "", "password": ""}, {"#/email", "#/password"}),
        ("login", {"email": "x" * 255, "password": "x" * 1025}, {"#/email", "#/password"}),
        ("login", {"email": "a@b.co", "password": "x", "otp": "1"}, {"#/otp"}),
        ("refresh", {}, {"#/refresh_token"}),
        ("refresh", {"refresh_token": "x" * 513}, {"#/refresh_token"}),
        ("logout", {"refresh_token": 1}, {"#/refresh_token"}),
        ("browser/login", {}, {"#/email", "#/password"}),
        ("browser/refresh", {"refresh_token": "x"}, {"#/refresh_token"}),
        ("browser/logout", {"refresh_token": "x"}, {"#/refresh_token"}),
    ],
)
def test_invalid_fields_are_pointed_at(
    service: Service, path: str, body: dict[str, object], wrong: set[str]
) -> None:
    assert pointers(post(service, path, **body)) == wrong


def test_public_keys_are_those_of_the_tokens(service: Service) -> None:
    verifier = TokenVerifier(ISSUER, FixedKeys(service.signer.public))
    answer = service.served(verifier=verifier).get("/.well-known/jwks.json")
    assert (answer.status, answer.json) == (200, {"keys": [service.signer.public.jwk]})
    assert answer.headers["cache-control"] == "public, max-age=60"


def test_sessions_are_listed_and_ended_over_http(service: Service) -> None:
    user = service.customer()
    credentials = {"email": user.email, "password": PASSWORD}
    agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko Firefox/130.0"}
    service.http.post("/api/v1/auth/login", credentials, headers=agent)
    me, path = caller(user), "/api/v1/users/me/sessions"
    [session] = service.http.get(path, caller=me).json["sessions"]
    assert session.pop("id")
    at = "2026-11-20T12:00:01.000Z"
    assert session == {"created_at": at, "last_used_at": at, "client": "Firefox on Linux"}
    [session] = service.http.get(path, caller=me).json["sessions"]
    ended = service.http.delete(f"{path}/{session['id']}", caller=me)
    assert (ended.status, ended.text) == (204, "")
    again = service.http.delete(f"{path}/{session['id']}", caller=me)
    assert (again.status, again.code) == (404, "session-not-found")
    assert service.http.get(path, caller=me).json == {"sessions": []}


def test_log_out_everywhere_ends_the_access_token_too(service: Service) -> None:
    me, path = caller(service.customer()), "/api/v1/auth/logout-everywhere"
    answer = service.http.post(path, caller=me)
    assert (answer.status, answer.text) == (204, "")
    assert service.http.post(path, caller=me).status == 401

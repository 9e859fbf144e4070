"""What the links in e-mails do, over HTTP."""

from tests.users.builders import NEW_PASSWORD
from tests.users.service import Service, caller, pointers


def test_confirmation_answers_with_the_confirmed_address(service: Service) -> None:
    token = {"token": service.token(service.customer())}
    confirmed = service.http.post("/api/v1/auth/confirm", token)
    assert (confirmed.status, confirmed.json) == (200, {"email_confirmed": True})
    again = service.http.post("/api/v1/auth/confirm", token)
    assert (again.status, again.code) == (400, "bad-token")


def test_forgotten_password_is_answered_the_same_for_every_address(service: Service) -> None:
    user = service.customer()
    answers = [
        service.http.post("/api/v1/auth/forgot", {"email": email})
        for email in (user.email, "nobody@example.com", "no address")
    ]
    assert [(answer.status, answer.text) for answer in answers] == [(202, "")] * 3
    token = {"token": service.token(user)}
    for password in ("short", user.email, "password2024!"):
        weak = service.http.post("/api/v1/auth/reset", {**token, "password": password})
        assert pointers(weak) == {"#/password"}
    done = service.http.post("/api/v1/auth/reset", {**token, "password": NEW_PASSWORD})
    assert (done.status, done.text) == (204, "")
    again = service.http.post("/api/v1/auth/reset", {**token, "password": NEW_PASSWORD})
    assert (again.status, again.code) == (400, "bad-token")


def test_confirmation_again_is_refused_beyond_the_limit(service: Service) -> None:
    user = service.customer()
    path = f"/api/v1/users/{user.id}/confirmation"
    for _ in range(4):
        assert service.http.post(path, caller=caller(user)).status == 202
    refused = service.http.post(path, caller=caller(user))
    assert (refused.status, refused.code) == (429, "too-many-attempts")
    assert int(refused.headers["retry-after"]) > 0

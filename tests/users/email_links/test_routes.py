"""What the links in e-mails do, over HTTP."""

from tests.users.service import Service


def test_confirmation_answers_with_the_confirmed_address(service: Service) -> None:
    token = {"token": service.token(service.customer())}
    confirmed = service.http.post("/api/v1/auth/confirm", token)
    assert (confirmed.status, confirmed.json) == (200, {"email_confirmed": True})
    again = service.http.post("/api/v1/auth/confirm", token)
    assert (again.status, again.code) == (400, "bad-token")

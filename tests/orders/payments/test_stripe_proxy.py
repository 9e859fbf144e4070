"""The proxy before localstripe answers as Stripe documents it, also to requests that our adapter
does not make."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest


class Client:
    """Sends forms as a merchant's backend does."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def post(self, path: str, key: str | None = None, **form: str) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self._http.post(path, data=form, headers=headers)

    def intent(self, method: str = "pm_card_visa") -> str:
        """A confirmed intent."""
        made = self.post("/payment_intents", amount="1999", currency="eur", capture_method="manual")
        id_ = str(made.json()["id"])
        self.post(f"/payment_intents/{id_}/confirm", payment_method=method)
        return id_

    def change(self, id_: str, operation: str) -> httpx.Response:
        return self.post(f"/payment_intents/{id_}/{operation}")


@pytest.fixture
def client(stripe_address: str) -> Iterator[Client]:
    headers = {"Authorization": "Bearer sk_test"}
    with httpx.Client(base_url=f"{stripe_address}/v1", headers=headers) as http:
        yield Client(http)


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def error(response: httpx.Response) -> tuple[int, Any, Any]:
    found = response.json()["error"]
    return response.status_code, found["type"], found.get("code")


def test_key_repeats_the_first_response(client: Client, key: str) -> None:
    responses = [
        client.post("/payment_intents", key, amount=amount, currency="eur")
        for amount in ("1999", "1999", "2000")
    ]
    first, second, other = responses
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert error(other) == (400, "idempotency_error", None)


def test_key_repeats_an_error_too(client: Client, key: str) -> None:
    for _ in range(2):
        refused = client.post("/payment_intents", key, amount="49", currency="eur")
        assert error(refused) == (400, "invalid_request_error", "amount_too_small")


def test_concurrent_requests_with_one_key_make_one_intent(client: Client, key: str) -> None:
    with ThreadPoolExecutor() as pool:
        responses = list(
            pool.map(
                lambda _: client.post("/payment_intents", key, amount="1999", currency="eur"),
                range(8),
            )
        )
    assert len({r.json()["id"] for r in responses if r.status_code == 200}) == 1
    refused = {error(r) for r in responses if r.status_code != 200}
    assert refused <= {(409, "idempotency_error", "idempotency_key_in_use")}


def test_declined_card_is_a_card_error(client: Client) -> None:
    made = client.post("/payment_intents", amount="1999", currency="eur", capture_method="manual")
    path = f"/payment_intents/{made.json()['id']}/confirm"
    declined = client.post(path, payment_method="pm_card_visa_chargeDeclined")
    assert error(declined) == (402, "card_error", "card_declined")
    intent = declined.json()["error"]["payment_intent"]
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["code"] == "card_declined"


@pytest.mark.parametrize(
    ("before", "operation"),
    [("capture", "cancel"), ("capture", "capture"), ("cancel", "capture"), ("cancel", "cancel")],
)
def test_intent_refuses_what_its_state_does_not_allow(
    client: Client, before: str, operation: str
) -> None:
    id_ = client.intent()
    assert client.change(id_, before).status_code == 200
    refused = error(client.change(id_, operation))
    assert refused == (400, "invalid_request_error", "payment_intent_unexpected_state")


def test_older_parameter_for_payment_methods_is_refused(client: Client) -> None:
    form = {"amount": "1999", "currency": "eur", "payment_method_types[0]": "card"}
    refused = error(client.post("/payment_intents", None, **form))
    assert refused == (400, "invalid_request_error", "payment_method_types_no_longer_supported")

"""Requests and messages that fail: no function logs a password, a token, a name or an address."""

import json
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from tests.access.requests import ROUTES
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client
from tests.support.privacy import PRIVACY

type LogLines = Callable[[], list[str]]

PASSWORD: Final = "hush-hush-little-baby"
TOKEN: Final = f"{'f' * 32}.{'s' * 43}"
SASHA: Final = {"email": "sasha@secret.example", "full_name": "Sasha Secret", "password": PASSWORD}
TEXT: Final = json.dumps(SASHA)
LINE: Final = {"product_id": "mug", "quantity": 1}
PRIVACY.remember(*SASHA.values(), TOKEN, "sasha@secret", "Sasha\nSecret")

WRONG_BODIES: Final = {
    "password too long": json.dumps(SASHA | {"password": PASSWORD * 10}),
    "password in an object": json.dumps(SASHA | {"password": {PASSWORD: PASSWORD}}),
    "password with a lone surrogate": json.dumps(SASHA | {"password": PASSWORD + "\ud800"}),
    "invalid address": json.dumps(SASHA | {"email": "sasha@secret"}),
    "name over two lines": json.dumps(SASHA | {"full_name": "Sasha\nSecret"}),
    "unknown field": json.dumps(SASHA | {"password_again": PASSWORD}),
    "a list": json.dumps(list(SASHA.values())),
    "not closed": TEXT[:-1],
    "a form": f"email={SASHA['email']}&password={PASSWORD}",
    "a name twice": f'{{"password": "{PASSWORD}", {TEXT[1:]}',
    "too large": TEXT[:-1] + ', "more": "' + PASSWORD * 20_000 + '"}',
}
_WITH_BODY: Final = [
    (method, path.replace("{id}", "a" * 32))
    for (method, path), route in ROUTES.items()
    if route.body_field
]
JSON: Final = {"Content-Type": "application/json"}


@pytest.fixture
def sasha(http: httpx.Client) -> Client:
    return Client(http).register(**SASHA)


def refused(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code >= 400, answer.text
    return answer


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_refused_body_is_not_logged(
    http: httpx.Client, sasha: Client, log_lines: LogLines, body: str
) -> None:
    headers = {**JSON, "Authorization": f"Bearer {sasha.token}", "Idempotency-Key": PASSWORD}
    for method, path in _WITH_BODY:
        answer = http.request(method, path, content=body, headers=headers)
        # A log-out of an unknown token has nothing to do.
        assert answer.status_code >= 400 or path.endswith("logout")
        assert PASSWORD not in answer.text
    assert len(log_lines()) >= len(_WITH_BODY)


def test_headers_paths_and_queries_are_not_logged(
    http: httpx.Client, sasha: Client, log_lines: LogLines
) -> None:
    mine = {"Authorization": f"Bearer {sasha.token}"}
    refused(http.post("/api/v1/users", content=TEXT, headers={"Content-Type": PASSWORD}))
    refused(http.get(f"/api/v1/users/{SASHA['email']}", headers=mine))
    refused(http.get(f"/api/v1/orders/{SASHA['email']}", headers=mine))
    for name in ("cursor", "user_id", "limit", "status", "password"):
        http.get("/api/v1/orders", params={name: SASHA["email"]}, headers=mine)
        http.get("/api/v1/notifications", params={name: PASSWORD}, headers=mine)
    for token in (TOKEN, f"{sasha.token}x", PASSWORD):
        refused(http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}))
        refused(http.get("/api/v1/users/me", headers={"Authorization": token}))
    http.get("/health/users", headers={"X-Request-ID": SASHA["email"], "User-Agent": PASSWORD})
    assert log_lines()


def test_wrong_passwords_and_tokens_are_not_logged(
    http: httpx.Client, sasha: Client, log_lines: LogLines
) -> None:
    for _ in range(7):
        login = {"email": SASHA["email"], "password": "hush-hush-little-lady"}
        refused(http.post("/api/v1/auth/login", json=login))
    spent = {"refresh_token": sasha.refresh_token}
    assert http.post("/api/v1/auth/refresh", json=spent).status_code == 200
    refused(http.post("/api/v1/auth/refresh", json=spent))
    refused(http.post("/api/v1/auth/refresh", json={"refresh_token": TOKEN}))
    change = {"password": "hush-hush-little-man", "current_password": "hush-hush-little-lady"}
    refused(sasha.put(f"/api/v1/users/{sasha.user['id']}", change))
    assert any("family has ended" in line for line in log_lines())


@pytest.mark.parametrize(
    ("call", "logs_error"),
    [
        ("dynamodb.TransactWriteItems", True),
        ("dynamodb.GetItem", True),
        ("kms.Encrypt", True),
        ("sns.PublishBatch", True),
        # The others are retried later, or the request succeeds without them.
        ("dynamodb.PutItem", False),
        ("dynamodb.UpdateItem", False),
        ("dynamodb.Query", False),
        ("dynamodb.BatchGetItem", False),
        ("lambda.Invoke", False),
        ("sesv2.SendEmail", False),
        ("sqs.SendMessage", False),
        ("sqs.ChangeMessageVisibility", False),
    ],
)
def test_error_texts_of_aws_are_not_logged(
    shop: SimulatedShop, http: httpx.Client, log_lines: LogLines, call: str, *, logs_error: bool
) -> None:
    """The simulated AWS repeats the whole request in each of its errors."""
    sasha = Client(http).register(**SASHA)
    with shop.refusing(call):
        shop.settle()
        http.post("/api/v1/users", json={**SASHA, "email": "sascha@secret.example"})
        http.post("/api/v1/auth/login", json={"email": SASHA["email"], "password": PASSWORD})
        sasha.put(f"/api/v1/users/{sasha.user['id']}", {"full_name": "Sascha Secret"})
        sasha.try_order((LINE | {"id": "mug"}, 1), payment_token="tok_of_sasha")
        sasha.get("/api/v1/orders")
        sasha.get("/api/v1/notifications")
        sasha.delete(f"/api/v1/users/{sasha.user['id']}")
        for sweeper in ("UsersSweeper", "OrdersSweeper"):
            shop.tick(sweeper)
        shop.settle()
    shop.come_to_rest()
    lines = log_lines()
    if logs_error:
        assert any('"level":"ERROR"' in line or "[ERROR]" in line for line in lines)


EVENT: Final[dict[str, Any]] = {
    "id": "order-7.1",
    "type": "order.placed",
    "aggregate_id": "order-7",
    "version": 1,
    "at": "2026-11-20T12:00:00.000Z",
    "request_id": "request-1",
}
DATA: Final[dict[str, Any]] = {
    "order_id": "order-7",
    "user_id": "sasha-1",
    "user_name": SASHA["full_name"],
    "email": SASHA["email"],
    "status": "pending",
    "lines": [],
    "total_minor": 0,
    "currency": "EUR",
}
INVALID: Final[tuple[dict[str, Any], ...]] = (
    {"type": SASHA["email"]},
    {"at": [SASHA["full_name"]]},
    {"data": TEXT},
    {"data": DATA | {"user_name": [SASHA["full_name"]]}},
    {"data": DATA | {"email": {SASHA["email"]: 1}}},
    {"data": DATA | {"lines": [SASHA]}},
    {"type": "user.erased", "data": {"user_id": [SASHA["email"]]}},
)


def test_dead_letter_s_reason_and_log_repeat_nothing_of_its_body(
    shop: SimulatedShop, log_lines: LogLines
) -> None:
    queues = {name: queue for name, queue in shop.cloud.queues.items() if queue.dead_letters}
    messages = [f"Dear {SASHA['full_name']}, {SASHA['email']}", TEXT]
    messages += [json.dumps({**EVENT, "data": DATA, **invalid}) for invalid in INVALID]
    for name in queues:
        for message in messages:
            shop.cloud.put(name, message)
    shop.come_to_rest()
    assert log_lines()
    for queue in queues.values():
        letters = shop.cloud.queues[queue.dead_letters or ""].messages
        notes = [json.dumps(dict(letter.attributes)) for letter in letters]
        assert any("Reason" in note for note in notes)
        assert PRIVACY.found_in(notes) == []


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_refusal_of_an_email_is_logged_by_its_code_alone(
    shop: SimulatedShop, http: httpx.Client, log_lines: LogLines, code: str
) -> None:
    Client(http).register(**SASHA)
    with shop.refusing("sesv2.SendEmail", code=code):
        shop.come_to_rest()
    assert any(code in line for line in log_lines())

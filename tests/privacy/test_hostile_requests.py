"""Whatever comes in, and however it fails: no function logs a password, a token, a name or an address."""

import json
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from tests.simulation.town import Town
from tests.support.client import Client
from tests.support.privacy import PRIVACY

type Heard = Callable[[], list[str]]

PASSWORD: Final = "hush-hush-little-baby"
TOKEN: Final = f"{'f' * 32}.{'s' * 43}"
SASHA: Final = {"email": "sasha@secret.example", "full_name": "Sasha Secret", "password": PASSWORD}
TEXT: Final = json.dumps(SASHA)
LINE: Final = {"product_id": "mug", "quantity": 1}
PRIVACY.remember(*SASHA.values(), TOKEN, "sasha@secret", "Sasha\nSecret")

WRONG_BODIES: Final = {
    "password too short": json.dumps(SASHA | {"password": PASSWORD[:11]}),
    "password too long": json.dumps(SASHA | {"password": PASSWORD * 10}),
    "password in a list": json.dumps(SASHA | {"password": [PASSWORD]}),
    "password in an object": json.dumps(SASHA | {"password": {PASSWORD: PASSWORD}}),
    "password with a control character": json.dumps(SASHA | {"password": PASSWORD + "\x00"}),
    "password with a lone surrogate": json.dumps(SASHA | {"password": PASSWORD + "\ud800"}),
    "no address": json.dumps(SASHA | {"email": "sasha@secret"}),
    "several addresses": json.dumps(SASHA | {"email": [SASHA["email"]] * 2}),
    "name over two lines": json.dumps(SASHA | {"full_name": "Sasha\nSecret"}),
    "more than asked for": json.dumps(SASHA | {"password_again": PASSWORD}),
    "no object": json.dumps(list(SASHA.values())),
    "only a password": json.dumps(PASSWORD),
    "not closed": TEXT[:-1],
    "no JSON": f"email={SASHA['email']}&password={PASSWORD}",
    "twice": f'{{"password": "{PASSWORD}", {TEXT[1:]}',
    "no number": TEXT.replace('{"email"', '{"age": NaN, "email"'),
    "deep": '{"a":' * 3000 + TEXT + "}" * 3000,
    "large": TEXT[:-1] + ', "more": "' + PASSWORD * 20_000 + '"}',
}
ROUTES: Final = (
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/logout"),
    ("POST", "/api/v1/orders"),
    ("PUT", f"/api/v1/users/{'a' * 32}"),
)
JSON: Final = {"Content-Type": "application/json"}


@pytest.fixture
def sasha(http: httpx.Client) -> Client:
    return Client(http).register(**SASHA)


def refused(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code >= 400, answer.text
    return answer


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_no_body_that_is_refused_is_logged(
    http: httpx.Client, sasha: Client, heard: Heard, body: str
) -> None:
    headers = {**JSON, "Authorization": f"Bearer {sasha.token}", "Idempotency-Key": PASSWORD}
    for method, path in ROUTES:
        answer = http.request(method, path, content=body, headers=headers)
        # A log-out of what is no token of ours ends nothing, and says so.
        assert answer.status_code >= 400 or path.endswith("logout")
        assert PASSWORD not in answer.text
    assert len(heard()) >= len(ROUTES)


def test_nothing_of_a_request_s_other_parts_is_logged(
    http: httpx.Client, sasha: Client, heard: Heard
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
    assert heard()


def test_no_wrong_password_and_no_token_is_logged(
    http: httpx.Client, sasha: Client, heard: Heard
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
    assert any("family has ended" in line for line in heard())


@pytest.mark.parametrize(
    "call",
    [
        "dynamodb.TransactWriteItems",
        "dynamodb.PutItem",
        "dynamodb.GetItem",
        "dynamodb.UpdateItem",
        "dynamodb.Query",
        "dynamodb.BatchGetItem",
        "kms.Sign",
        "lambda.Invoke",
        "sns.PublishBatch",
        "sesv2.SendEmail",
        "sqs.SendMessage",
        "sqs.ChangeMessageVisibility",
    ],
)
def test_what_aws_says_of_a_request_that_it_refuses_is_not_logged(
    town: Town, http: httpx.Client, heard: Heard, call: str
) -> None:
    """The simulated AWS repeats the whole request in each of its errors."""
    sasha = Client(http).register(**SASHA)
    with town.refusing(call):
        # On its way to the customer, and when they use the shop meanwhile.
        town.settle()
        http.post("/api/v1/users", json={**SASHA, "email": "sascha@secret.example"})
        http.post("/api/v1/auth/login", json={"email": SASHA["email"], "password": PASSWORD})
        sasha.put(f"/api/v1/users/{sasha.user['id']}", {"full_name": "Sascha Secret"})
        sasha.try_order((LINE | {"id": "mug"}, 1), payment_token="tok_of_sasha")
        sasha.get("/api/v1/orders")
        sasha.get("/api/v1/notifications")
        sasha.delete(f"/api/v1/users/{sasha.user['id']}")
        for sweeper in ("UsersSweeper", "OrdersSweeper"):
            town.tick(sweeper)
        town.settle()
    town.come_to_rest()
    assert any('"level":"ERROR"' in line or "[ERROR]" in line for line in heard()) or call in (
        # Done without, or tried again later.
        *("sqs.SendMessage", "sqs.ChangeMessageVisibility", "dynamodb.BatchGetItem"),
        *("lambda.Invoke", "dynamodb.UpdateItem", "dynamodb.PutItem", "dynamodb.Query"),
        "sesv2.SendEmail",
    )


def order_event(**data: object) -> dict[str, Any]:
    told = {
        "order_id": "order-7",
        "user_id": "sasha-1",
        "user_name": SASHA["full_name"],
        "email": SASHA["email"],
        "status": "pending",
        "lines": [],
        "total_minor": 0,
        "currency": "EUR",
    }
    return {
        "id": "order-7.1",
        "type": "order.placed",
        "aggregate_id": "order-7",
        "version": 1,
        "at": "2026-11-20T12:00:00.000Z",
        "request_id": "request-1",
        "data": told | data,
    }


MESSAGES: Final = {
    "no JSON": f"Dear {SASHA['full_name']}, {SASHA['email']}",
    "no event": json.dumps(SASHA),
    "a type that nobody knows": json.dumps({**order_event(), "type": SASHA["email"]}),
    "a time that is a name": json.dumps({**order_event(), "at": [SASHA["full_name"]]}),
    "data that is a text": json.dumps({**order_event(), "data": TEXT}),
    "a name in a list": json.dumps(order_event(user_name=[SASHA["full_name"]])),
    "an address in an object": json.dumps(order_event(email={SASHA["email"]: SASHA["email"]})),
    "a status that is a name": json.dumps(order_event(status=SASHA["full_name"])),
    "a line that is a person": json.dumps(order_event(lines=[SASHA])),
    "an erasure of an address": json.dumps(
        {**order_event(), "type": "user.erased", "data": {"user_id": [SASHA["email"]]}}
    ),
}


@pytest.mark.parametrize("queue", ["CheckoutQueue", "NotificationsQueue"])
@pytest.mark.parametrize("body", MESSAGES.values(), ids=MESSAGES)
def test_no_message_that_cannot_be_handled_is_logged_and_no_reason_repeats_it(
    town: Town, heard: Heard, queue: str, body: str
) -> None:
    town.cloud.put(queue, body)
    town.come_to_rest()
    assert heard()
    [source] = [q for name, q in town.cloud.queues.items() if name == queue]
    assert source.dead_letters
    notes = [dict(m.attributes) for m in town.cloud.queues[source.dead_letters].messages]
    assert PRIVACY.found_in(json.dumps(note) for note in notes) == []
    # The saga looks at the order and not at its event, and finds none.
    assert notes or (queue == "CheckoutQueue" and '"order.placed"' in body)


@pytest.mark.parametrize(
    "code", ["MessageRejected", "BadRequestException", "AccountSuspendedException"]
)
def test_no_refusal_of_a_letter_is_logged_with_whom_it_is_to(
    town: Town, http: httpx.Client, heard: Heard, code: str
) -> None:
    Client(http).register(**SASHA)
    with town.refusing("sesv2.SendEmail", code=code):
        town.come_to_rest()
    assert any(code in line for line in heard())

"""The shop's functions as the benchmark starts them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import time_machine

from bench.canned.items import USER_ID
from bench.canned.stripe import WEBHOOK_SECRETS
from bench.functions import Signer, asked_first, functions
from bench.subjects import STRIPE
from orders.payments.stripe_signature import is_signed
from shared.auth.tokens import TokenVerifier
from tests.support.callers import FixedKeys
from tests.support.functions import FUNCTIONS
from tools.intrinsics import parameter


def test_every_function_is_measured_and_one_with_tracing_and_with_stripe_as_well() -> None:
    by_name = {one.name: one for one in functions(Signer())}
    assert by_name.keys() == {*FUNCTIONS, "ProductsApi, traced", STRIPE}
    assert by_name["OrdersCheckout"].variables["PAYMENT_PROVIDER"] == "sandbox"
    assert by_name[STRIPE].variables["PAYMENT_PROVIDER"] == "stripe"
    assert by_name["ProductsApi"].variables["TRACING"] == "PassThrough"
    assert by_name["ProductsApi, traced"].variables["TRACING"] == "Active"
    assert b"Bearer ey" in by_name["OrdersApi"].event


def test_every_api_function_and_baseline_is_asked_for_what_customers_ask_first() -> None:
    signer = Signer()
    apis = [one for one in functions(signer) if one.kind == "api"]
    first = {one.name: json.loads(asked_first(one, signer.token()).event) for one in apis}
    assert {name: (event["httpMethod"], event["path"]) for name, event in first.items()} == {
        "UsersApi": ("POST", "/api/v1/auth/login"),
        "ProductsApi": ("GET", "/api/v1/products"),
        "OrdersApi": ("POST", "/api/v1/orders"),
        "NotificationsApi": ("GET", "/api/v1/notifications"),
        "GatewayApi": ("GET", "/"),
    }
    [products] = (one for one in apis if one.name == "ProductsApi")
    baseline = asked_first(replace(products, name="naive", kind="baseline"), signer.token())
    assert json.loads(baseline.event) == first["ProductsApi"]


def test_functions_that_no_customer_asks_keep_their_event() -> None:
    others = [one for one in functions(Signer()) if one.kind in ("internal", "worker", "stripe")]
    assert [asked_first(one, "token") for one in others] == others


def test_token_of_the_events_is_accepted() -> None:
    signer = Signer()
    verifier = TokenVerifier(parameter("TokenIssuer"), FixedKeys(signer.public))
    assert verifier.caller(signer.token()).id == USER_ID


def test_webhook_is_signed_again_when_it_is_sent() -> None:
    with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False):
        [webhooks] = (one for one in functions(Signer()) if one.name == "OrdersWebhooks")
    later = datetime(2026, 11, 20, 13, tzinfo=UTC)
    with time_machine.travel(later, tick=False):
        sent = json.loads(webhooks.fresh(webhooks.event))
    header = sent["headers"]["Stripe-Signature"]
    assert is_signed(sent["body"].encode(), header, WEBHOOK_SECRETS, now=later)


def test_answer_with_another_status_or_body_is_wrong() -> None:
    [api] = (one for one in functions(Signer()) if one.name == "ProductsApi")
    body = '{"id": "5f0c9d3f6a5e4c6f9b0d1f6c2a7e8b41", "price": "12.50", "stock": 60, "version": 1}'
    assert api.is_right({"statusCode": 200, "body": body})
    assert not api.is_right({"statusCode": 503, "body": body})
    assert not api.is_right({"statusCode": 200, "body": body.replace("60", "59")})

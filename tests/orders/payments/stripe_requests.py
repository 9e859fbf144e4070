"""Stripe's adapter as the tests use it: each request is held to Stripe's description.

The description is that of the library (`stripe.params`), which Stripe generates from its OpenAPI
description for the version of the API that the library states.
"""

import builtins
import json
import re
import sys
import types
import typing
from types import SimpleNamespace
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints
from unittest.mock import Mock
from urllib.parse import parse_qsl, urlsplit

import httpx
import stripe
import stripe.params as described
from stripe import _api_version
from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from orders.payments.ports import Payment
from orders.payments.stripe import API_VERSION, StripePayments
from orders.payments.stripe_transport import Answer, Headers, LostError, NotSentError, Transport
from shared.runtime.secrets import Secrets
from tests.support.memory_stripe import MemoryStripe, Request

API_KEY: Final = "sk_test_contract"
# Not Stripe's: with the first the confirmation is lost, with the second its answer.
UNAVAILABLE: Final = "pm_card_unavailable"
TIMES_OUT: Final = "pm_card_timeout"

# By method, path and, after it, an operation on an intent.
_OPERATIONS: Final[dict[tuple[str, ...], Any]] = {
    ("post", "payment_intents"): described.PaymentIntentCreateParams,
    ("get", "payment_intents"): described.PaymentIntentListParams,
    ("get", "payment_intents", "{id}"): described.PaymentIntentRetrieveParams,
    ("get", "payment_intents", "search"): described.PaymentIntentSearchParams,
    ("post", "payment_intents", "{id}", "confirm"): described.PaymentIntentConfirmParams,
    ("post", "payment_intents", "{id}", "capture"): described.PaymentIntentCaptureParams,
    ("post", "payment_intents", "{id}", "cancel"): described.PaymentIntentCancelParams,
    ("post", "refunds"): described.RefundCreateParams,
    ("get", "refunds"): described.RefundListParams,
}


def check(method: str, url: str, headers: Headers, body: str | None) -> None:
    """Hold a request to Stripe's description.

    Raises:
        AssertionError: it has no such operation, or this one takes other parameters.
    """
    assert headers["Stripe-Version"] == API_VERSION == _api_version._ApiVersion.CURRENT
    assert "X-Stripe-Client-Telemetry" not in headers
    assert ("Idempotency-Key" in headers) == (method == "post")
    parts = urlsplit(url)
    version, *path = parts.path.strip("/").split("/")
    assert version == "v1"
    operation = (method, *("{id}" if part.startswith("pi_") else part for part in path))
    form = (
        parse_qsl(body if method == "post" else parts.query, strict_parsing=True)
        if (body or parts.query)
        else []
    )
    _hold(".".join(operation), _nested(form), _OPERATIONS[operation])


def _nested(form: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b]=c` as {"a": {"b": "c"}}."""
    nested: dict[str, Any] = {}
    for name, value in form:
        *outer, last = name.replace("]", "").split("[")
        inner = nested
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return nested


def _hold(name: str, value: Any, hint: Any) -> None:
    assert _fits(name, value, hint), f"{name} is {value!r}, not {hint}"


def _fits(name: str, value: Any, hint: Any) -> bool:
    """Whether a value of a form is of the type. In a form, values of all types that are not
    composed are strings."""
    arguments = get_args(hint)
    match get_origin(hint):
        case typing.NotRequired:
            return _fits(name, value, *arguments)
        case typing.Union | types.UnionType:
            # Values that are described, where the library lets others pass.
            literals = [
                one for one in arguments if get_origin(one) is Literal and any(get_args(one))
            ]
            return any(_fits(name, value, one) for one in literals or arguments)
        case typing.Literal:
            return value in arguments
        case builtins.list | builtins.dict:
            return isinstance(value, dict) and all(
                _fits(name, part, arguments[-1]) for part in value.values()
            )
    if is_typeddict(hint):
        return _has_parameters(name, value, hint)
    patterns = {int: r"[0-9]+", bool: "true|false", str: ".*"}
    return isinstance(value, str) and re.fullmatch(patterns[hint], value) is not None


def _has_parameters(name: str, value: dict[str, Any], hint: Any) -> bool:
    # Without the options of a request, which are no parameters.
    own = hint.__annotations__.keys() - RequestOptions.__optional_keys__
    annotated = SimpleNamespace(__annotations__={key: hint.__annotations__[key] for key in own})
    hints = get_type_hints(annotated, vars(sys.modules[hint.__module__]))
    assert value.keys() <= own, f"{name} has no {value.keys() - own}"
    assert hint.__required_keys__ <= value.keys(), f"{name} lacks a parameter"
    for key, part in value.items():
        _hold(f"{name}.{key}", part, hints[key])
    return True


class CheckedTransport(Transport):
    """Sends only what Stripe describes; loses requests or answers of two tokens."""

    def request(
        self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
    ) -> Answer:
        assert headers is not None
        check(method, url, headers, post_data)
        sent = post_data or ""
        if UNAVAILABLE in sent:
            raise NotSentError
        answer = super().request(method, url, headers, sent.replace(TIMES_OUT, "pm_card_visa"))
        if TIMES_OUT in sent:
            raise LostError
        return answer


class MemoryTransport(stripe.HTTPClient):
    """Sends what Stripe describes to a Stripe in memory."""

    name = "in memory"

    def __init__(self, account: MemoryStripe) -> None:
        super().__init__()
        self._account = account

    def request(
        self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
    ) -> Answer:
        assert headers is not None
        check(method, url, headers, post_data)
        return self._account.answer(Request.read(method, url, headers, post_data))


def secrets(**values: str) -> Secrets:
    """A secret with these values."""
    client = Mock()
    text = json.dumps({"api_key": API_KEY, **values})
    client.get_parameter.return_value = {"Parameter": {"Value": text}}
    return Secrets(client, "/bodega/stripe")


def adapter(address: str) -> StripePayments:
    """The adapter, which sends its requests to a Stripe at this address."""
    return StripePayments(secrets(api_base=address), CheckedTransport())


def authenticate(address: str, payment: Payment, *, success: bool) -> None:
    """Do what the customer does in the browser."""
    form = {"client_secret": payment.client_secret, "success": str(success), "key": "pk_test"}
    httpx.post(f"{address}/v1/payment_intents/{payment.id}/_authenticate", data=form)

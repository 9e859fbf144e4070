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
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints
from unittest.mock import Mock
from urllib.parse import parse_qsl, urlsplit

import stripe.params as described
from stripe import _api_version
from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from orders.payments.stripe import API_VERSION, StripePayments
from orders.payments.stripe_transport import LostError, NotSentError, Transport
from shared.runtime.secrets import Secrets

API_KEY: Final = "sk_test_contract"
# Not Stripe's: with the first the confirmation is lost, with the second its answer; the customer of
# the third has to act and does not.
UNAVAILABLE: Final = "pm_card_unavailable"
TIMES_OUT: Final = "pm_card_timeout"
ABANDONED: Final = "pm_card_abandoned"
_STANDS_FOR: Final = {TIMES_OUT: "pm_card_visa", ABANDONED: "pm_card_threeDSecure2Required"}

# By method, path and, after it, an operation on an intent.
_OPERATIONS: Final[dict[tuple[str, ...], Any]] = {
    ("post", "payment_intents"): described.PaymentIntentCreateParams,
    ("get", "payment_intents", "{id}"): described.PaymentIntentRetrieveParams,
    ("get", "payment_intents", "search"): described.PaymentIntentSearchParams,
    ("post", "payment_intents", "{id}", "confirm"): described.PaymentIntentConfirmParams,
    ("post", "payment_intents", "{id}", "capture"): described.PaymentIntentCaptureParams,
    ("post", "payment_intents", "{id}", "cancel"): described.PaymentIntentCancelParams,
    ("post", "refunds"): described.RefundCreateParams,
    ("get", "refunds"): described.RefundListParams,
}


def check(method: str, url: str, headers: Mapping[str, str], body: str | None) -> None:
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
    """Whether a value of a form is of the type; a string stands for each type that is not
    composed."""
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
    """Sends only what Stripe describes; loses requests or answers of two tokens.

    Attributes:
        is_abandoned: a token was that of a customer who does not act.
    """

    is_abandoned = False

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        assert headers is not None
        check(method, url, headers, post_data)
        sent = post_data or ""
        if UNAVAILABLE in sent:
            raise NotSentError
        self.is_abandoned |= ABANDONED in sent
        real = sent
        for token, stands_for in _STANDS_FOR.items():
            real = real.replace(token, stands_for)
        answer = super().request(method, url, headers, real)
        if TIMES_OUT in sent:
            raise LostError
        return answer


def secrets(**values: str) -> Secrets:
    """A secret with these values."""
    client = Mock()
    text = json.dumps({"api_key": API_KEY, **values})
    client.get_parameter.return_value = {"Parameter": {"Value": text}}
    return Secrets(client, "/bodega/stripe")


def adapter(address: str) -> StripePayments:
    """The adapter, which talks to a Stripe at this address."""
    return StripePayments(secrets(api_base=address), CheckedTransport())

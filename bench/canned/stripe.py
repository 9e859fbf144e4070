"""Stripe, as it answers the requests of a payment that succeeds."""

from collections.abc import Mapping
from typing import Any, Final

_INTENTS: Final = "/v1/payment_intents"
WEBHOOK_SECRETS: Final = ("whsec_canned",)
_ID: Final = "pi_3PbCanned0Intent"
# By what follows the path of all intents.
_STATUS: Final[Mapping[str, str]] = {
    "": "requires_payment_method",
    f"/{_ID}/confirm": "requires_capture",
    f"/{_ID}/capture": "succeeded",
}


def secret(address: str) -> dict[str, Any]:
    """What the parameter with Stripe's secrets says, for a Stripe at this address."""
    return {"api_key": "sk_test_canned", "api_base": address, "webhook_secrets": WEBHOOK_SECRETS}


def answer(path: str) -> dict[str, Any] | None:
    """The intent of a request; None for another path."""
    if not path.startswith(_INTENTS) or path.removeprefix(_INTENTS) not in _STATUS:
        return None
    status = _STATUS[path.removeprefix(_INTENTS)]
    charge = None if status == "requires_payment_method" else _charge(status)
    return {
        "id": _ID,
        "object": "payment_intent",
        "amount": 2500,
        "amount_capturable": 2500 if status == "requires_capture" else 0,
        "amount_details": {"tip": {}},
        "amount_received": 2500 if status == "succeeded" else 0,
        "capture_method": "manual",
        "client_secret": f"{_ID}_secret_canned",
        "confirmation_method": "automatic",
        "created": 1795163400,
        "currency": "eur",
        "last_payment_error": None,
        "latest_charge": charge,
        "livemode": False,
        "metadata": {"order_id": "canned"},
        "next_action": None,
        "payment_method": None if charge is None else "pm_1PbCanned",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "status": status,
    }


def _charge(status: str) -> dict[str, Any]:
    is_captured = status == "succeeded"
    return {
        "id": "ch_3PbCanned",
        "object": "charge",
        "amount": 2500,
        "amount_captured": 2500 if is_captured else 0,
        "amount_refunded": 0,
        "billing_details": {"address": {"country": "IE", "postal_code": None}, "email": None},
        "captured": is_captured,
        "currency": "eur",
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal"},
        "paid": True,
        "payment_intent": _ID,
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "checks": {}, "last4": "4242", "network": "visa"},
        },
        "refunded": False,
        "status": "succeeded",
    }

"""What Stripe sends: reports, signed as its documentation has it."""

import hmac
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

PATH: Final = "/webhooks/stripe"
# The older one while both are valid, and the newer one.
WEBHOOK_SECRETS: Final = ("whsec_of-the-older-endpoint", "whsec_of-the-newer-endpoint")
SECRET: Final = {"api_key": "sk_test_of-the-simulated-shop", "webhook_secrets": [*WEBHOOK_SECRETS]}


def report(order_id: str | None, type_: str = "payment_intent.succeeded", **more: Any) -> str:
    """A report as Stripe writes it: of an order, or of something else.

    Args:
        more: members of the object.
    """
    metadata = {} if order_id is None else {"order_id": order_id}
    about = {"id": "pi_3Nabc", "object": "payment_intent", "metadata": metadata, **more}
    event = {"id": "evt_1Nabc", "object": "event", "api_version": "2025-09-30.clover"}
    return json.dumps({**event, "type": type_, "data": {"object": about}}, indent=2)


def signature(*bodies: str, at: datetime, secrets: Iterable[str] = WEBHOOK_SECRETS[:1]) -> str:
    """The header of a body; or of one of several, by the ways in which a client may write it."""
    time = f"{at.timestamp():.0f}"
    signed = [f"{time}.{body}".encode() for body in bodies]
    made = [hmac.digest(s.encode(), one, "sha256").hex() for s in secrets for one in signed]
    return ",".join([f"t={time}", *(f"v1={one}" for one in made)])


def signed(body: str, **more: Any) -> dict[str, str]:
    """The headers of a report."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, **more),
    }

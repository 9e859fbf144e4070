"""Stripe's signature, by vectors of Stripe's own library.

They are of `WebhookSignature._compute_signature` in PyPI `stripe` 16.1.0, and of

    printf '%s' "$TIME.$BODY" | openssl dgst -sha256 -hmac "$SECRET"
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from orders.payments.stripe_signature import is_signed

TIME: Final = 1763640000
BODY: Final = (
    '{\n  "id": "evt_1",\n  "type": "payment_intent.succeeded",\n  "name": "Zoë"\n}'.encode()
)
OLDER: Final = "ba69fbfe01f082e04d5a7747681dd7cff43f6a9e98b41545299aa0da5f91e9ee"
NEWER: Final = "4dd849ca8bbf9845fa3d872a3450954ed6671fd6296b1e486837776030175f2a"
# By the empty key, as everyone can.
OF_NO_SECRET: Final = "bcf292a4eb005c504eb393891395d00dc18da00836cd058a3e47fdc248d14fc8"
SECRETS: Final = ["whsec_older", "whsec_newer"]


def is_valid(
    header: str = f"t={TIME},v1={OLDER}",
    *,
    body: bytes = BODY,
    secrets: list[str] = SECRETS,
    late: float = 0,
) -> bool:
    now = datetime.fromtimestamp(TIME, UTC) + timedelta(seconds=late)
    return is_signed(body, header, secrets, now=now)


@pytest.mark.parametrize(
    "header",
    [
        f"t={TIME},v1={OLDER}",
        f"t={TIME},v1={NEWER}",
        f"t={TIME},v1={'0' * 64},v1={NEWER},v0={'0' * 64}",
        f"v1={OLDER}, t={TIME}",
    ],
)
def test_signature_by_one_of_the_secrets_is_valid(header: str) -> None:
    assert is_valid(header)


def test_signature_is_valid_while_its_secret_is_one_of_the_shops() -> None:
    assert is_valid(f"t={TIME},v1={OLDER},v1={NEWER}", secrets=["whsec_newer"])
    assert not is_valid(secrets=["whsec_newer"])
    assert not is_valid(secrets=[])


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_signature_is_valid_for_five_minutes(late: float) -> None:
    assert is_valid(late=late)
    assert not is_valid(late=late + (1 if late >= 0 else -1) * 301)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        f"t={TIME}",
        f"v1={OLDER}",
        f"t={TIME},v0={OLDER}",
        f"t={TIME},v1={OLDER.upper()}",
        f"t={TIME},v1={OLDER[:-1]}",
        f"t={TIME},v1={OLDER}0",
        f"t={TIME},v1=é",
        f"t={TIME + 1},v1={OLDER}",
        f"t={TIME},t={TIME},v1={OLDER}",
        f"t=0{TIME},v1={OLDER}",
        f"t=-{TIME},v1={OLDER}",
        f"t={TIME}.0,v1={OLDER}",
        f"t={'9' * 5000},v1={OLDER}",
        "t=١٧٦٣٦٤٠٠٠٠,v1=" + OLDER,
        "\0",
    ],
)
def test_other_headers_sign_nothing(header: str) -> None:
    assert not is_valid(header)


@pytest.mark.parametrize("body", [b"", BODY[:-1], BODY + b"\n", BODY.replace(b"evt_1", b"evt_2")])
def test_signature_is_of_the_raw_body(body: bytes) -> None:
    assert not is_valid(body=body)


def test_empty_secret_signs_nothing() -> None:
    assert not is_valid(f"t={TIME},v1={OF_NO_SECRET}", secrets=["", "whsec_newer"])

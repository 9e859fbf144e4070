"""Stripe's signature of a webhook: HMAC-SHA256 of the time and the raw body, by a secret that only
Stripe and the shop have ("Verify webhook signatures manually" in Stripe's documentation).
"""

import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

_TOLERANCE_SECONDS: Final = 300
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def is_signed(body: bytes, header: str, secrets: Iterable[str], *, now: datetime) -> bool:
    """Whether one of the secrets signed the body at most five minutes ago. Clocks differ: it may
    also have been signed at most five minutes from now.

    Args:
        header: `Stripe-Signature`, `t=<seconds>,v1=<hex>`, with a `v1` for each secret that is
            valid at Stripe. It may have signatures of other schemes, which do not count.
        secrets: an empty one signs nothing: whoever knows that it is empty could.
    """
    pairs = [pair.strip().partition("=") for pair in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]):
        return False
    if abs(now.timestamp() - int(times[0])) > _TOLERANCE_SECONDS:
        return False
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    signed = times[0].encode() + b"." + body
    expected = [hmac.digest(s.encode(), signed, "sha256").hex().encode() for s in secrets if s]
    return any(hmac.compare_digest(one, other) for one in expected for other in given)

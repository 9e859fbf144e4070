"""What `make fault` writes and functions read: which calls fail, how, and until when."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

LATENCY_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 3600
"""How long a fault may last."""
FRESH_SECONDS: Final = 3.0
"""How long a function keeps what it has read."""

TARGETS: Final = {
    "inventory": "calls of ProductsInventory (circuit products)",
    "directory": "calls of UsersDirectory (circuit users)",
    "payments": "calls of the payment provider",
    "dynamodb": "calls of DynamoDB",
    "sqs": "calls of SQS by functions",
    "sns": "calls of SNS",
    "email": "calls of SES",
    "kms": "calls of KMS",
}
KINDS: Final = {
    "latency": f"take {LATENCY_SECONDS:g} s longer",
    "error": "are answered by an error (500)",
    "throttle": "are throttled",
    "hang": "are not answered, until the client's time-out",
}


@dataclass(frozen=True)
class Fault:
    """Attributes:
    rate: the share of the calls.
    until: when it ends by itself, in seconds since 1970.
    """

    target: str
    kind: str
    rate: float
    until: float

    def written(self) -> str:
        return json.dumps(asdict(self))


def read(text: str, now: float) -> Fault | None:
    """The fault that is on at `now`; None where the text is of none.

    Raises:
        ValueError: the text is not what `written` returns.
    """
    values: dict[str, Any] = json.loads(text)
    if not values:
        return None
    try:
        fault = Fault(**values)
        is_known = fault.target in TARGETS and fault.kind in KINDS and 0 < fault.rate <= 1
        # Twice, as the clocks of `make fault` and of functions differ.
        is_on = is_known and now < fault.until <= now + 2 * LONGEST_SECONDS
    except TypeError as cause:
        raise ValueError(text) from cause
    return fault if is_on else None

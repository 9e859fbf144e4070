"""Errors of orders that a client receives."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, get_args

from shared.contracts.events import OrderStatus
from shared.errors import BodegaError, Conflict, Forbidden, NotFound

_STATUS: Final[dict[str, Any]] = {
    "type": "string",
    "enum": [
        *get_args(OrderStatus),
        *("refunded", "returned"),
        *("requested", "approved", "refused", "received"),
    ],
}


class OrderNotFound(NotFound):
    """The order does not exist, or the caller may not see it."""

    code, title = "order-not-found", "There is no such order"


class IllegalTransition(Conflict):
    """The order's status, or that of its return, does not allow this."""

    code, title = "illegal-transition", "The status does not allow this"
    members: ClassVar = {"from": _STATUS, "to": _STATUS}

    def __init__(self, *, current: str, wanted: str) -> None:
        super().__init__(
            f"What is {current} cannot become {wanted}.",
            **{"from": current, "to": wanted},
        )


class TooManyChanges(Conflict):
    """The order has had so many refunds and returns that it takes no more."""

    code, title = "too-many-changes", "The order takes no more refunds and returns"


class AccountInactive(Forbidden):
    code, title = "account-inactive", "This account is not active"


class EmailNotConfirmed(Forbidden):
    code, title = "email-not-confirmed", "Confirm your e-mail address before you order"


class BadSignature(BodegaError):
    """A webhook that the payment provider did not sign, or not in the last five minutes."""

    status, code, title = 400, "bad-signature", "The signature is not valid"


class IdempotencyKeyRequired(BodegaError):
    status, code, title = 400, "idempotency-key-required", "An Idempotency-Key is needed"

    def __init__(self) -> None:
        super().__init__(
            "Send a header Idempotency-Key of 1 to 255 characters, new for each order or refund."
        )


class IdempotencyKeyReused(BodegaError):
    status, code, title = 422, "idempotency-key-reused", "This key was used for another request"
    pointer = "#/header/Idempotency-Key"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with another body before; use a new key.")


class RequestInProgress(Conflict):
    code, title = "request-in-progress", "This order is being placed at this moment"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "1"}

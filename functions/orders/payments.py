"""The payment port: what the saga needs of a payment provider.

Every payment has a key of ours, an order's id. `authorize` and a `void` of a payment that has not begun are idempotent by
it for as long as the provider keeps keys, which is about a day. A payment that the provider has made has an id of its own;
operations on it are idempotent by its state, for ever: done again, they change nothing and return the payment as it is.
`payment_id` is that id where the caller knows it. A provider that needs it and is not given it finds the payment by our key,
which stands in the payment's metadata.

`void` closes a payment for good, also one that has not begun, so that an authorisation that was on its way cannot land on a
cancelled order (as Stripe's PaymentIntents do when cancelled).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from shared.errors import OwnError

PaymentState = Literal["authorized", "declined", "captured", "voided", "expired", "refunded"]


@dataclass(frozen=True)
class Payment:
    """A payment as its provider knows it: `key` is ours, `id` the provider's."""

    key: str
    id: str
    state: PaymentState


class PaymentUnavailable(OwnError):
    """The provider could not be called; nothing happened.

    Attributes:
        asked_at: when the call that failed was made, if that was not now.
    """

    def __init__(self, asked_at: datetime | None = None) -> None:
        super().__init__("the payment provider is not available")
        self.asked_at = asked_at


class PaymentOutcomeUnknown(OwnError):
    """The provider was asked and did not answer: it may have done it or not. `find` tells."""


class NoSuchPayment(OwnError):
    """Money that was never authorised cannot be captured or refunded."""


class Payments(Protocol):
    """A payment provider. Every method may raise `PaymentUnavailable` or `PaymentOutcomeUnknown`."""

    def authorize(self, key: str, *, amount_minor: int, currency: str, token: str) -> Payment:
        """Hold the money: `authorized` or `declined`, or what the payment has become since the first time."""

    def capture(self, key: str, payment_id: str | None, /) -> Payment:
        """Take the money that is held: `captured`, or the state that stands against it."""

    def void(self, key: str, payment_id: str | None, /) -> Payment:
        """Let go of the money that is held, and of any that would be; `captured` and every state without money stay."""

    def refund(self, key: str, payment_id: str | None, /) -> Payment:
        """Give back what was captured: `refunded`, or the state that stands against it."""

    def find(self, key: str, payment_id: str | None, /) -> Payment | None:
        """The payment, None if the provider has never heard of it; also when the key's day is over."""

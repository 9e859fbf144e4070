"""The payment port: what the saga needs of a payment provider.

Every payment has a key of ours, an order's id, and every operation is idempotent by it: done again, it changes
nothing and returns the payment as it is. `void` closes a payment for good, also one that has not begun, so that an
authorisation that was on its way cannot land on a cancelled order (as Stripe's PaymentIntents do when cancelled).
"""

from dataclasses import dataclass
from typing import Literal, Protocol

PaymentState = Literal["authorized", "declined", "captured", "voided", "refunded"]


@dataclass(frozen=True)
class Payment:
    """A payment as its provider knows it."""

    key: str
    state: PaymentState


class PaymentUnavailable(Exception):
    """The provider could not be asked; nothing happened."""


class PaymentOutcomeUnknown(Exception):
    """The provider was asked and did not answer: it may have done it or not. `find` tells."""


class NoSuchPayment(Exception):
    """Money that was never authorised cannot be captured or refunded: a mistake of the caller's."""


class Payments(Protocol):
    """A payment provider. Every method may raise `PaymentUnavailable` or `PaymentOutcomeUnknown`."""

    def authorize(self, key: str, *, amount_minor: int, currency: str, token: str) -> Payment:
        """Hold the money: `authorized` or `declined`, or what the payment has become since the first time."""

    def capture(self, key: str) -> Payment:
        """Take the money that is held: `captured`, or the state that stands against it."""

    def void(self, key: str) -> Payment:
        """Let go of the money that is held, and of any that would be; `captured` and `declined` stay."""

    def refund(self, key: str) -> Payment:
        """Give back what was captured: `refunded`, or the state that stands against it."""

    def find(self, key: str) -> Payment | None:
        """The payment, None if the provider has never heard of it."""

"""The port of a payment provider."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from shared.errors import OwnError

PaymentState = Literal[
    "action_required", "authorized", "declined", "captured", "voided", "expired", "refunded"
]
"""`action_required`: the customer must do something before it is authorised or declined. A payment
is `captured` while a part of it is refunded, and `refunded` when all of it is."""

RefundState = Literal["pending", "succeeded", "failed"]


@dataclass(frozen=True)
class Charge:
    """What is to be paid for an order.

    Attributes:
        key: ours, the order's id: one payment for each key.
        token: what the customer pays with; empty once the order is not pending any more.
        payment_id: the provider's id of the payment; None as long as it is not known. A provider
            that needs it then finds the payment by our key in the payment's metadata.
    """

    key: str
    amount_minor: int
    currency: str
    token: str
    payment_id: str | None


@dataclass(frozen=True)
class Payment:
    """A payment.

    Attributes:
        key: ours, an order's id.
        id: the provider's.
        client_secret: the customer's browser needs it for a payment in `action_required`.
    """

    key: str
    id: str
    state: PaymentState
    client_secret: str | None = None


@dataclass(frozen=True)
class PaymentRecord:
    """A payment as the provider has recorded it.

    Attributes:
        key: ours, an order's id.
        id: the provider's.
        refunds: the amounts that were given back, by our keys; by the provider's ids for refunds
            that were not made by the shop.
    """

    key: str
    id: str
    state: PaymentState
    amount_minor: int
    refunds: Mapping[str, int]


class PaymentUnavailable(OwnError):
    """The provider could not be called; nothing happened."""


class PaymentOutcomeUnknown(OwnError):
    """The provider was called and did not answer: `find` returns whether the operation was done."""


class NoSuchPayment(OwnError):
    """Money that was never authorised cannot be captured or refunded."""


class RefundRefused(OwnError):
    """Nothing was captured, or less is left of it than is to be refunded; nothing happened."""


class Payments(Protocol):
    """A payment provider. Every method may raise `PaymentUnavailable` or `PaymentOutcomeUnknown`.

    `authorize`, and a `void` of a payment that does not exist, are idempotent by the charge's key
    for as long as the provider keeps keys, about a day; `refund` is idempotent by its own key, for
    ever. The other operations are idempotent by the payment's state, for ever: repeated, they
    change nothing and return the payment as it is.
    """

    @property
    def name(self) -> str:
        """As the template's parameter PaymentProvider has it."""

    def authorize(self, charge: Charge) -> Payment:
        """Hold the money: `authorized`, `action_required` or `declined`, or the payment's later
        state."""

    def capture(self, charge: Charge) -> Payment:
        """Take the held money: `captured`, or the state that prevents it."""

    def void(self, charge: Charge) -> Payment:
        """Release the held money, and end what the customer was to do; a captured payment stays
        captured, and so does every state without money.

        Without the payment's id it also closes a payment that does not exist, so that an
        authorisation that is on its way cannot follow (as when a Stripe PaymentIntent is
        cancelled).

        Raises:
            NoSuchPayment: the charge has an id that the provider does not know. The shop had
                another provider, or another account, which may have the money.
        """

    def refund(self, charge: Charge, *, key: str, amount_minor: int) -> RefundState:
        """Return captured money, all of it or a part, once for each key; repeated, it changes
        nothing and returns the refund's state.

        Raises:
            NoSuchPayment: see there.
            RefundRefused: see there.
        """

    def find(self, charge: Charge) -> Payment | None:
        """The payment, None if the provider does not know it; works also after the provider has
        forgotten the key.
        """

    def find_refund(self, charge: Charge, *, key: str) -> RefundState | None:
        """The state of the refund with this key, None if the provider does not know it."""


class PaymentRecords(Protocol):
    """What a payment provider has recorded. May raise as `Payments` does."""

    def recorded(
        self, charges: Sequence[Charge], *, since: datetime, until: datetime
    ) -> Iterator[PaymentRecord]:
        """The payments of at most 100 charges, as far as they exist; and those of other keys that
        began between these times, if the provider lists by time."""

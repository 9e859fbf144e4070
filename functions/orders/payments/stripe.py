"""Stripe: a PaymentIntent for each order, authorised and captured separately.

    create ─► [requires_payment_method] ─ confirm ─► [requires_capture] ─ capture ─► [succeeded]
                  ▲ declined                 │                ▲
                  └──────────────── [requires_action: 3-D Secure]

The intent is created without a payment method, always by the same request under our key. So each
repetition leads to the same intent, and `void` can close a payment that does not exist yet: it
creates the intent and cancels it, and a confirmation that is on its way fails.

Stripe keeps a key for at least a day and repeats the first response meanwhile, marked as replayed;
the intent may have changed since, so it is retrieved then. Later, or without the intent's id, it is
searched by the order's id in its metadata. Stripe's index of metadata follows within a minute, in
its outages within an hour: until then a search may miss a payment.

Stripe also keeps and repeats an internal error (500). One that is replayed has ended, so the
request is sent under the key's next successor. Stripe may have executed the first one, or do so
later when it repairs what the error left undone. A second intent that is never confirmed does no
harm, and Stripe allows one confirmation of an intent, and one refund of all that is left. Any other
refund waits until its key is forgotten.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, cast

import stripe
from botocore.exceptions import BotoCoreError, ClientError

from orders.payments.ports import (
    Charge,
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    PaymentRecord,
    PaymentState,
    PaymentUnavailable,
    RefundRefused,
    RefundState,
)
from orders.payments.stripe_transport import NotSentError, Transport
from shared.runtime import logging
from shared.runtime.secrets import Secrets

if TYPE_CHECKING:
    from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

type _Reason = Literal["abandoned", "duplicate", "requested_by_customer"]

API_VERSION: Final = "2026-10-28.endive"
"""The version of Stripe's API that answers are written in. A newer one is a decision."""

# How long an operation goes on to further keys.
_KEYS_SECONDS: Final = 10.0

_ORDER_ID: Final = "order_id"
_REFUND_KEY: Final = "refund_key"
_UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"
_NOT_REFUNDABLE: Final = (
    "charge_already_refunded",
    "charge_disputed",
    "charge_not_refundable",
    "refund_disputed_payment",
)
_CANCELABLE: Final = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
)
# Stripe does not count these in hundredths, as the shop does with every currency.
_OTHER_UNITS: Final = (
    *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV"),
    *("XAF", "XOF", "XPF"),
    *("BHD", "JOD", "KWD", "OMR", "TND"),
)
_NOT_DONE: Final = (NotSentError, stripe.RateLimitError)
# Also the status 409: a request with the same key is being executed.
_UNKNOWN: Final = (stripe.APIConnectionError, stripe.APIError, stripe.IdempotencyError)
_REFUNDS: Final[dict[str | None, RefundState]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
# Of a canceled intent. `abandoned` is what we say of a declined one.
_ENDS: Final[dict[str | None, PaymentState]] = {
    "abandoned": "declined",
    "automatic": "expired",
    "expired": "expired",
}


class _Executing(PaymentOutcomeUnknown):
    """Stripe is executing the payment."""


@contextmanager
def _failures() -> Iterator[None]:
    """Raise the port's exceptions for Stripe's."""
    try:
        yield
    except stripe.StripeError as error:
        is_temporary = isinstance(error, (*_NOT_DONE, *_UNKNOWN))
        # An error is a wrong key (401), one that may not do this (403), or a request of ours that
        # Stripe does not understand.
        log = logging.logger().warning if is_temporary else logging.logger().error
        log(
            "Stripe: %s",
            type(error).__name__,
            extra={
                "status": error.http_status,
                "code": error.code,
                "provider_request_id": error.request_id,
            },
        )
        is_unknown = isinstance(error, _UNKNOWN) and not isinstance(error, _NOT_DONE)
        # Not chained: it holds what Stripe answered, with the customer's secrets.
        raise (PaymentOutcomeUnknown if is_unknown else PaymentUnavailable) from None


class StripePayments:
    """Payments by card through Stripe.

    Args:
        secrets: `api_key`; and `api_base` where requests go to another address than Stripe's own.
        seconds: a clock that only goes forward.
    """

    name: Final = "stripe"

    def __init__(
        self,
        secrets: Secrets,
        transport: stripe.HTTPClient | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = secrets
        self._transport = transport or Transport()
        self._seconds = seconds
        self._made: tuple[str, stripe.StripeClient] | None = None
        stripe.enable_telemetry = False

    @_failures()
    def authorize(self, charge: Charge) -> Payment:
        intent = self._create(charge)
        if intent is None:
            return _unpayable(charge)
        intent = self._current(intent)
        if _state(intent) is None:
            intent = self._confirm(charge, intent.id)
        return _payment(charge, intent)

    @_failures()
    def capture(self, charge: Charge) -> Payment:
        id_ = charge.payment_id or self._known(charge).id
        try:
            # No key of ours: under it, Stripe would repeat a refusal after the customer has acted.
            # The state of the intent prevents a second capture.
            intent = self._intents.capture(id_, {"expand": ["latest_charge"]})
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            if error.http_status == 404:
                raise NoSuchPayment(charge.key) from None
            if error.code == "charge_expired_for_capture":
                return Payment(charge.key, id_, "expired")
            intent = self._retrieve(id_)
        return _payment(charge, intent)

    @_failures()
    def void(self, charge: Charge) -> Payment:
        if charge.payment_id:
            intent = self._retrieved(charge.payment_id)
            if intent is None:
                raise NoSuchPayment(charge.key)
        elif (intent := self._closable(charge)) is None:
            return _unpayable(charge)
        if intent.status in _CANCELABLE:
            # A declined one too: the customer's browser could confirm it with another card.
            is_declined = _state(intent) == "declined"
            intent = self._cancel(
                intent.id, "abandoned" if is_declined else "requested_by_customer"
            )
        return _payment(charge, intent)

    @_failures()
    def refund(self, charge: Charge, *, key: str, amount_minor: int) -> RefundState:
        intent = self._known(charge)
        # First of all: Stripe forgets the key, but not the refund.
        if known := self._listed(intent.id, key):
            return known
        if intent.status != "succeeded":
            raise RefundRefused(key)

        def create(options: stripe.RequestOptions) -> RefundState:
            refund = self._client.v1.refunds.create(
                {
                    "payment_intent": intent.id,
                    "amount": amount_minor,
                    "metadata": {_ORDER_ID: charge.key, _REFUND_KEY: key},
                },
                options,
            )
            return _refund_state(refund)

        def find() -> RefundState | None:
            if known := self._listed(intent.id, key):
                return known
            # Of all that is left Stripe makes one refund only.
            if amount_minor != _left(self._retrieve(intent.id)):
                raise PaymentOutcomeUnknown
            return None

        try:
            return self._keyed(f"{charge.key}:refund:{key}", create, find)
        except stripe.InvalidRequestError as error:
            if error.code not in _NOT_REFUNDABLE and error.param != "amount":
                raise
        # Refused perhaps because an earlier request was executed after all.
        if known := self._listed(intent.id, key):
            return known
        raise RefundRefused(key)

    @_failures()
    def find(self, charge: Charge) -> Payment | None:
        intent = self._find(charge)
        return _payment(charge, intent) if intent else None

    @_failures()
    def find_refund(self, charge: Charge, *, key: str) -> RefundState | None:
        intent = self._find(charge)
        return self._listed(intent.id, key) if intent else None

    @_failures()
    def _listed_between(self, since: datetime, until: datetime) -> list[stripe.PaymentIntent]:
        return list(
            self._intents.list(
                {
                    "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp()) + 1},
                    "limit": 100,
                    "expand": ["data.latest_charge"],
                }
            ).auto_paging_iter()
        )

    def recorded(
        self, charges: Sequence[Charge], *, since: datetime, until: datetime
    ) -> Iterator[PaymentRecord]:
        missing = {charge.key: charge for charge in charges}
        for intent in self._listed_between(since, until):
            key = getattr(intent.metadata, _ORDER_ID, None)
            if key and (record := self._record(key, intent)):
                missing.pop(key, None)
                yield record
        for charge in missing.values():
            found = self._looked_up(charge)
            if found and (record := self._record(charge.key, found)):
                yield record

    @_failures()
    def _looked_up(self, charge: Charge) -> stripe.PaymentIntent | None:
        with suppress(_Executing):
            return self._find(charge)
        return None

    @_failures()
    def _record(self, key: str, intent: stripe.PaymentIntent) -> PaymentRecord | None:
        """None for an intent without an attempt to pay, that Stripe is executing, or that was made
        twice."""
        state = None
        with suppress(_Executing):
            state = _state(intent)
        if state is None or intent.cancellation_reason == "duplicate":
            return None
        refunds: dict[str, int] = {}
        if intent.latest_charge and cast(stripe.Charge, intent.latest_charge).amount_refunded:
            for refund in self._refunds(intent.id):
                if _refund_state(refund) == "succeeded":
                    refunds[getattr(refund.metadata, _REFUND_KEY, None) or refund.id] = (
                        refund.amount
                    )
        return PaymentRecord(key, intent.id, state, intent.amount, refunds)

    @property
    def _client(self) -> stripe.StripeClient:
        try:
            secret = self._secrets.read()
            key = secret["api_key"]
        except (BotoCoreError, ClientError, LookupError, TypeError, ValueError) as cause:
            logging.logger().error("Stripe's secret cannot be read: %s", type(cause).__name__)
            raise PaymentUnavailable from cause
        if self._made is None or self._made[0] != key:
            client = stripe.StripeClient(
                key,
                stripe_version=API_VERSION,
                base_addresses={"api": secret.get("api_base", stripe.DEFAULT_API_BASE)},
                http_client=self._transport,
                max_network_retries=0,
            )
            self._made = key, client
        return self._made[1]

    @property
    def _intents(self) -> stripe.PaymentIntentService:
        return self._client.v1.payment_intents

    def _create(self, charge: Charge) -> stripe.PaymentIntent | None:
        """The intent under the charge's key, as it was when it was created; None if Stripe takes no
        payment of this amount.
        """
        if charge.currency in _OTHER_UNITS:
            logging.logger().error("Stripe does not count %s in hundredths", charge.currency)
            return None
        parameters: PaymentIntentCreateParams = {
            "amount": charge.amount_minor,
            "currency": charge.currency.lower(),
            "capture_method": "manual",
            # Cards, and wallets with cards: the methods that are authorised at once.
            "allowed_payment_method_types": ["card"],
            "metadata": {_ORDER_ID: charge.key},
            "expand": ["latest_charge"],
        }
        try:
            return self._keyed(charge.key, lambda key: self._intents.create(parameters, key))
        except stripe.InvalidRequestError as error:
            # Too small, too large, or 0: an order of gifts.
            if error.param == "amount":
                return None
            raise

    def _confirm(self, charge: Charge, id_: str) -> stripe.PaymentIntent:
        parameters: PaymentIntentConfirmParams = {
            "payment_method": charge.token,
            # The browser handles 3-D Secure, by Stripe.js.
            "use_stripe_sdk": True,
            "expand": ["latest_charge"],
        }

        try:
            intent = self._keyed(
                f"{charge.key}:confirm", lambda key: self._intents.confirm(id_, parameters, key)
            )
        except stripe.CardError:
            return self._retrieve(id_)
        except stripe.InvalidRequestError as error:
            if error.code == _UNEXPECTED_STATE:
                return self._retrieve(id_)
            # Only the token differs from other requests: it is unknown, used or of another kind.
            return self._cancel(id_, "abandoned")
        return self._current(intent)

    def _keyed[R](
        self,
        key: str,
        execute: Callable[[stripe.RequestOptions], R],
        find: Callable[[], R | None] = lambda: None,
    ) -> R:
        """The result of a request under a key, or under the first of the key's successors to which
        Stripe has not answered with an internal error.

        Args:
            find: what a request whose error is replayed has done, None if it has done nothing.
        """
        until = self._seconds() + _KEYS_SECONDS
        one = key
        for number in itertools.count(2):
            try:
                return execute({"idempotency_key": one})
            except stripe.APIError as error:
                status = error.http_status or 0
                has_ended = status >= 500 and _is_replayed(error.headers or {})
                if not has_ended or self._seconds() > until:
                    raise
            if (done := find()) is not None:
                return done
            one = f"{key}:{number}"
        raise AssertionError("counting does not end")

    def _cancel(self, id_: str, reason: _Reason) -> stripe.PaymentIntent:
        """The intent after it was cancelled, or in the state that prevents it."""
        try:
            return self._intents.cancel(
                id_, {"cancellation_reason": reason, "expand": ["latest_charge"]}
            )
        except stripe.InvalidRequestError as error:
            if error.code != _UNEXPECTED_STATE:
                raise
        return self._retrieve(id_)

    def _closable(self, charge: Charge) -> stripe.PaymentIntent | None:
        """The charge's intent; a new one if it has none."""
        intent = self._create(charge)
        if intent is None:
            return None
        intent = self._current(intent)
        if _is_tried(intent):
            return intent
        # There was none, or Stripe has forgotten the key: maybe before an earlier `void`.
        if older := self._search(charge.key, besides=intent.id):
            self._cancel(intent.id, "duplicate")
            return older
        return intent

    def _known(self, charge: Charge) -> stripe.PaymentIntent:
        intent = self._find(charge)
        if intent is None:
            raise NoSuchPayment(charge.key)
        return intent

    def _find(self, charge: Charge) -> stripe.PaymentIntent | None:
        """The charge's intent, unless nobody has tried to pay it."""
        if not charge.payment_id:
            return self._search(charge.key)
        intent = self._retrieved(charge.payment_id)
        return None if intent is None or _state(intent) is None else intent

    def _search(self, key: str, besides: str = "") -> stripe.PaymentIntent | None:
        found = self._intents.search({"query": f"metadata['{_ORDER_ID}']:'{key}'"})
        # A search may return an intent as it was.
        intents = [self._retrieve(intent.id) for intent in found.data if intent.id != besides]
        tried = [intent for intent in intents if _is_tried(intent)]
        # There is one, unless an authorisation was repeated after its key was forgotten.
        return max(tried, key=lambda intent: intent.status != "canceled", default=None)

    def _retrieve(self, id_: str) -> stripe.PaymentIntent:
        return self._intents.retrieve(id_, {"expand": ["latest_charge"]})

    def _retrieved(self, id_: str) -> stripe.PaymentIntent | None:
        """The intent; None if this account has none of this id."""
        try:
            return self._retrieve(id_)
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise

    def _current(self, intent: stripe.PaymentIntent) -> stripe.PaymentIntent:
        """The intent as it is now, which a replayed response does not say."""
        response = intent.last_response
        is_replayed = response is not None and _is_replayed(response.headers)
        return self._retrieve(intent.id) if is_replayed else intent

    def _listed(self, id_: str, key: str) -> RefundState | None:
        for refund in self._refunds(id_):
            if getattr(refund.metadata, _REFUND_KEY, None) == key:
                return _refund_state(refund)
        return None

    def _refunds(self, id_: str) -> Iterator[stripe.Refund]:
        refunds = self._client.v1.refunds.list({"payment_intent": id_, "limit": 100})
        return refunds.auto_paging_iter()


def _is_replayed(headers: Mapping[str, str]) -> bool:
    return headers.get("Idempotent-Replayed") == "true"


def _state(intent: stripe.PaymentIntent) -> PaymentState | None:
    """None before anybody has tried to pay.

    Raises:
        _Executing: Stripe is executing the payment.
    """
    match intent.status:
        case "requires_capture":
            return "authorized"
        case "requires_action":
            return "action_required"
        case "succeeded":
            return "refunded" if cast(stripe.Charge, intent.latest_charge).refunded else "captured"
        case "canceled":
            return _ENDS.get(intent.cancellation_reason, "voided")
        case "requires_payment_method" if intent.last_payment_error:
            return "declined"
        case "requires_payment_method" | "requires_confirmation":
            return None
        case _:
            raise _Executing


def _is_tried(intent: stripe.PaymentIntent) -> bool:
    """Whether it has had an attempt to pay, or was closed for all attempts to pay."""
    return intent.cancellation_reason != "duplicate" and _state(intent) is not None


def _payment(charge: Charge, intent: stripe.PaymentIntent) -> Payment:
    state = _state(intent)
    if state is None:
        raise PaymentOutcomeUnknown
    secret = intent.client_secret if state == "action_required" else None
    return Payment(charge.key, intent.id, state, secret)


def _left(intent: stripe.PaymentIntent) -> int:
    """What is not refunded of a captured payment."""
    charge = cast(stripe.Charge, intent.latest_charge)
    return charge.amount_captured - charge.amount_refunded


def _refund_state(refund: stripe.Refund) -> RefundState:
    # In a status that Stripe adds later, the refund is not finished: a later answer has its end.
    return _REFUNDS.get(refund.status, "pending")


def _unpayable(charge: Charge) -> Payment:
    """The payment of an amount for which Stripe has no intent."""
    return Payment(charge.key, "", "declined")

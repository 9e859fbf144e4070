"""The sandbox payment provider: decides by token, as card processors' test tokens do.

It replaces an external provider. Its ledger is stored in the orders table, under keys of its
own. Each operation is written once, by its key. `entries` are the operations on a payment, in
order, as on a bank statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from orders.payments.ports import (
    Charge,
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    PaymentState,
    PaymentUnavailable,
    RefundRefused,
    RefundState,
)
from shared.errors import TemporaryFailure
from shared.runtime.aws import is_temporary
from shared.storage.dynamodb import ConditionFailed, Key, Table

_APPROVED: Final = ("tok_ok", "tok_timeout")
_TIMES_OUT: Final = "tok_timeout"
_IS_DOWN: Final = "tok_unavailable"


@contextmanager
def _ledger_failures() -> Iterator[None]:
    """Raise `PaymentOutcomeUnknown` if the ledger does not answer."""
    try:
        yield
    except (BotoCoreError, ClientError, TemporaryFailure) as cause:
        if not is_temporary(cause):
            raise
        raise PaymentOutcomeUnknown from cause


class SandboxPayments:
    """Approves `tok_ok`; declines `tok_declined` and every unknown token; authorises `tok_timeout`
    and does not answer; is unavailable for `tok_unavailable`.
    """

    def __init__(self, ledger: Table) -> None:
        self._ledger = ledger

    @_ledger_failures()
    def authorize(self, charge: Charge) -> Payment:
        if charge.token == _IS_DOWN:
            raise PaymentUnavailable
        state: PaymentState = "authorized" if charge.token in _APPROVED else "declined"
        payment = self._open(charge, state)
        if charge.token == _TIMES_OUT:
            raise PaymentOutcomeUnknown
        return payment

    @_ledger_failures()
    def capture(self, charge: Charge) -> Payment:
        return self._move(charge.key, "authorized", "captured")

    @_ledger_failures()
    def void(self, charge: Charge) -> Payment:
        payment = self._open(charge, "voided")
        if payment.state != "authorized":
            return payment
        return self._move(charge.key, "authorized", "voided")

    @_ledger_failures()
    def refund(self, charge: Charge, *, key: str, amount_minor: int) -> RefundState:
        refunded: int | None = None
        while refunded is None:
            refunded = self._refund(charge.key, key, amount_minor)
        return "succeeded"

    @_ledger_failures()
    def find_refund(self, charge: Charge, *, key: str) -> RefundState | None:
        item = self._ledger.get(_key(charge.key)) or {}
        return "succeeded" if key in item.get("refunds", {}) else None

    @_ledger_failures()
    def find(self, charge: Charge) -> Payment | None:
        item = self._ledger.get(_key(charge.key))
        return _payment(charge.key, item["state"]) if item else None

    def _open(self, charge: Charge, state: PaymentState) -> Payment:
        """The payment; a new payment gets this state."""
        try:
            self._ledger.put(
                {
                    **_key(charge.key),
                    "state": state,
                    "entries": [state],
                    "amount_minor": charge.amount_minor,
                    "currency": charge.currency,
                },
                condition="attribute_not_exists(#pk)",
            )
        except ConditionFailed:
            payment = self.find(charge)
            assert payment is not None, "payments are never deleted"
            return payment
        return _payment(charge.key, state)

    def _refund(self, payment_key: str, key: str, amount_minor: int) -> int | None:
        """The amount refunded under the key; None if another refund was written first."""
        item = self._ledger.get(_key(payment_key))
        if item is None:
            raise NoSuchPayment(payment_key)
        refunds: dict[str, int] = item.get("refunds", {})
        if key in refunds:
            return refunds[key]
        left = item["amount_minor"] - sum(refunds.values())
        if item["state"] != "captured" or amount_minor > left:
            raise RefundRefused(key)
        state: PaymentState = "refunded" if amount_minor == left else "captured"
        try:
            self._ledger.update(
                _key(payment_key),
                "SET #state = :state, #refunds = :refunds,"
                " #entries = list_append(#entries, :entry)",
                condition="#entries = :seen",
                values={
                    "state": state,
                    "entry": ["refunded"],
                    "refunds": {**refunds, key: amount_minor},
                    "seen": item["entries"],
                },
            )
        except ConditionFailed:
            return None
        return amount_minor

    def _move(self, key: str, from_: PaymentState, to: PaymentState) -> Payment:
        try:
            self._ledger.update(
                _key(key),
                "SET #state = :to, #entries = list_append(#entries, :entry)",
                condition="#state = :from",
                values={"from": from_, "to": to, "entry": [to]},
            )
        except ConditionFailed as failure:
            if failure.item is None:
                raise NoSuchPayment(key) from failure
            return _payment(key, failure.item["state"])
        return _payment(key, to)


def _payment(key: str, state: PaymentState) -> Payment:
    return Payment(key, f"sandbox-{key}", state)


def _key(key: str) -> Key:
    return {"pk": f"SANDBOX-PAYMENT#{key}", "sk": "PAYMENT"}

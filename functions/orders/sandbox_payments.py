"""The sandbox payment provider: decides by token, as card processors' test tokens do.

It replaces an external provider. Its ledger is stored in the orders table, under keys of its
own. Each operation is written once, by its key. `entries` are the operations on a payment, in
order, as on a bank statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from orders.ports import (
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    PaymentState,
    PaymentUnavailable,
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
    def authorize(self, key: str, *, amount_minor: int, currency: str, token: str) -> Payment:
        if token == _IS_DOWN:
            raise PaymentUnavailable
        state: PaymentState = "authorized" if token in _APPROVED else "declined"
        payment = self._open(key, state, amount_minor=amount_minor, currency=currency, token=token)
        if token == _TIMES_OUT:
            raise PaymentOutcomeUnknown
        return payment

    @_ledger_failures()
    def capture(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._move(key, "authorized", "captured")

    @_ledger_failures()
    def void(self, key: str, _payment_id: str | None, /) -> Payment:
        payment = self._open(key, "voided")
        return self._move(key, "authorized", "voided") if payment.state == "authorized" else payment

    @_ledger_failures()
    def refund(self, key: str, _payment_id: str | None, /) -> Payment:
        return self._move(key, "captured", "refunded")

    @_ledger_failures()
    def find(self, key: str, _payment_id: str | None, /) -> Payment | None:
        item = self._ledger.get(_key(key))
        return _payment(key, item["state"]) if item else None

    def _open(self, key: str, state: PaymentState, **details: Any) -> Payment:
        """The payment; a new payment gets this state."""
        try:
            self._ledger.put(
                {**_key(key), "state": state, "entries": [state], **details},
                condition="attribute_not_exists(#pk)",
            )
        except ConditionFailed:
            payment = self.find(key, None)
            assert payment is not None, "payments are never deleted"
            return payment
        return _payment(key, state)

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

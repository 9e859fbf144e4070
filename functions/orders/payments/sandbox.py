"""The sandbox payment provider: decides by token, as card processors' test tokens do.

It replaces an external provider. Its ledger is stored in the orders table, under keys of its
own. Each operation is written once, by its key. `entries` are the operations on a payment, in
order, as on a bank statement.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

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
from shared.errors import TemporaryFailure
from shared.runtime import clock
from shared.runtime.aws import is_temporary
from shared.runtime.clock import Clock
from shared.storage.dynamodb import ConditionFailed, Item, Key, Table

_APPROVED: Final = ("tok_ok", "tok_timeout")
_TIMES_OUT: Final = "tok_timeout"
_IS_DOWN: Final = "tok_unavailable"
# The customer has to act, and this is what comes of it; None: the customer never does.
_ACTIONS: Final[Mapping[str, PaymentState | None]] = {
    "tok_action": "authorized",
    "tok_action_failed": "declined",
    "tok_action_abandoned": None,
}
_RECORDED: Final = ("pk", "state", "amount_minor", "refunds")
ACTION_TAKES: Final = timedelta(seconds=20)


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

    Asks the customer to act for `tok_action` and `tok_action_failed`: 20 seconds later the payment
    is authorised, or declined, without anybody. For `tok_action_abandoned` it never is.
    """

    name: Final = "sandbox"

    def __init__(self, ledger: Table, now: Clock = clock.now) -> None:
        self._ledger = ledger
        self._now = now

    @_ledger_failures()
    def authorize(self, charge: Charge) -> Payment:
        if charge.token == _IS_DOWN:
            raise PaymentUnavailable
        state: PaymentState = "authorized" if charge.token in _APPROVED else "declined"
        payment = self._open(charge, "action_required" if charge.token in _ACTIONS else state)
        if charge.token == _TIMES_OUT:
            raise PaymentOutcomeUnknown
        return payment

    @_ledger_failures()
    def capture(self, charge: Charge) -> Payment:
        return self._move(charge.key, "authorized", "captured")

    @_ledger_failures()
    def void(self, charge: Charge) -> Payment:
        # A payment with an id exists. If it is not ours, another provider has its money.
        payment = self.find(charge) if charge.payment_id else self._open(charge, "voided")
        if payment is None:
            raise NoSuchPayment(charge.key)
        if payment.state not in ("authorized", "action_required"):
            return payment
        return self._move(charge.key, payment.state, "voided")

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
        return self._decided(charge.key, item) if item else None

    def recorded(
        self,
        charges: Sequence[Charge],
        *,
        since: datetime,  # noqa: ARG002  # its ledger has no order of time
        until: datetime,  # noqa: ARG002
    ) -> Iterator[PaymentRecord]:
        keys = [_key(charge.key) for charge in charges]
        for item in self._ledger.get_many(keys, consistent=True, only=_RECORDED):
            payment = _payment(item["pk"].partition("#")[2], item["state"])
            refunds = item.get("refunds", {})
            yield PaymentRecord(
                payment.key, payment.id, payment.state, item["amount_minor"], refunds
            )

    def _open(self, charge: Charge, state: PaymentState) -> Payment:
        """The payment; a new payment gets this state."""
        item: Item = {
            **_key(charge.key),
            "state": state,
            "entries": [state],
            "amount_minor": charge.amount_minor,
            "currency": charge.currency,
        }
        if state == "action_required" and (becomes := _ACTIONS[charge.token]):
            at = clock.rfc3339(self._now() + ACTION_TAKES)
            item["action"] = {"becomes": becomes, "at": at}
        try:
            self._ledger.put(item, condition="attribute_not_exists(#pk)")
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

    def _decided(self, key: str, item: Item) -> Payment:
        """The payment of the item; its customer acts by the time at which it is asked for."""
        action = item.get("action")
        is_waiting = item["state"] == "action_required"
        if is_waiting and action and action["at"] <= clock.rfc3339(self._now()):
            return self._move(key, "action_required", action["becomes"])
        return _payment(key, item["state"])

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
            payment = self._decided(key, failure.item)
            return self._move(key, from_, to) if payment.state == from_ else payment
        return _payment(key, to)


def _payment(key: str, state: PaymentState) -> Payment:
    secret = f"sandbox_secret_{key}" if state == "action_required" else None
    return Payment(key, f"sandbox-{key}", state, secret)


def _key(key: str) -> Key:
    return {"pk": f"SANDBOX-PAYMENT#{key}", "sk": "PAYMENT"}

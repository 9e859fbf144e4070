"""Makes the refunds of an order that are pending: at the payment provider, then in stock.

Both steps are idempotent by the refund's id, so a worker that starts again repeats them. Units come
back into stock only after the money: a refund that fails has done nothing.
"""

from typing import Final, Literal

from orders.models import Order
from orders.payments.ports import Payments, RefundRefused, RefundState
from orders.ports import Stock
from orders.refunds.models import Refund
from orders.refunds.ports import Refunds
from orders.saga_calls import SagaCalls
from shared.errors import OwnError
from shared.messaging.redelivery import RetryLater
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock

_PAUSE: Final = 60.0


class Processing(OwnError):
    """The provider has accepted a refund and processes it, for days perhaps: nothing has failed."""


class RefundExecution:
    """Makes refunds, with the calls of the saga."""

    def __init__(
        self, refunds: Refunds, stock: Stock, payments: Payments, calls: SagaCalls, now: Clock
    ) -> None:
        self._refunds = refunds
        self._stock = stock
        self._payments = payments
        self._calls = calls
        self._now = now

    def finish_all(self, order: Order) -> Order:
        """Make all pending refunds and return the order after them.

        Raises:
            Processing: the provider processes one of them.
            Unanswered: a service does not answer.
            ConcurrentChange: the order was changed.
        """
        for id_ in order.pending_refunds:
            order = self._finish(order, id_)
        if order.pending_refunds:
            raise Processing
        return order

    def repay(self, order: Order) -> Order:
        """Give back what a cancelled order's refunds leave of its captured money, and return the
        order after that. If the provider cannot, the refund is recorded as failed, for the admins.

        Raises:
            Processing, Unanswered, ConcurrentChange: as `finish_all`.
        """
        match self._pay_back(order, order.id, order.repayment_minor):
            case "succeeded":
                logging.add(refunded_minor=order.repayment_minor)
                return order
            case "pending":
                raise Processing
            case "failed":
                return self._owe(order, "failed")

    def has_repayment_failed(self, order: Order) -> bool:
        """Whether a cancelled order's own refund has failed. Its payment counts as refunded as soon
        as the provider has accepted that, and also if it was refunded by hand: then there is no
        own refund.

        Raises:
            Processing, Unanswered: as `finish_all`.
        """
        state = self._find(order, order.id, missing="succeeded")
        if state == "pending":
            raise Processing
        return state == "failed"

    def reverse(self, order: Order, refund_id: str) -> None:
        """Record that a refund has failed after it had succeeded, if the provider says so.

        Raises:
            Unanswered: the provider does not answer.
            RetryLater: the order's compensation is open, whose amount must not change.
            ConcurrentChange: the order was changed.
        """
        refund = self._refunds.find(order.id, refund_id)
        is_own = refund_id == order.id and order.status == "cancelled" and refund is None
        is_made = refund is not None and refund.status == "succeeded"
        if refund_id in order.pending_refunds or not (is_own or is_made):
            return
        if self._find(order, refund_id, missing="pending") != "failed":
            return
        if order.status == "cancelled" and order.due_at:
            raise RetryLater(_PAUSE)
        if refund is None:
            self._owe(order, "reversed")
        else:
            after = order.refund_reversed(refund.amount_minor, at=self._now())
            self._change(order, after, refund.finished("reversed"))

    def _owe(self, order: Order, status: Literal["failed", "reversed"]) -> Order:
        """Record that a cancelled order's own refund did not give the money back."""
        refund = Refund.of_cancellation(order, status, at=self._now())
        after = order.repayment_failed(at=self._now())
        self._refunds.add_failed(order, after, refund)
        return self._report(after, refund)

    def _finish(self, order: Order, refund_id: str) -> Order:
        refund = self._refunds.find(order.id, refund_id)
        assert refund is not None, "a refund is written with its order"
        match self._paid_back(order, refund):
            case "pending":
                return order
            case "succeeded":
                self._restock(order, refund)
                after = order.refund_succeeded(refund.id, refund.amount_minor, at=self._now())
                return self._change(order, after, refund.finished("succeeded"))
            case "failed":
                after = order.refund_failed(
                    refund.id, refund.amount_minor, refund.lines, at=self._now()
                )
                return self._change(order, after, refund.finished("failed"))

    def _paid_back(self, order: Order, refund: Refund) -> RefundState:
        if refund.amount_minor == 0 or refund.paid_otherwise:
            return "succeeded"
        return self._pay_back(order, refund.id, refund.amount_minor)

    def _pay_back(self, order: Order, key: str, amount_minor: int) -> RefundState:
        try:
            return self._calls.payments(
                order,
                "refund",
                lambda: self._payments.refund(order.charge, key=key, amount_minor=amount_minor),
                lambda: self._payments.find_refund(order.charge, key=key),
            )
        except RefundRefused:
            return "failed"

    def _find(self, order: Order, key: str, *, missing: RefundState) -> RefundState:
        def find() -> RefundState:
            return self._payments.find_refund(order.charge, key=key) or missing

        return self._calls.payments(order, "find refund", find, find)

    def _restock(self, order: Order, refund: Refund) -> None:
        if refund.restock:
            self._calls.stock(
                order, lambda: self._stock.give_back(order.id, refund.lines, key=refund.id)
            )

    def _change(self, before: Order, after: Order, refund: Refund) -> Order:
        self._refunds.finish(before, after, refund)
        return self._report(after, refund)

    def _report(self, after: Order, refund: Refund) -> Order:
        given = {"refunded_minor": refund.amount_minor} if refund.status == "succeeded" else {}
        logging.logger().info("refund has %s", refund.status, extra={"order_id": after.id, **given})
        metrics.count(f"Refunds{refund.status.title()}")
        return after

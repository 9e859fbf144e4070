"""Makes the refunds of an order that are pending: at the payment provider, then in stock.

Both steps are idempotent by the refund's id, so a worker that starts again repeats them. Units come
back into stock only after the money: a refund that fails has done nothing.
"""

from orders.models import Order
from orders.payments.ports import Payments, RefundRefused, RefundState
from orders.ports import Stock
from orders.refunds.models import Refund
from orders.refunds.ports import Refunds
from orders.saga_calls import SagaCalls, Unanswered
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock


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
            Unanswered: the provider is still at one of them, or a service does not answer.
            ConcurrentChange: the order was changed.
        """
        for id_ in order.pending_refunds:
            order = self._finish(order, id_)
        if order.pending_refunds:
            raise Unanswered("payment_unavailable")
        return order

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
        key, amount = refund.id, refund.amount_minor
        if amount == 0:
            return "succeeded"
        try:
            return self._calls.payments(
                order,
                lambda: self._payments.refund(order.charge, key=key, amount_minor=amount),
                lambda: self._payments.find_refund(order.charge, key=key),
            )
        except RefundRefused:
            return "failed"

    def _restock(self, order: Order, refund: Refund) -> None:
        if refund.restock:
            self._calls.stock(
                order, lambda: self._stock.give_back(order.id, refund.lines, key=refund.id)
            )

    def _change(self, before: Order, after: Order, refund: Refund) -> Order:
        self._refunds.finish(before, after, refund)
        logging.logger().info("refund has %s", refund.status, extra={"order_id": after.id})
        metrics.count(f"Refunds{refund.status.title()}")
        return after

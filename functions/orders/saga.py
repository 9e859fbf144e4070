"""The saga of an order: from placed to confirmed, or everything is given back.

    sell the stock ─► authorise the payment ─► capture ─► [confirmed]
      │ its reservation has ended   │ declined      │ declined, expired or void
      │                             │               │
      │     any step that is not answered at the deadline
      ▼                             ▼               ▼
    [cancelled] ─► release the stock, void or refund the payment ─► [settled]

Only the states in brackets are written. Each step is idempotent by the order's id, so a worker that
starts again from the last write repeats the steps that are done and continues: the steps need no
marks of their own. The stock comes first, because sold stock does not expire while the order waits
for its payment.

A payment may need its customer to act first (3-D Secure). Until then the order waits as below, and
has the deadline of such a payment: nothing is called but the provider, and no service has failed.
A webhook of the provider brings the order forward (`is_news`); without one it ends as well.

After a step that is not answered the order waits: its message is sent again with a delay of half
the time for which the saga, or the compensation, has been open, between 5 seconds and about a
minute. The order's `due_at` is moved past the delay, with the payment's id if it is known. So the
sweeper sends another message if this one is lost, and a duplicate of the message is recognised.

A worker that continues after a long stop may run beside another worker. That is safe: the release
of a cancelled order prevents a later `reserve` and `confirm`, its `void` prevents a later
`authorize` and `capture`, and the order's version prevents writes of a worker that read it before.
Stock that was sold is given back by `release`, captured money by `refund`.

An order that is paid may have refunds (orders.refunds): they are made in the same way, each with a
transaction of its own. A cancelled order's own refund is what they leave of its total.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from orders.due_orders import report_slow
from orders.models import FIRST_DUE, LEASE, CancelReason, Order, PaymentAction, saga_age
from orders.payments.ports import Charge, Payment, Payments, PaymentState
from orders.ports import Orders, Stock
from orders.refunds.execution import Processing, RefundExecution
from orders.refunds.ports import Refunds
from orders.saga_calls import SagaCalls, Unanswered
from shared.contracts.inventory import ReservationEnded
from shared.messaging.redelivery import RetryLater, pause
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock
from shared.storage.conflicts import retry_on_conflict

_LONGEST_PAUSE: Final = 60.0
_LONGEST_PROCESSING: Final = 3600.0
# Past the deadline the next call that is not answered ends the order: it is made soon.
_LAST_PAUSE: Final = 15.0
# The maximum of one customer's orders that wait for the customer to act.
MAX_UNPAID: Final = 5
# Longer than any order waits: the longest PaymentActionMinutes, and outages before it.
_UNPAID_FOR: Final = timedelta(hours=2)
# Providers keep idempotency keys for a day. Later, an authorisation by the key alone could be a
# second payment.
_KEYS_ARE_KEPT: Final = timedelta(hours=23)


class CheckoutSaga:
    """Runs the sagas of orders, the compensations of cancelled orders, and refunds.

    Args:
        action_within: how long after placing an order its customer may act for its payment.
    """

    def __init__(
        self,
        orders: Orders,
        stock: Stock,
        payments: Payments,
        refunds: Refunds,
        now: Clock = clock.now,
        *,
        action_within: timedelta,
    ) -> None:
        self._orders = orders
        self._stock = stock
        self._payments = payments
        self._now = now
        self._action_within = action_within
        self._calls = SagaCalls(now)
        self._refunds = RefundExecution(refunds, stock, payments, self._calls, now)

    def advance(self, order_id: str, *, is_news: bool = False, refund_id: str = "") -> None:
        """Continue the order from its stored state, as far as possible now.

        Args:
            is_news: whether the provider says that the payment may have changed: then the order
                does not wait for its delayed message.
            refund_id: the refund that may have changed.

        Raises:
            RetryLater: the inventory or the payment provider does not answer.
        """
        order = self._orders.find(order_id)
        if order is None:
            # An event is written with its order and no order is deleted: a retry would not find it
            # either.
            logging.logger().error("no such order", extra={"order_id": order_id})
        elif order.has_delayed_message(self._now()) and not is_news:
            logging.logger().debug("a duplicate of a message", extra={"order_id": order_id})
        else:
            # A conflict: the order was cancelled, or another worker was faster. The saga continues
            # from the current order.
            retry_on_conflict(lambda: order, self._continue)
            if refund_id:
                self._look_at(order_id, refund_id)

    def _continue(self, order: Order) -> None:
        if order.status == "pending":
            self._check_out(order)
        elif order.due_at:
            self._give_back(order)

    def _look_at(self, order_id: str, refund_id: str) -> None:
        """Record that a refund has failed after it had succeeded.

        Raises:
            RetryLater: the provider does not answer, or the order's compensation is open.
        """

        def find() -> Order:
            order = self._orders.find(order_id)
            assert order is not None, "orders are never deleted"
            return order

        try:
            retry_on_conflict(find, lambda order: self._refunds.reverse(order, refund_id))
        except Unanswered as step:
            raise RetryLater(_LONGEST_PAUSE) from step

    def _check_out(self, order: Order) -> None:
        paid = order
        is_last_attempt = order.is_past_deadline(self._now())
        try:
            # The stock was sold before the customer was asked to act.
            if not order.action_until:
                self._call_stock(order, self._stock.confirm)
            payment = self._authorized(order)
            paid = order.with_payment(payment.id)
            if payment.state == "authorized":
                payment = self._moved(paid, "capture", ("authorized",), self._payments.capture)
        except ReservationEnded:
            self._cancel(order, paid, "reservation_expired")
        except Unanswered as step:
            # An outage before the deadline may be over: no order is cancelled because of it.
            if is_last_attempt:
                self._cancel(order, paid, step.reason)
            else:
                self._wait(paid, step.reason)
        else:
            self._decide(order, paid, payment, is_last_attempt=is_last_attempt)

    def _decide(
        self, order: Order, paid: Order, payment: Payment, *, is_last_attempt: bool
    ) -> None:
        """Confirm or cancel the order, or wait for its customer."""
        match payment.state:
            case "captured":
                self._change(order, paid.confirmed(at=self._now()))
            case "declined":
                self._cancel(order, paid, "payment_declined")
            case "action_required" if order.action_until and is_last_attempt:
                self._cancel(order, paid, "payment_abandoned")
            case "action_required" if not order.action_until and self._has_too_many(order):
                self._cancel(order, paid, "too_many_unpaid")
            case "action_required":
                self._await_action(paid, payment)
            case _:
                self._cancel(order, paid, "payment_expired")

    def _has_too_many(self, order: Order) -> bool:
        """Whether enough orders of the customer wait for their payments: each has sold its stock.

        Workers that handle further orders at the same time do not see each other's.
        """
        since = clock.rfc3339(self._now() - _UNPAID_FOR)
        unpaid = self._orders.count_unpaid(order, since=since, most=MAX_UNPAID)
        return unpaid >= MAX_UNPAID

    def _authorized(self, order: Order) -> Payment:
        """The order's payment: looked up if it may exist and the provider may have forgotten its
        key, else authorised.
        """

        def find() -> Payment | None:
            return self._payments.find(order.charge)

        def authorize() -> Payment:
            return self._payments.authorize(order.charge)

        if order.payment_id:
            return self._call_payments(order, "find", find)
        if order.age(self._now()) > _KEYS_ARE_KEPT:
            return self._call_payments(order, "authorize", lambda: find() or authorize())
        return self._call_payments(order, "authorize", authorize)

    def _cancel(self, before: Order, paid: Order, reason: CancelReason) -> None:
        cancelled = paid.cancelled(at=self._now(), reason=reason)
        self._change(before, cancelled)
        self._give_back(cancelled)

    def _give_back(self, order: Order) -> None:
        """Make the order's refunds, and give back the rest of a cancelled order: the stock and the
        money, independently of each other. Retried until all is given back.
        """
        # At each attempt, so that the metric's maximum is the age of the oldest compensation.
        metrics.seconds("CompensationAge", order.age(self._now()).total_seconds())
        unanswered: Unanswered | None = None
        is_processing = False
        is_cancelled = order.status == "cancelled"
        steps = (self._release, self._repay) if is_cancelled else (self._refunds.finish_all,)
        for give_back in steps:
            try:
                order = give_back(order)
            except Unanswered as step:
                unanswered = step
            except Processing:
                is_processing = True
        if unanswered:
            self._wait(order, unanswered.reason)
            return
        if is_processing:
            self._await_refund(order)
            return
        # The last refund of an order that is not cancelled has settled it.
        if order.due_at:
            self._orders.settle(order)
        logging.logger().info("gave everything back", extra={"order_id": order.id})

    def _release(self, order: Order) -> Order:
        self._call_stock(order, self._stock.release)
        return order

    def _repay(self, order: Order) -> Order:
        # First the refunds: what they do not give back is known only when they have ended.
        order = self._refunds.finish_all(order)
        payment = self._moved(order, "void", ("authorized", "action_required"), self._payments.void)
        if not order.repayment_minor:
            return order
        if payment.state == "refunded" and self._refunds.has_repayment_failed(order):
            # The payment was read before its refund failed, or was refunded by hand after that.
            payment = self._call_payments(order, "find", lambda: self._payments.find(order.charge))
        if payment.state == "captured":
            return self._refunds.repay(order)
        return order

    def _await_action(self, order: Order, payment: Payment) -> None:
        """Wait for the customer, who finds in the order what to do."""
        logging.logger().info("the customer has to act", extra={"order_id": order.id})
        metrics.count("PaymentActions")
        action = PaymentAction(self._payments.name, payment.client_secret or "")
        waiting = order.awaiting(action, self._action_within, at=self._now())
        self._send_again(waiting, is_new=order.action_until is None)

    def _await_refund(self, order: Order) -> None:
        """Wait for a refund that the provider processes: ever longer, and without a message. The
        sweeper or news of the provider brings the order forward.
        """
        now = self._now()
        metrics.count("RefundsProcessing")
        if order.has_delayed_message(now):
            return
        waited = (now - datetime.fromisoformat(order.updated_at)).total_seconds()
        at = clock.rfc3339(now + timedelta(seconds=pause(waited, longest=_LONGEST_PROCESSING)))
        self._orders.defer(replace(order, asks_at=at), until=at)

    def _wait(self, order: Order, reason: CancelReason) -> None:
        """Wait for a service that does not answer."""
        logging.logger().warning("the order waits: %s", reason, extra={"order_id": order.id})
        is_stock = reason == "inventory_unavailable"
        metrics.count("InventoryWaiting" if is_stock else "PaymentsWaiting")
        self._send_again(order)

    def _send_again(self, order: Order, *, is_new: bool = False) -> None:
        """Send the order's message again with a delay, unless another message for it was sent.

        Args:
            is_new: whether the order has to be written in any case.
        """
        now = self._now()
        if order.status == "pending":
            age = saga_age(order.created_at, order.action_until, now)
            metrics.seconds("OrderAge", age.total_seconds())
        # News came before the delayed message, which is still to come.
        if order.has_delayed_message(now) and not is_new:
            return
        seconds = _delay(order, now)
        until = now + timedelta(seconds=seconds) + LEASE
        # The sweeper does not find an order that is deferred.
        if order.age(now) >= FIRST_DUE:
            report_slow(self._orders, order)
        if self._orders.defer(order, until=clock.rfc3339(until)):
            raise RetryLater(seconds)

    def _change(self, before: Order, after: Order) -> None:
        self._orders.change(before, after)
        money: dict[str, int] = {}
        if after.status == "confirmed" or after.cancel_reason == "payment_expired":
            money["authorized_minor"] = after.total_minor
        if after.status == "confirmed":
            money["captured_minor"] = after.total_minor
        logging.logger().info("order is %s", after.status, extra={"order_id": after.id, **money})
        metrics.count(f"Orders{after.status.title()}")

    def _call_stock(self, order: Order, command: Callable[[str], None]) -> None:
        """Call the inventory.

        Raises:
            Unanswered: the command may have been executed, or has to wait.
            ReservationEnded: see `Stock`.
        """
        self._calls.stock(order, lambda: command(order.id))

    def _moved(
        self,
        order: Order,
        step: str,
        from_: Sequence[PaymentState],
        operation: Callable[[Charge], Payment],
    ) -> Payment:
        """The payment after an operation that moves it out of some states.

        Raises:
            Unanswered: the operation may have been executed; or it was not.
        """
        payment = self._call_payments(order, step, lambda: operation(order.charge))
        if payment.state in from_:
            # The operation may arrive later. A retry is safe: it is idempotent.
            raise Unanswered("payment_unavailable")
        return payment

    def _call_payments(
        self, order: Order, step: str, operation: Callable[[], Payment | None]
    ) -> Payment:
        """The payment after an operation on it; it is looked up if the operation's outcome is
        unknown.

        Raises:
            Unanswered: the outcome is still unknown, or the provider does not know the payment.
        """
        return self._calls.payments(
            order, step, operation, lambda: self._payments.find(order.charge)
        )


def _delay(order: Order, now: datetime) -> float:
    """Seconds until a waiting order is retried: in time for its deadline, and often after it."""
    waited = order.age(now).total_seconds()
    if order.status != "pending":
        return pause(waited, longest=_LONGEST_PAUSE)
    left = (order.deadline - now).total_seconds()
    if left <= 0:
        return pause(waited, longest=_LAST_PAUSE)
    return min(pause(waited, longest=_LONGEST_PAUSE), left + 1)

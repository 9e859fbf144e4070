"""The saga: takes an order from placed to confirmed, or gives everything back.

    sell the stock ─► authorise the payment ─► capture ─► [confirmed]
      │ its reservation has ended   │ declined      │ declined, expired or void
      │                             │               │
      │     any step that is not answered at the deadline
      ▼                             ▼               ▼
    [cancelled] ─► release the stock, void or refund the payment ─► [settled]

Only the states in brackets are written. Each step is idempotent by the order's id, so a worker that starts again from the
last write repeats the steps that are done and continues: the steps need no marks of their own. The stock comes first, because
what is sold does not expire while the order waits for its payment.

A step that is not answered makes the order wait: its message is sent again with a delay of half the time for which the
saga, or the compensation, has been open: at least 5 seconds, about a minute at most. The order's `due_at` is moved past that, with the payment's id if it is known. So the
sweeper sends another message if this one is lost, and a duplicate of the message is recognised.

A worker that was thought dead may continue at any point beside another one. That is safe: a cancelled order's
release leaves a tombstone against its `reserve` and `confirm`, `void` one against its `authorize` and `capture`,
and the order's version stands against its writes. Stock that was sold for it comes back by `release`, money that was
captured by `refund`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from orders.errors import OrderChanged
from orders.models import LEASE, CancelReason, Order
from orders.payments import (
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    Payments,
    PaymentState,
    PaymentUnavailable,
)
from orders.ports import Orders, Stock, StockUnavailable
from shared.contracts.inventory import ReservationEnded
from shared.errors import OwnError
from shared.messaging.redelivery import ComeAgain, pause
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock

_RACES: Final = 5
_LONGEST_PAUSE: Final = 60.0
# Past the deadline an order ends with the next call that fails, and an open circuit allows a call every 10 seconds.
_LAST_PAUSE: Final = 15.0
# Providers keep idempotency keys for a day. This much later an authorisation by the key alone could be a second one.
_KEYS_ARE_KEPT: Final = timedelta(hours=23)


class _Unanswered(OwnError):
    """The inventory or the payment provider did not answer the last call: the step has to wait.

    Attributes:
        reason: why the order is cancelled if its deadline has passed.
        asked_at: when the call was made.
    """

    def __init__(self, reason: CancelReason, asked_at: datetime) -> None:
        super().__init__(reason)
        self.reason: CancelReason = reason
        self.asked_at = asked_at


class Checkout:
    """Runs the sagas of orders, and the compensations of cancelled ones.

    Args:
        last: used instead of `stock` and `payments` for a pending order past its deadline, where those may refuse a call because
            of other orders.
    """

    def __init__(
        self,
        orders: Orders,
        stock: Stock,
        payments: Payments,
        now: Clock = clock.now,
        *,
        last: tuple[Stock, Payments] | None = None,
    ) -> None:
        self._orders = orders
        self._stock = stock
        self._payments = payments
        self._now = now
        self._last = last or (stock, payments)

    def advance(self, order_id: str) -> None:
        """Continue the order from the state of its item, as far as possible now.

        Raises:
            ComeAgain: the inventory or the payment provider does not answer.
        """
        order = self._orders.find(order_id)
        if order is None:
            # An event is written with its order and no order is deleted: no later delivery would find it either.
            logging.logger().error("no such order", extra={"order_id": order_id})
            return
        if order.has_another_message(self._now()):
            logging.logger().debug("a duplicate of a message", extra={"order_id": order_id})
            return
        for _ in range(_RACES):
            try:
                self._go_on(order)
            except OrderChanged as race:
                # Cancelled meanwhile, or another worker was faster: continue from the order as it is now.
                order = race.current
            else:
                return
        logging.logger().warning("lost every race for an order", extra={"order_id": order_id})

    def _go_on(self, order: Order) -> None:
        if order.status == "pending":
            self._check_out(order)
        elif order.status == "cancelled" and order.due_at:
            self._give_back(order)

    def _check_out(self, order: Order) -> None:
        is_last = self._now() >= order.deadline
        stock, payments = self._last if is_last else (self._stock, self._payments)
        try:
            self._command(order, stock.confirm)
            payment = self._authorized(order, payments)
            order = order.with_payment(payment.id)
            if payment.state == "authorized":
                payment = self._moved(order, "authorized", payments.capture)
        except ReservationEnded:
            self._cancel(order, "reservation_expired")
        except _Unanswered as step:
            # A fault before the deadline may be over: no order is cancelled for it.
            if step.asked_at < order.deadline:
                self._wait(order, step.reason)
            else:
                self._cancel(order, step.reason)
        else:
            match payment.state:
                case "captured":
                    self._change(order, order.confirmed(at=self._now()))
                case "declined":
                    self._cancel(order, "payment_declined")
                case _:
                    self._cancel(order, "payment_expired")

    def _authorized(self, order: Order, payments: Payments) -> Payment:
        """The order's payment, found if it may exist and the provider may have forgotten its key, else authorised."""

        def find() -> Payment | None:
            return payments.find(order.id, order.payment_id)

        def authorize() -> Payment:
            return payments.authorize(
                order.id,
                amount_minor=order.total_minor,
                currency=order.currency,
                token=order.payment_token,
            )

        if order.payment_id:
            return self._asked(order, find)
        if order.age(self._now()) > _KEYS_ARE_KEPT:
            return self._asked(order, lambda: find() or authorize())
        return self._asked(order, authorize)

    def _cancel(self, order: Order, reason: CancelReason) -> None:
        cancelled = order.cancelled(at=self._now(), reason=reason)
        self._change(order, cancelled)
        self._give_back(cancelled)

    def _give_back(self, order: Order) -> None:
        """Give back the stock and the money that were taken; retried until both are back. Neither waits for the other."""
        # At each attempt, so that the metric's maximum is the age of the oldest.
        metrics.seconds("CompensationAge", order.age(self._now()).total_seconds())
        waits: _Unanswered | None = None
        for give_back in (self._release, self._repay):
            try:
                give_back(order)
            except _Unanswered as step:
                waits = step
        if waits:
            self._wait(order, waits.reason)
            return
        self._orders.settle(order)
        logging.logger().info("gave everything back", extra={"order_id": order.id})

    def _release(self, order: Order) -> None:
        self._command(order, self._stock.release)

    def _repay(self, order: Order) -> None:
        payment = self._moved(order, "authorized", self._payments.void)
        if payment.state == "captured":
            self._moved(order, "captured", self._payments.refund)

    def _wait(self, order: Order, reason: CancelReason) -> None:
        """Send the order's message again with a delay, unless another one is on its way."""
        now = self._now()
        logging.logger().warning("the order waits: %s", reason, extra={"order_id": order.id})
        is_stock = reason == "inventory_unavailable"
        metrics.count("InventoryWaiting" if is_stock else "PaymentsWaiting")
        if order.status == "pending":
            metrics.seconds("OrderAge", order.age(now).total_seconds())
        seconds = _pause(order, now)
        until = now + timedelta(seconds=seconds) + LEASE
        if self._orders.defer(order, until=clock.rfc3339(until)):
            raise ComeAgain(seconds)

    def _change(self, before: Order, after: Order) -> None:
        self._orders.change(before, after)
        logging.logger().info("order is %s", after.status, extra={"order_id": after.id})
        metrics.count(f"Orders{after.status.title()}")

    def _command(self, order: Order, command: Callable[[str], None]) -> None:
        """Call the inventory.

        Raises:
            _Unanswered: it may be done or not.
            ReservationEnded: see `Stock`.
        """
        asked_at = self._now()
        try:
            command(order.id)
        except StockUnavailable as cause:
            raise _Unanswered("inventory_unavailable", cause.asked_at or asked_at) from cause

    def _moved(
        self, order: Order, from_: PaymentState, operation: Callable[[str, str | None], Payment]
    ) -> Payment:
        """What the payment is after an operation that takes it out of a state.

        Raises:
            _Unanswered: it may be done or not, or it is not.
        """
        return self._asked(order, lambda: operation(order.id, order.payment_id), undone=from_)

    def _asked(
        self,
        order: Order,
        operation: Callable[[], Payment | None],
        *,
        undone: PaymentState | None = None,
    ) -> Payment:
        """What the payment is after an operation on it. If the operation's outcome is unknown, the payment is looked up.

        Raises:
            _Unanswered: the outcome stays unknown, the provider does not know the payment, or its state is `undone`.
        """
        asked_at = self._now()
        try:
            try:
                payment = operation()
            except PaymentOutcomeUnknown:
                payment = self._payments.find(order.id, order.payment_id)
        except PaymentUnavailable as cause:
            raise _Unanswered("payment_unavailable", cause.asked_at or asked_at) from cause
        except (PaymentOutcomeUnknown, NoSuchPayment) as cause:
            raise _Unanswered("payment_unavailable", asked_at) from cause
        if payment is None or payment.state == undone:
            # The operation may not have arrived yet. A retry is safe: by its key it is the same payment.
            raise _Unanswered("payment_unavailable", asked_at)
        return payment


def _pause(order: Order, now: datetime) -> float:
    """Seconds until a waiting order is retried: in time for its deadline, and often after it."""
    waited = order.age(now).total_seconds()
    if order.status != "pending":
        return pause(waited, longest=_LONGEST_PAUSE)
    left = (order.deadline - now).total_seconds()
    if left <= 0:
        return pause(waited, longest=_LAST_PAUSE)
    return min(pause(waited, longest=_LONGEST_PAUSE), left + 1)

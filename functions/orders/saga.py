"""The saga: takes an order from placed to confirmed, or gives everything back.

    authorise the payment ─► confirm the stock ─► capture ─► [confirmed]
      │ declined, or down      │ its reservation has ended
      │ past the deadline      │
      └──────────────────► [cancelled] ─► release the stock ─► void or refund ─► [settled]

Only what stands in brackets is written. Each step is idempotent by the order's id, so whoever starts again from the
last write repeats what is done already and goes on: the steps need no marks of their own.

A worker that was thought dead may go on at any point beside another one. It cannot do harm: a cancelled order's
release leaves a tombstone against its `reserve` and `confirm`, `void` one against its `authorize` and `capture`,
and the order's version stands against its writes. Stock that was sold for it comes back by `release`, money that was
captured by `refund`.
"""

from collections.abc import Callable

from orders.errors import OrderChanged
from orders.models import PATIENCE, CancelReason, Order
from orders.payments import Payment, PaymentOutcomeUnknown, Payments, PaymentUnavailable
from orders.ports import DueOrder, Orders, Stock
from shared import clock, logging, metrics
from shared.clock import Clock
from shared.contracts.inventory import ReservationEnded
from shared.deadline import Deadline

_RACES = 5
_ADVANCE_SECONDS = 15.0


class _Later(Exception):
    """The payment provider gives no answer now: the sweeper goes on in a minute."""


class Checkout:
    """Runs the sagas of orders, and the compensations of cancelled ones.

    A provider that is slow or down raises nothing: the order stays due and the sweeper goes on, so that no message
    ends in the dead-letter queue for it.
    """

    def __init__(
        self, orders: Orders, stock: Stock, payments: Payments, now: Clock = clock.now
    ) -> None:
        self._orders = orders
        self._stock = stock
        self._payments = payments
        self._now = now

    def advance(self, order_id: str) -> None:
        """Go on with the order from where its item says it is, as far as it goes now.

        Raises:
            CallFailed: the inventory does not answer; try again.
        """
        order = self._orders.find(order_id)
        if order is None:
            # An event is written with its order and no order is deleted: no later delivery would find it either.
            logging.logger().error("no such order", extra={"order_id": order_id})
            return
        for _ in range(_RACES):
            try:
                self._go_on(order)
            except OrderChanged as race:
                # Cancelled meanwhile, or another worker was faster. What was done in flight is seen from there.
                order = race.current
            except _Later:
                logging.logger().warning("the payment waits", extra={"order_id": order_id})
                metrics.count("PaymentsWaiting")
                return
            else:
                return
        logging.logger().warning("lost every race for an order", extra={"order_id": order_id})

    def sweep(self, deadline: Deadline) -> int:
        """Go on with the orders that are due; return how many there were."""
        now = self._now()
        due = self._orders.due(clock.rfc3339(now))
        for order in due:
            if not deadline.allows(_ADVANCE_SECONDS):
                break
            self._advance_due(order, until=clock.rfc3339(now + PATIENCE))
        if due:
            metrics.count("OrdersSwept", len(due))
        return len(due)

    def _advance_due(self, order: DueOrder, *, until: str) -> None:
        # Claimed before it is worked on: one that fails, or takes all the time there is, goes to the end of the line.
        if not self._orders.claim(order, until=until):
            return
        try:
            self.advance(order.id)
        except Exception:  # noqa: BLE001  # one order's trouble must not keep the others waiting; it is due again
            logging.logger().exception("could not go on", extra={"order_id": order.id})
            metrics.count("OrdersStuck")

    def _go_on(self, order: Order) -> None:
        if order.status == "pending":
            self._check_out(order)
        elif order.status == "cancelled" and order.due_at:
            self._give_back(order)

    def _check_out(self, order: Order) -> None:
        try:
            payment = self._authorize(order)
        except _Later:
            if not order.is_past_deadline(self._now()):
                raise
            self._cancel(order, "payment_unavailable")
            return
        if payment.state == "declined":
            self._cancel(order, "payment_declined")
            return
        try:
            self._stock.confirm(order.id)
        except ReservationEnded:
            self._cancel(order, "reservation_expired")
            return
        payment = self._asked(order, lambda: self._payments.capture(order.id))
        if payment.state != "captured":
            # Not yet; or void, since the order was cancelled, and then what comes later finds nothing to do.
            raise _Later
        self._change(order, order.confirmed(at=self._now()))

    def _authorize(self, order: Order) -> Payment:
        return self._asked(
            order,
            lambda: self._payments.authorize(
                order.id,
                amount_minor=order.total_minor,
                currency=order.currency,
                token=order.payment_token,
            ),
        )

    def _cancel(self, order: Order, reason: CancelReason) -> None:
        cancelled = order.cancelled(at=self._now(), reason=reason)
        self._change(order, cancelled)
        self._give_back(cancelled)

    def _give_back(self, order: Order) -> None:
        """Stock and money, whatever of them was taken. Repeated for ever, by the sweeper, until it is done."""
        # At each attempt, so that its maximum tells of the one that has waited longest.
        metrics.seconds("CompensationAge", order.age(self._now()).total_seconds())
        self._stock.release(order.id)
        payment = self._asked(order, lambda: self._payments.void(order.id))
        if payment.state == "captured":
            payment = self._asked(order, lambda: self._payments.refund(order.id))
        if payment.state in ("authorized", "captured"):
            raise _Later
        self._orders.settle(order)
        logging.logger().info("gave everything back", extra={"order_id": order.id})

    def _change(self, before: Order, after: Order) -> None:
        self._orders.change(before, after)
        logging.logger().info("order is %s", after.status, extra={"order_id": after.id})
        metrics.count(f"Orders{after.status.title()}")

    def _asked(self, order: Order, operation: Callable[[], Payment]) -> Payment:
        """What the payment is after an operation on it; where its answer did not come, the provider is asked."""
        try:
            try:
                return operation()
            except PaymentOutcomeUnknown:
                payment = self._payments.find(order.id)
        except (PaymentUnavailable, PaymentOutcomeUnknown) as cause:
            raise _Later from cause
        if payment is None:
            # Not yet, perhaps: asked again, it is the same payment by its key.
            raise _Later
        return payment

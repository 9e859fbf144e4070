"""The calls of the inventory and the payment provider by the checkout, each behind a circuit."""

from collections.abc import Callable

from orders.models import CancelReason, Order
from orders.payments.ports import NoSuchPayment, PaymentOutcomeUnknown, PaymentUnavailable
from orders.ports import StockUnavailable
from orders.saga_circuit import CircuitOpen, SagaCircuit
from shared.errors import Contended, OwnError
from shared.runtime import steps
from shared.runtime.clock import Clock


class Unanswered(OwnError):
    """The inventory or the payment provider was not called, or did not answer: the step has to
    wait.

    Attributes:
        reason: why the order is cancelled if its deadline has passed.
    """

    def __init__(self, reason: CancelReason) -> None:
        super().__init__(reason)
        self.reason: CancelReason = reason


class SagaCalls:
    """Calls for orders."""

    def __init__(self, now: Clock) -> None:
        self._stock = SagaCircuit("inventory", (StockUnavailable,), now)
        failures = (PaymentUnavailable, PaymentOutcomeUnknown)
        self._payments = SagaCircuit("payments", failures, now)

    def stock(self, order: Order, command: Callable[[], None]) -> None:
        """Call the inventory.

        Raises:
            Unanswered: the command may have been executed, or has to wait.
            ReservationEnded: see `Stock`.
        """
        try:
            self._stock.call(order, command)
        except (CircuitOpen, Contended, StockUnavailable) as cause:
            raise Unanswered("inventory_unavailable") from cause

    def payments[R](
        self,
        order: Order,
        step: str,
        operation: Callable[[], R | None],
        find: Callable[[], R | None],
    ) -> R:
        """The result of an operation of the provider, or what `find` returns if it is unknown.

        Args:
            step: the operation's name in logs.

        Raises:
            Unanswered: the result is still unknown, or the provider does not know the payment.
            RefundRefused: see `Payments`.
        """

        def call(name: str, operation: Callable[[], R | None]) -> R | None:
            def timed() -> R | None:
                with steps.timed(name):
                    return operation()

            return self._payments.call(order, timed)

        try:
            try:
                result = call(step, operation)
            except PaymentOutcomeUnknown:
                result = call("find", find)
        except (
            CircuitOpen,
            PaymentUnavailable,
            PaymentOutcomeUnknown,
            NoSuchPayment,
        ) as cause:
            raise Unanswered("payment_unavailable") from cause
        if result is None:
            raise Unanswered("payment_unavailable")
        return result

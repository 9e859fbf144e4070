"""The services behind the saga, each with a circuit: while one is down, most messages do not wait for it.

What opens a circuit are calls for other orders, which may fail for a reason of their own, such as a card whose bank is down. No order
is cancelled for that: its last attempts are made by what is `insisting`.
"""

from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from typing import Final, Self

from orders.payments import Payment, PaymentOutcomeUnknown, Payments, PaymentUnavailable
from orders.ports import Stock, StockUnavailable
from shared.calls.local_circuit import LocalCircuit
from shared.runtime import clock
from shared.runtime.clock import Clock

_FAILURES: Final = 5
_PAUSE: Final = timedelta(seconds=10)


class _Guard:
    """Opens its circuit when calls for five orders have failed in a row: one order that always fails does not open it.

    Args:
        unavailable: makes the exception of a call that is not made, from the time of the last call that failed.
        failures: the exceptions of a call that was made and not answered.
        now: the clock.
    """

    def __init__(
        self,
        unavailable: Callable[[datetime | None], Exception],
        failures: tuple[type[Exception], ...],
        now: Clock,
    ) -> None:
        self._unavailable = unavailable
        self._failures = failures
        self._now = now
        self._circuit = LocalCircuit(failures=_FAILURES, pause=_PAUSE, now=now)
        self._failing: set[str] = set()
        self._asked_at: datetime | None = None

    def call[T](self, order_id: str, operation: Callable[[], T], *, insists: bool) -> T:
        if self._circuit.is_open and not insists:
            raise self._unavailable(self._asked_at)
        asked_at = self._now()
        try:
            answer = operation()
        except self._failures:
            self._failed(order_id, asked_at)
            raise
        except Exception:
            self._succeeded()
            raise
        self._succeeded()
        return answer

    def _failed(self, order_id: str, asked_at: datetime) -> None:
        self._asked_at = asked_at
        if len(self._failing) == _FAILURES or order_id not in self._failing:
            self._circuit.failed()
        if len(self._failing) < _FAILURES:
            self._failing.add(order_id)

    def _succeeded(self) -> None:
        self._circuit.succeeded()
        self._failing.clear()


class GuardedPayments:
    """A payment provider that is not called while its circuit is open: each method then raises `PaymentUnavailable`."""

    def __init__(self, payments: Payments, now: Clock = clock.now) -> None:
        self._payments = payments
        failures = (PaymentUnavailable, PaymentOutcomeUnknown)
        self._guard = _Guard(PaymentUnavailable, failures, now)
        self._insists = False

    @property
    def insisting(self) -> Self:
        """The same one with the same circuit, which is asked also while that is open."""
        insisting = copy(self)
        insisting._insists = True  # noqa: SLF001  # its own
        return insisting

    def authorize(self, key: str, *, amount_minor: int, currency: str, token: str) -> Payment:
        return self._call(
            key,
            lambda: self._payments.authorize(
                key, amount_minor=amount_minor, currency=currency, token=token
            ),
        )

    def capture(self, key: str, payment_id: str | None, /) -> Payment:
        return self._call(key, lambda: self._payments.capture(key, payment_id))

    def void(self, key: str, payment_id: str | None, /) -> Payment:
        return self._call(key, lambda: self._payments.void(key, payment_id))

    def refund(self, key: str, payment_id: str | None, /) -> Payment:
        return self._call(key, lambda: self._payments.refund(key, payment_id))

    def find(self, key: str, payment_id: str | None, /) -> Payment | None:
        return self._call(key, lambda: self._payments.find(key, payment_id))

    def _call[T](self, key: str, operation: Callable[[], T]) -> T:
        return self._guard.call(key, operation, insists=self._insists)


class GuardedStock:
    """An inventory that is not called while its circuit is open: each method then raises `StockUnavailable`."""

    def __init__(self, stock: Stock, now: Clock = clock.now) -> None:
        self._stock = stock
        self._guard = _Guard(StockUnavailable, (StockUnavailable,), now)
        self._insists = False

    @property
    def insisting(self) -> Self:
        """The same one with the same circuit, which is asked also while that is open."""
        insisting = copy(self)
        insisting._insists = True  # noqa: SLF001  # its own
        return insisting

    def confirm(self, order_id: str) -> None:
        self._guard.call(order_id, lambda: self._stock.confirm(order_id), insists=self._insists)

    def release(self, order_id: str) -> None:
        self._guard.call(order_id, lambda: self._stock.release(order_id), insists=self._insists)

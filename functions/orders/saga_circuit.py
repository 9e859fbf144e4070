"""The circuit between the saga and a service: while the service is down, the messages of most
orders do not wait for it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from orders.models import Order
from shared.calls.local_circuit import LocalCircuit
from shared.errors import OwnError
from shared.runtime import steps
from shared.runtime.clock import Clock

_FAILURES: Final = 5
_PAUSE: Final = timedelta(seconds=10)


class CircuitOpen(OwnError):
    """The service was not called: its calls for other orders have just failed."""


class SagaCircuit:
    """Opens when calls for five orders have failed in a row. A single order that always fails does
    not open it.

    The calls for other orders may fail for another reason, such as the bank of a card. No
    order is cancelled because of them: past its deadline an order's calls are made also while the
    circuit is open.

    Args:
        service: the service's name in logs.
        failures: the exceptions that mean that the service did not answer.
        now: the clock.
    """

    def __init__(self, service: str, failures: tuple[type[Exception], ...], now: Clock) -> None:
        self._service = service
        self._failures = failures
        self._now = now
        self._circuit = LocalCircuit(failures=_FAILURES, pause=_PAUSE, now=now)
        self._failing: set[str] = set()

    def call[T](self, order: Order, operation: Callable[[], T]) -> T:
        """Call the service for an order.

        Raises:
            CircuitOpen: the call was not made.
        """
        if self._circuit.is_open and not order.is_past_deadline(self._now()):
            steps.skipped(self._service, CircuitOpen.__name__)
            raise CircuitOpen
        try:
            answer = operation()
        except self._failures:
            self._failed(order.id)
            raise
        except Exception:
            self._succeeded()
            raise
        self._succeeded()
        return answer

    def _failed(self, order_id: str) -> None:
        if len(self._failing) == _FAILURES or order_id not in self._failing:
            self._circuit.failed()
        if len(self._failing) < _FAILURES:
            self._failing.add(order_id)

    def _succeeded(self) -> None:
        self._circuit.succeeded()
        self._failing.clear()

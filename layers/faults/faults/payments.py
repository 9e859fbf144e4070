"""Faults of the payment provider, at its port: the sandbox calls nothing but its table."""

import time
from collections.abc import Callable
from typing import Any, Final, cast

from faults import plan
from faults.current import Draw, current
from orders.payments.ports import PaymentOutcomeUnknown, Payments, PaymentUnavailable

_READ_SECONDS: Final = 8.0  # as in orders.payments.stripe_transport


class _Faulty:
    def __init__(self, payments: Payments, draw: Draw, sleep: Callable[[float], None]) -> None:
        self._payments = payments
        self._draw = draw
        self._sleep = sleep

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._payments, name)
        if not callable(operation):
            return operation

        def called(*arguments: Any, **named: Any) -> Any:
            match self._draw("payments"):
                case "latency":
                    self._sleep(plan.LATENCY_SECONDS)
                case "hang":
                    # The worst case: the provider has done it.
                    operation(*arguments, **named)
                    self._sleep(_READ_SECONDS)
                    raise PaymentOutcomeUnknown
                case "error":
                    raise PaymentOutcomeUnknown
                case "throttle":
                    raise PaymentUnavailable
            return operation(*arguments, **named)

        return called


def faulty(
    payments: Payments,
    draw: Draw = lambda target: current().draw(target),
    sleep: Callable[[float], None] = time.sleep,
) -> Payments:
    """The provider, whose calls fail while a fault is on."""
    return cast(Payments, _Faulty(payments, draw, sleep))

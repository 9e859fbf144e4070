"""Faults of the payment provider, at its port."""

import pytest

from faults.payments import faulty
from orders.payments.ports import Charge, PaymentOutcomeUnknown, PaymentUnavailable
from orders.payments.sandbox import SandboxPayments
from orders.payments.stripe_transport import READ_SECONDS
from tests.support.aws import simulated_table

CHARGE = Charge("order-1", 1100, "EUR", "tok_ok", None)


@pytest.mark.parametrize(
    ("kind", "error", "is_done", "slept"),
    [
        (None, None, True, []),
        ("latency", None, True, [1.0]),
        ("hang", PaymentOutcomeUnknown, True, [READ_SECONDS]),
        ("error", PaymentOutcomeUnknown, False, []),
        ("throttle", PaymentUnavailable, False, []),
    ],
)
def test_fault_is_one_that_the_port_names(
    kind: str | None, error: type[Exception] | None, is_done: bool, slept: list[float]
) -> None:
    provider = SandboxPayments(simulated_table("OrdersTable"))
    waits: list[float] = []
    payments = faulty(provider, lambda _: kind, waits.append)
    assert payments.name == "sandbox"
    if error is None:
        assert payments.authorize(CHARGE).state == "authorized"
    else:
        with pytest.raises(error):
            payments.authorize(CHARGE)
    assert (provider.find(CHARGE) is not None) == is_done
    assert waits == slept

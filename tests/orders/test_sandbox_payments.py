"""The contract of a payment provider, held by the fake and by the sandbox."""

import pytest

from orders.ports import (
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    Payments,
    PaymentState,
    PaymentUnavailable,
)
from orders.sandbox_payments import SandboxPayments
from tests.orders.fakes import InMemoryPayments
from tests.support.aws import make_table


@pytest.fixture(params=["fake", "sandbox"])
def payments(request: pytest.FixtureRequest) -> Payments:
    if request.param == "fake":
        return InMemoryPayments()
    request.getfixturevalue("account")
    return SandboxPayments(make_table("OrdersTable"))


def run(payments: Payments, operation: str, token: str = "tok_ok") -> PaymentState:
    """Execute the operation by its name; return the payment's state after it."""
    payment: Payment
    if operation == "authorize":
        payment = payments.authorize("k", amount_minor=1999, currency="EUR", token=token)
    else:
        payment = getattr(payments, operation)("k", None)
    assert payments.find("k", None) == payment
    return payment.state


@pytest.mark.parametrize(
    "steps",
    [
        (
            "authorize:authorized authorize:authorized capture:captured capture:captured "
            "authorize:captured void:captured refund:refunded refund:refunded capture:refunded"
        ),
        "authorize:authorized void:voided void:voided capture:voided refund:voided",
        "void:voided authorize:voided capture:voided",
    ],
)
def test_operation_is_idempotent_by_the_state_of_the_payment(
    payments: Payments, steps: str
) -> None:
    for step in steps.split():
        operation, _, state = step.partition(":")
        assert (operation, run(payments, operation)) == (operation, state)


@pytest.mark.parametrize("token", ["tok_declined", "tok_unknown"])
def test_payment_is_declined_for_other_tokens(payments: Payments, token: str) -> None:
    assert run(payments, "authorize", token) == "declined"
    for operation in ("capture", "void", "refund"):
        assert run(payments, operation) == "declined"


def test_payment_is_authorised_without_an_answer_for_tok_timeout(payments: Payments) -> None:
    for _ in range(2):
        with pytest.raises(PaymentOutcomeUnknown):
            run(payments, "authorize", "tok_timeout")
    found = payments.find("k", None)
    assert found
    assert found.state == "authorized"
    assert run(payments, "capture") == "captured"


def test_payment_is_not_made_while_the_provider_is_unavailable(payments: Payments) -> None:
    with pytest.raises(PaymentUnavailable):
        run(payments, "authorize", "tok_unavailable")
    assert payments.find("k", None) is None


@pytest.mark.parametrize("operation", ["capture", "refund"])
def test_payment_that_does_not_exist_is_not_captured_or_refunded(
    payments: Payments, operation: str
) -> None:
    with pytest.raises(NoSuchPayment):
        run(payments, operation)

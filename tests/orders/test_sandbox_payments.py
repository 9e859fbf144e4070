"""The contract of a payment provider."""

import pytest

from orders.ports import (
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    Payments,
    PaymentUnavailable,
)
from orders.sandbox_payments import SandboxPayments
from shared.storage.dynamodb import Table


@pytest.fixture
def payments(table: Table) -> Payments:
    return SandboxPayments(table)


def run(payments: Payments, operation: str, token: str = "tok_ok") -> Payment:
    if operation == "authorize":
        return payments.authorize("k", amount_minor=1999, currency="EUR", token=token)
    payment: Payment = getattr(payments, operation)("k", None)
    return payment


@pytest.mark.parametrize(
    ("token", "steps"),
    [
        ("tok_ok", "authorize:authorized authorize:authorized void:voided authorize:voided"),
        ("tok_ok", "authorize:authorized capture:captured authorize:captured void:captured"),
        ("tok_ok", "authorize:authorized capture:captured refund:refunded capture:refunded"),
        ("tok_ok", "authorize:authorized void:voided capture:voided refund:voided"),
        ("tok_ok", "void:voided authorize:voided capture:voided"),
        ("tok_declined", "authorize:declined capture:declined void:declined refund:declined"),
        ("tok_unknown", "authorize:declined capture:declined void:declined refund:declined"),
    ],
)
def test_operation_is_idempotent_by_the_state_of_the_payment(
    payments: Payments, token: str, steps: str
) -> None:
    for step in steps.split():
        operation, _, state = step.partition(":")
        for _ in range(2):
            payment = run(payments, operation, token)
            assert (operation, payment.state) == (operation, state)
            assert payments.find("k", None) == payment


def test_payment_is_authorised_without_an_answer_for_tok_timeout(payments: Payments) -> None:
    for _ in range(2):
        with pytest.raises(PaymentOutcomeUnknown):
            run(payments, "authorize", "tok_timeout")
    found = payments.find("k", None)
    assert found
    assert found.state == "authorized"
    assert run(payments, "capture").state == "captured"


def test_payment_that_was_not_made_is_neither_found_nor_captured(payments: Payments) -> None:
    with pytest.raises(PaymentUnavailable):
        run(payments, "authorize", "tok_unavailable")
    assert payments.find("k", None) is None
    for operation in ("capture", "refund"):
        with pytest.raises(NoSuchPayment):
            run(payments, operation)

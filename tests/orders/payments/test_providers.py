"""The contract of a payment provider: every adapter passes it."""

from dataclasses import replace

import pytest

from orders.payments.ports import (
    Charge,
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    Payments,
    PaymentUnavailable,
    RefundRefused,
)
from orders.payments.sandbox import SandboxPayments
from shared.storage.dynamodb import Table

CHARGE = Charge("k", 1999, "EUR", "tok_ok", None)


@pytest.fixture
def payments(table: Table) -> Payments:
    return SandboxPayments(table)


def run(payments: Payments, operation: str, token: str = "tok_ok") -> Payment:
    payment: Payment = getattr(payments, operation)(replace(CHARGE, token=token))
    return payment


@pytest.mark.parametrize(
    ("token", "steps"),
    [
        ("tok_ok", "authorize:authorized authorize:authorized void:voided authorize:voided"),
        ("tok_ok", "authorize:authorized capture:captured authorize:captured void:captured"),
        ("tok_ok", "authorize:authorized void:voided capture:voided"),
        ("tok_ok", "void:voided authorize:voided capture:voided"),
        ("tok_declined", "authorize:declined capture:declined void:declined"),
        ("tok_unknown", "authorize:declined capture:declined void:declined"),
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
            assert payments.find(CHARGE) == payment


def test_payment_is_authorised_without_an_answer_for_tok_timeout(payments: Payments) -> None:
    for _ in range(2):
        with pytest.raises(PaymentOutcomeUnknown):
            run(payments, "authorize", "tok_timeout")
    found = payments.find(CHARGE)
    assert found
    assert found.state == "authorized"
    assert run(payments, "capture").state == "captured"


def test_payment_that_was_not_made_is_neither_found_nor_captured(payments: Payments) -> None:
    with pytest.raises(PaymentUnavailable):
        run(payments, "authorize", "tok_unavailable")
    assert payments.find(CHARGE) is None
    with pytest.raises(NoSuchPayment):
        run(payments, "capture")
    with pytest.raises(NoSuchPayment):
        payments.refund(CHARGE, key="r", amount_minor=1)


def test_refund_is_made_once_for_each_key(payments: Payments) -> None:
    run(payments, "authorize")
    run(payments, "capture")
    for key, amount, state in (("r1", 999, "captured"), ("r2", 1000, "refunded")):
        assert payments.find_refund(CHARGE, key=key) is None
        for _ in range(2):
            assert payments.refund(CHARGE, key=key, amount_minor=amount) == "succeeded"
        assert payments.find_refund(CHARGE, key=key) == "succeeded"
        assert run(payments, "capture").state == run(payments, "void").state == state


def test_refund_of_more_than_is_left_is_refused(payments: Payments) -> None:
    run(payments, "authorize")
    with pytest.raises(RefundRefused):
        payments.refund(CHARGE, key="r", amount_minor=1)
    run(payments, "capture")
    payments.refund(CHARGE, key="r1", amount_minor=1000)
    with pytest.raises(RefundRefused):
        payments.refund(CHARGE, key="r2", amount_minor=1000)
    assert payments.find_refund(CHARGE, key="r2") is None
    assert payments.refund(CHARGE, key="r3", amount_minor=999) == "succeeded"

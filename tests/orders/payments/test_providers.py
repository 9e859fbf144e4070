"""The contract of a payment provider: every adapter passes it."""

from collections.abc import Callable
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
from orders.payments.sandbox import ACTION_TAKES, SandboxPayments
from shared.storage.dynamodb import Table
from tests.support.clock import ManualClock

type LetCustomerAct = Callable[[], None]

CHARGE = Charge("k", 1999, "EUR", "tok_ok", None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def payments(table: Table, clock: ManualClock) -> Payments:
    return SandboxPayments(table, clock)


@pytest.fixture
def let_customer_act(clock: ManualClock) -> LetCustomerAct:
    """The customer of a payment in `action_required` does what the token says."""

    def let_customer_act() -> None:
        clock.now += ACTION_TAKES

    return let_customer_act


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


@pytest.mark.parametrize(
    ("token", "steps"),
    [
        ("tok_action", "authorize:authorized capture:captured void:captured"),
        ("tok_action", "capture:captured authorize:captured"),
        ("tok_action", "void:voided capture:voided"),
        ("tok_action_failed", "authorize:declined capture:declined void:declined"),
        ("tok_action_failed", "void:declined"),
        ("tok_action_abandoned", "authorize:action_required capture:action_required void:voided"),
    ],
)
def test_payment_is_decided_when_its_customer_has_acted(
    payments: Payments, let_customer_act: LetCustomerAct, token: str, steps: str
) -> None:
    asked = run(payments, "authorize", token)
    assert asked.state == "action_required"
    assert asked.client_secret
    for operation in ("authorize", "capture"):
        assert run(payments, operation, token) == asked
        assert payments.find(CHARGE) == asked
    let_customer_act()
    for step in steps.split():
        operation, _, state = step.partition(":")
        payment = run(payments, operation, token)
        assert (operation, payment.state) == (operation, state)
        assert payments.find(CHARGE) == payment
        assert (payment.client_secret is None) == (state != "action_required")


@pytest.mark.parametrize("token", ["tok_action", "tok_action_failed", "tok_action_abandoned"])
def test_payment_that_is_voided_before_its_customer_acts_stays_void(
    payments: Payments, let_customer_act: LetCustomerAct, token: str
) -> None:
    run(payments, "authorize", token)
    assert run(payments, "void", token).state == "voided"
    let_customer_act()
    for operation in ("authorize", "capture", "void"):
        assert run(payments, operation, token).state == "voided"


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

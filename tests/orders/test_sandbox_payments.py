"""The promises of a payment provider: of the fake, and of the sandbox (on moto)."""

import pytest

from orders.ports import (
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    Payments,
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


def authorized(payments: Payments, token: str = "tok_ok") -> Payment:
    return payments.authorize("k", amount_minor=1999, currency="EUR", token=token)


def test_money_is_held_then_taken_then_given_back(payments: Payments) -> None:
    held = authorized(payments)
    assert held.state == "authorized"
    assert payments.capture("k", held.id).state == "captured"
    assert payments.refund("k", None).state == "refunded"
    assert payments.find("k", None) == Payment("k", held.id, "refunded")


def test_doing_it_again_changes_nothing(payments: Payments) -> None:
    authorized(payments)
    assert authorized(payments).state == "authorized"
    payments.capture("k", None)
    assert payments.capture("k", None).state == "captured"
    assert authorized(payments).state == "captured"
    payments.refund("k", None)
    assert payments.refund("k", None).state == "refunded"
    assert payments.capture("k", None).state == "refunded"


def test_money_that_is_held_is_let_go_of(payments: Payments) -> None:
    authorized(payments)
    assert payments.void("k", None).state == "voided"
    assert payments.void("k", None).state == "voided"
    assert payments.capture("k", None).state == "voided"


def test_money_that_was_taken_is_not_voided(payments: Payments) -> None:
    authorized(payments)
    payments.capture("k", None)
    assert payments.void("k", None).state == "captured"


def test_a_voided_payment_that_never_began_cannot_begin(payments: Payments) -> None:
    assert payments.void("k", None).state == "voided"
    assert authorized(payments).state == "voided"
    assert payments.capture("k", None).state == "voided"


@pytest.mark.parametrize("token", ["tok_declined", "tok_of_nobody"])
def test_a_card_is_declined(payments: Payments, token: str) -> None:
    assert authorized(payments, token).state == "declined"
    assert payments.capture("k", None).state == "declined"
    assert payments.void("k", None).state == "declined"
    assert payments.refund("k", None).state == "declined"


def test_a_charge_goes_through_and_its_answer_never_comes(payments: Payments) -> None:
    for _ in range(2):
        with pytest.raises(PaymentOutcomeUnknown):
            authorized(payments, "tok_timeout")
    found = payments.find("k", None)
    assert found
    assert found.state == "authorized"
    assert payments.capture("k", None).state == "captured"


def test_nothing_happens_while_the_provider_is_down(payments: Payments) -> None:
    with pytest.raises(PaymentUnavailable):
        authorized(payments, "tok_unavailable")
    assert payments.find("k", None) is None


def test_money_that_was_never_held_is_neither_taken_nor_given_back(payments: Payments) -> None:
    with pytest.raises(NoSuchPayment):
        payments.capture("k", None)
    with pytest.raises(NoSuchPayment):
        payments.refund("k", None)

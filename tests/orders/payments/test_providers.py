"""The contract of a payment provider: every adapter passes it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from orders.payments.ports import (
    Charge,
    NoSuchPayment,
    Payment,
    PaymentOutcomeUnknown,
    PaymentRecords,
    Payments,
    PaymentUnavailable,
    RefundRefused,
)
from orders.payments.sandbox import ACTION_TAKES, SandboxPayments
from orders.payments.stripe import StripePayments
from shared.storage.dynamodb import Table
from tests.orders.payments.stripe_requests import (
    TIMES_OUT,
    UNAVAILABLE,
    MemoryTransport,
    adapter,
    authenticate,
    secrets,
)
from tests.support.clock import ManualClock
from tests.support.memory_stripe import MemoryStripe


@dataclass(frozen=True)
class Provider:
    """A provider, and a charge that it does not know yet.

    Attributes:
        tokens: the provider's tokens by those of the sandbox.
        act: the customer of a payment does what the sandbox's token says.
    """

    payments: Payments
    tokens: Mapping[str, str]
    charge: Charge
    act: Callable[[Payment, str], None]

    def run(self, operation: str, token: str = "tok_ok") -> Payment:
        charge = replace(self.charge, token=self.tokens.get(token, token))
        payment: Payment = getattr(self.payments, operation)(charge)
        return payment


def sandbox(charge: Charge, request: pytest.FixtureRequest) -> Provider:
    table: Table = request.getfixturevalue("table")
    clock = ManualClock()

    def act(*_: object) -> None:
        clock.now += ACTION_TAKES

    return Provider(SandboxPayments(table, clock), {}, charge, act)


def stripe(charge: Charge, request: pytest.FixtureRequest) -> Provider:
    address: str = request.getfixturevalue("stripe_address")

    def act(payment: Payment, token: str) -> None:
        if token != "tok_action_abandoned":
            authenticate(address, payment, success=token == "tok_action")

    tokens = {
        "tok_ok": "pm_card_visa",
        "tok_declined": "pm_card_visa_chargeDeclined",
        "tok_timeout": TIMES_OUT,
        "tok_unavailable": UNAVAILABLE,
        "tok_action": "pm_card_threeDSecure2Required",
        "tok_action_failed": "pm_card_threeDSecure2Required",
        "tok_action_abandoned": "pm_card_threeDSecure2Required",
    }
    return Provider(adapter(address), tokens, charge, act)


def stripe_in_memory(charge: Charge, request: pytest.FixtureRequest) -> Provider:
    clock = ManualClock()
    account = MemoryStripe(lambda: clock().timestamp(), search_lags=0)

    def act(*_: object) -> None:
        clock.now += ACTION_TAKES

    return Provider(StripePayments(secrets(), MemoryTransport(account)), {}, charge, act)


@pytest.fixture(params=[sandbox, stripe, stripe_in_memory])
def provider(request: pytest.FixtureRequest) -> Provider:
    charge = Charge(uuid.uuid4().hex, 1999, "EUR", "tok_ok", None)
    made: Provider = request.param(charge, request)
    return made


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
    provider: Provider, token: str, steps: str
) -> None:
    for step in steps.split():
        operation, _, state = step.partition(":")
        for _ in range(2):
            payment = provider.run(operation, token)
            assert (operation, payment.state) == (operation, state)
            assert provider.payments.find(provider.charge) == payment


def test_payment_is_authorised_without_an_answer_for_tok_timeout(provider: Provider) -> None:
    with pytest.raises(PaymentOutcomeUnknown):
        provider.run("authorize", "tok_timeout")
    found = provider.payments.find(provider.charge)
    assert found
    assert found.state == "authorized"
    assert provider.run("capture").state == "captured"


def test_payment_that_was_not_made_is_neither_found_nor_captured(provider: Provider) -> None:
    with pytest.raises(PaymentUnavailable):
        provider.run("authorize", "tok_unavailable")
    assert provider.payments.find(provider.charge) is None
    with pytest.raises(NoSuchPayment):
        provider.run("capture")
    with pytest.raises(NoSuchPayment):
        provider.payments.refund(provider.charge, key="r", amount_minor=1)


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
    provider: Provider, token: str, steps: str
) -> None:
    asked = provider.run("authorize", token)
    assert asked.state == "action_required"
    assert asked.client_secret
    for operation in ("authorize", "capture"):
        assert provider.run(operation, token) == asked
        assert provider.payments.find(provider.charge) == asked
    provider.act(asked, token)
    for step in steps.split():
        operation, _, state = step.partition(":")
        payment = provider.run(operation, token)
        assert (operation, payment.state) == (operation, state)
        assert provider.payments.find(provider.charge) == payment
        assert (payment.client_secret is None) == (state != "action_required")


@pytest.mark.parametrize("token", ["tok_action", "tok_action_failed", "tok_action_abandoned"])
def test_payment_that_is_voided_before_its_customer_acts_stays_void(
    provider: Provider, token: str
) -> None:
    asked = provider.run("authorize", token)
    assert provider.run("void", token).state == "voided"
    provider.act(asked, token)
    for operation in ("authorize", "capture", "void"):
        assert provider.run(operation, token).state == "voided"


def test_payment_of_another_provider_is_not_taken_for_a_void_one(provider: Provider) -> None:
    """A shop that changes its provider gives back nothing by mistake: the order waits."""
    charge = replace(provider.charge, payment_id="pi_of_another_provider")
    for _ in range(2):
        assert provider.payments.find(charge) is None
        with pytest.raises(NoSuchPayment):
            provider.payments.void(charge)
        with pytest.raises(NoSuchPayment):
            provider.payments.refund(charge, key="r", amount_minor=1)


def test_refund_is_made_once_for_each_key(provider: Provider) -> None:
    provider.run("authorize")
    provider.run("capture")
    for key, amount, state in (("r1", 999, "captured"), ("r2", 1000, "refunded")):
        assert provider.payments.find_refund(provider.charge, key=key) is None
        for _ in range(2):
            assert (
                provider.payments.refund(provider.charge, key=key, amount_minor=amount)
                == "succeeded"
            )
        assert provider.payments.find_refund(provider.charge, key=key) == "succeeded"
        assert provider.run("capture").state == provider.run("void").state == state


def test_refund_of_more_than_is_left_is_refused(provider: Provider) -> None:
    payments, charge = provider.payments, provider.charge
    provider.run("authorize")
    with pytest.raises(RefundRefused):
        payments.refund(charge, key="r", amount_minor=1)
    provider.run("capture")
    payments.refund(charge, key="r1", amount_minor=1000)
    with pytest.raises(RefundRefused):
        payments.refund(charge, key="r2", amount_minor=1000)
    assert payments.find_refund(charge, key="r2") is None
    assert payments.refund(charge, key="r3", amount_minor=999) == "succeeded"


@pytest.mark.parametrize("knows_id", [False, True])
@pytest.mark.parametrize("days_ago", [0, 2])
def test_records_have_the_state_and_the_refunds_of_a_payment(
    provider: Provider, days_ago: int, knows_id: bool
) -> None:
    records = cast("PaymentRecords", provider.payments)
    until = datetime.now(UTC) - timedelta(days=days_ago)

    def recorded() -> list[tuple[str, int, dict[str, int]]]:
        charge = replace(provider.charge, token="", payment_id=id_ if knows_id else None)
        found = records.recorded([charge], since=until - timedelta(hours=1), until=until)
        own = [record for record in found if record.key == charge.key]
        return [(record.state, record.amount_minor, dict(record.refunds)) for record in own]

    id_ = None
    assert recorded() == []
    id_ = provider.run("authorize").id
    assert recorded() == [("authorized", 1999, {})]
    provider.run("capture")
    provider.payments.refund(provider.charge, key="some of it", amount_minor=500)
    assert recorded() == [("captured", 1999, {"some of it": 500})]
    provider.payments.refund(provider.charge, key="the rest", amount_minor=1499)
    assert recorded() == [("refunded", 1999, {"some of it": 500, "the rest": 1499})]

"""Reconciliation of a shop that is paid through Stripe, while Stripe is not done."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.simulation.shop import SimulatedShop, opened
from tests.simulation.stripe import paid_through_stripe
from tests.support.lambda_events import SCHEDULED


@pytest.fixture
def shop() -> Iterator[SimulatedShop]:
    with opened() as shop, paid_through_stripe(shop):
        yield shop


def test_refund_that_the_provider_processes_for_days_agrees(shop: SimulatedShop) -> None:
    assert shop.stripe
    order = shop.order((shop.mug, 2), key="one", payment_token="pm_card_visa")
    shop.come_to_rest()
    shop.stripe.refund_status = "pending"
    path = f"/api/v1/orders/{order['id']}/refunds"
    answer = shop.admin.post(path, {"amount": "3.00"}, headers={"Idempotency-Key": "refund"})
    assert answer.status_code == 201, answer.text
    for _ in range(60):
        shop.settle()
        shop.pass_time(timedelta(minutes=5))
        shop.tick("OrdersSweeper")
    assert shop.invoke("OperationsReconciler", SCHEDULED) == 0
    shop.pass_time(timedelta(hours=20))
    assert shop.invoke("OperationsReconciler", SCHEDULED) > 0


def test_payment_that_the_provider_executes_does_not_end_the_comparison(
    shop: SimulatedShop,
) -> None:
    assert shop.stripe
    shop.order((shop.mug, 2), key="one", payment_token="pm_card_visa")
    shop.order((shop.mug, 2), key="two", payment_token="tok_action_abandoned")
    shop.settle()
    shop.pass_time(timedelta(minutes=5))
    [*_, intent] = shop.stripe._state.intents.values()
    assert intent["status"] == "requires_action"
    intent["status"] = "processing"
    assert shop.invoke("OperationsReconciler", SCHEDULED) == 0

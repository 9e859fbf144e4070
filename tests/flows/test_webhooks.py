"""Stripe's webhooks in the whole shop, whose provider is the sandbox: a report that is repeated,
late, of another order or untrue changes nothing, because the saga asks the provider.
"""

import random
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from orders.payments.sandbox import SandboxPayments
from shared.runtime import clock
from tests.flows.views import order_of
from tests.simulation.shop import SimulatedShop
from tests.support.invariants import breaches
from tests.support.stripe import PATH, report, signed
from tools.template import resources

TYPES: Final = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "charge.captured",
    "charge.refunded",
    "charge.refund.updated",
    "refund.failed",
)
UNKNOWN: Final = "0123456789abcdef" * 2


def post(shop: SimulatedShop, order_id: str, type_: str = TYPES[1], **more: Any) -> httpx.Response:
    body = report(order_id, type_, **more)
    return shop.anyone.http.post(PATH, content=body, headers=signed(body, at=clock.now()))


def tell_everything(shop: SimulatedShop, order_id: str) -> None:
    """Every report, twice, in an order that Stripe never has, and deliver the messages."""
    for type_ in (*TYPES, *reversed(TYPES)):
        assert post(shop, order_id, type_, status="canceled", amount=0).status_code == 200
    shop.settle()


def dead_letters(shop: SimulatedShop) -> list[str]:
    return [
        message.body
        for name, queue in shop.cloud.queues.items()
        if name.endswith("DeadLetters")
        for message in queue.messages
    ]


def test_report_brings_a_pending_order_on_as_its_own_message_does(shop: SimulatedShop) -> None:
    order = shop.customer.order((shop.mug, 1))
    assert post(shop, order["id"]).status_code == 200
    shop.deliver("CheckoutQueue")
    assert order_of(shop.customer, order)["status"] == "confirmed"
    shop.come_to_rest()
    assert not breaches(shop.books(), shop.witness)


@pytest.mark.parametrize("status", ["confirmed", "shipped", "cancelled", "declined"])
def test_report_of_an_ended_order_changes_nothing(shop: SimulatedShop, status: str) -> None:
    token = "tok_declined" if status == "declined" else "tok_ok"
    order = shop.customer.order((shop.mug, 1), payment_token=token)
    shop.settle()
    if status in ("shipped", "cancelled"):
        who, verb = (shop.admin, "ship") if status == "shipped" else (shop.customer, "cancel")
        assert who.post(f"/api/v1/orders/{order['id']}/{verb}").is_success
    shop.come_to_rest()
    books = shop.books()
    tell_everything(shop, order["id"])
    assert shop.is_quiet()
    assert shop.books() == books
    assert not dead_letters(shop)


def test_refund_that_fails_after_it_has_succeeded_is_reported_to_the_admins(
    shop: SimulatedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.customer.order((shop.mug, 1))
    shop.settle()
    path = f"/api/v1/orders/{order['id']}/refunds"
    refund = shop.admin.post(path, {"amount": "1.00"}, headers={"Idempotency-Key": "a"}).json()
    shop.come_to_rest()
    monkeypatch.setattr(SandboxPayments, "find_refund", lambda *_, **__: "failed")
    about = {"order_id": order["id"], "refund_key": refund["id"]}
    for type_ in ("refund.updated", "refund.failed", "refund.failed"):
        assert post(shop, order["id"], type_, metadata=about).is_success
    shop.come_to_rest()
    [found] = shop.admin.get(path).json()["refunds"]
    assert found["status"] == "reversed"
    assert order_of(shop.customer, order)["refunded_amount"] == "0.00"
    subjects = [email.subject for email in shop.cloud.handed_over]
    assert subjects.count("A refund has failed") == 1
    assert not dead_letters(shop)


def test_report_of_an_unknown_order_changes_nothing(shop: SimulatedShop) -> None:
    books = shop.books()
    tell_everything(shop, UNKNOWN)
    assert shop.is_quiet()
    assert shop.books() == books
    assert not dead_letters(shop)


def test_forged_and_replayed_reports_reach_no_queue(shop: SimulatedShop) -> None:
    order = shop.customer.order((shop.mug, 1))
    body = report(order["id"])
    sent = signed(body, at=clock.now())
    forged = signed(body, at=clock.now(), secrets=["whsec_guessed"])
    assert shop.anyone.http.post(PATH, content=body, headers=forged).status_code == 400
    shop.pass_time(timedelta(seconds=302))
    assert shop.anyone.http.post(PATH, content=body, headers=sent).status_code == 400
    assert not shop.cloud.queues["CheckoutQueue"].messages


@pytest.mark.parametrize("seed", range(12))
def test_orders_end_as_ever_whatever_is_reported_meanwhile(shop: SimulatedShop, seed: int) -> None:
    chance = random.Random(seed)
    ids = [UNKNOWN]
    for step in range(25):
        match chance.choice(["order", "deliver", "cancel", "time", *["report"] * 4]):
            case "order":
                token = chance.choice(["tok_ok", "tok_timeout", "tok_declined", "tok_unavailable"])
                placed = shop.customer.order((shop.tray, 1), payment_token=token, key=f"{step}")
                ids.append(placed["id"])
            case "deliver":
                shop.publish()
                shop.deliver("CheckoutQueue")
            case "cancel":
                shop.customer.post(f"/api/v1/orders/{chance.choice(ids)}/cancel")
            case "time":
                shop.pass_time(timedelta(seconds=chance.choice([1, 60])))
                shop.tick("OrdersSweeper")
            case _:
                for _ in range(chance.choice([1, 3])):
                    post(shop, chance.choice(ids), chance.choice(TYPES))
    shop.come_to_rest()
    assert not breaches(shop.books(), shop.witness)
    assert not dead_letters(shop)


def test_dispute_makes_one_notification_of_the_admins_however_often_it_is_reported(
    shop: SimulatedShop,
) -> None:
    for minutes in (0, 3, 60):
        shop.pass_time(timedelta(minutes=minutes))
        about = {"id": "du_1", "payment_intent": "pi_1"}
        assert post(shop, UNKNOWN, "charge.dispute.created", **about).is_success
        # The stream loses the event: the sweeper publishes it.
        shop.deliver("CheckoutQueue")
        shop.forget_deliveries()
        shop.pass_time(timedelta(minutes=2))
        shop.come_to_rest()
    page = shop.admin.get("/api/v1/notifications").json()
    [disputed] = [one for one in page["notifications"] if one["type"] == "payment.reported"]
    assert disputed["subject"] == "A customer disputes a payment"
    assert "du_1, pi_1" in disputed["body"]
    assert disputed["status"] == "sent"
    assert not breaches(shop.books(), shop.witness)
    assert not dead_letters(shop)


def test_dispute_and_failed_payout_have_an_alarm_that_says_what_to_do() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    for name in ("PaymentsDisputedAlarm", "PayoutsFailedAlarm"):
        assert "in Stripe's dashboard" in str(alarms[name]["AlarmDescription"])

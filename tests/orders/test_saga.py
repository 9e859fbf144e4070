"""The saga: from placed to confirmed, or everything given back."""

import json

import pytest

from shared import metrics
from tests.orders.builders import NOON, order_id_of
from tests.orders.stage import Stage

# ── Forward ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_paid_sold_and_confirmed(stage: Stage) -> None:
    order = stage.placed()
    stage.advance(order)
    stage.assert_confirmed(order)
    assert stage.payments.done == ["authorize", "capture"]
    assert stage.payments.amounts[order.id] == 1999


def test_an_event_that_comes_again_does_nothing_again(stage: Stage) -> None:
    order = stage.placed()
    for _ in range(3):
        stage.advance(order)
    stage.assert_confirmed(order)
    assert stage.payments.done == ["authorize", "capture"]


@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_an_order_that_has_gone_on_is_left_alone(stage: Stage, status: str) -> None:
    order = stage.placed()
    now = stage.advance(order)
    after = now.shipped(at=NOON)
    stage.orders.change(now, after)
    if status == "delivered":
        now, after = after, after.delivered(at=NOON)
        stage.orders.change(now, after)
    assert stage.advance(order) == after


def test_an_event_of_an_order_that_is_not_there_is_let_go(stage: Stage) -> None:
    stage.saga.advance(order_id_of(404))


def test_a_charge_whose_answer_never_came_is_asked_for_and_confirmed(stage: Stage) -> None:
    order = stage.placed("tok_timeout")
    stage.advance(order)
    stage.assert_confirmed(order)


def test_a_capture_whose_answer_never_came_is_asked_for_and_confirmed(stage: Stage) -> None:
    order = stage.placed()
    stage.payments.mute.add("capture")
    stage.advance(order)
    stage.assert_confirmed(order)


def test_a_charge_of_which_the_provider_knows_nothing_is_not_guessed(stage: Stage) -> None:
    order = stage.placed("tok_timeout")
    stage.payments.down.add("find")
    assert stage.advance(order).status == "pending"
    stage.payments.down.clear()
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


@pytest.mark.parametrize("operation", ["authorize", "capture"])
def test_what_the_provider_never_heard_of_is_asked_for_again(stage: Stage, operation: str) -> None:
    order = stage.placed()
    stage.payments.lost.add(operation)
    assert stage.advance(order).status == "pending"
    stage.payments.lost.clear()
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


def test_the_inventory_s_silence_brings_the_message_again(stage: Stage) -> None:
    order = stage.placed()
    stage.stock.down = True
    assert stage.advance(order).status == "pending"
    stage.stock.down = False
    stage.minutes_pass(1)
    stage.assert_confirmed(order)
    assert stage.payments.done == ["authorize", "capture"]


def test_a_provider_that_is_down_before_the_capture_delays_until_the_deadline(
    stage: Stage,
) -> None:
    order = stage.placed()
    stage.payments.down.add("capture")
    stage.advance(order)
    stage.minutes_pass(9)
    assert stage.now(order).status == "pending"
    stage.payments.down.clear()
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


# ── Back ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_declined_payment_cancels_and_gives_the_stock_back(stage: Stage) -> None:
    order = stage.placed("tok_declined")
    assert stage.advance(order).cancel_reason == "payment_declined"
    stage.assert_given_back(order, money="declined")


def test_a_provider_that_stays_down_cancels_at_the_deadline(stage: Stage) -> None:
    order = stage.placed("tok_unavailable")
    stage.advance(order)
    stage.minutes_pass(9)
    assert stage.now(order).status == "pending"
    assert stage.stock.available["mug"] == 9
    stage.minutes_pass(2)
    assert stage.now(order).cancel_reason == "payment_unavailable"
    stage.assert_given_back(order)


def test_a_provider_that_goes_down_after_it_authorised_cancels_at_the_deadline(
    stage: Stage,
) -> None:
    order = stage.placed()
    stage.payments.down.add("capture")
    stage.advance(order)
    assert stage.stock.reservations[order.id] == "confirmed"
    stage.payments.down |= {"authorize", "void"}
    stage.minutes_pass(9)
    assert stage.now(order).status == "pending"
    stage.minutes_pass(2)
    assert stage.now(order).cancel_reason == "payment_unavailable"
    assert stage.stock.available["mug"] == 10
    stage.payments.down.clear()
    stage.minutes_pass(1)
    stage.assert_given_back(order)


def test_a_reservation_that_has_expired_lets_go_of_the_money(stage: Stage) -> None:
    order = stage.placed()
    stage.stock.release(order.id)
    assert stage.advance(order).cancel_reason == "reservation_expired"
    stage.assert_given_back(order)


def test_a_cancelled_order_gives_back_what_it_had(stage: Stage) -> None:
    unpaid = stage.placed(number=1)
    stage.cancel(unpaid)
    stage.advance(unpaid)
    stage.assert_given_back(unpaid)
    paid = stage.placed(number=2)
    stage.advance(paid)
    stage.cancel(paid)
    stage.advance(paid)
    stage.assert_given_back(paid, money="refunded")


def test_everything_is_given_back_once(stage: Stage) -> None:
    order = stage.placed()
    stage.advance(order)
    stage.cancel(order)
    for _ in range(3):
        stage.advance(order)
    assert stage.payments.done == ["authorize", "capture", "void", "refund"]
    assert stage.orders.told(order.id) == ["order.placed", "order.confirmed", "order.cancelled"]


@pytest.mark.parametrize("operation", ["void", "refund"])
def test_money_is_given_back_as_soon_as_the_provider_is_there(stage: Stage, operation: str) -> None:
    order = stage.placed()
    stage.advance(order)
    stage.cancel(order)
    stage.payments.down.add(operation)
    stage.advance(order)
    stage.minutes_pass(60)
    assert stage.now(order).due_at
    assert stage.stock.available["mug"] == 10
    stage.payments.down.clear()
    stage.minutes_pass(1)
    stage.assert_given_back(order, money="refunded")


def test_it_is_told_how_long_somebody_has_waited_for_money(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    order = stage.placed()
    stage.cancel(order)
    stage.payments.down.add("void")
    # What other tests have counted.
    metrics.flush()
    stage.minutes_pass(20)
    metrics.flush()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 19 * 60 <= max(told["CompensationAge"]) <= 20 * 60


@pytest.mark.parametrize("operation", ["void", "refund"])
def test_a_lost_answer_to_giving_back_is_asked_for(stage: Stage, operation: str) -> None:
    order = stage.placed()
    stage.advance(order)
    stage.cancel(order)
    stage.payments.mute.add(operation)
    stage.advance(order)
    stage.assert_given_back(order, money="refunded")


@pytest.mark.parametrize("operation", ["void", "refund"])
def test_money_that_the_provider_did_not_give_back_is_asked_for_again(
    stage: Stage, operation: str
) -> None:
    order = stage.placed()
    stage.payments.down.add("capture")
    stage.advance(order)
    if operation == "refund":
        stage.payments.down.clear()
        stage.minutes_pass(1)
    stage.cancel(order)
    stage.payments.lost.add(operation)
    assert stage.advance(order).due_at
    stage.payments.lost.clear()
    stage.minutes_pass(1)
    stage.assert_given_back(order, money="refunded" if operation == "refund" else "voided")


def test_a_release_that_fails_is_tried_again(stage: Stage) -> None:
    order = stage.placed("tok_declined")
    stage.payments.before["authorize"] = lambda: setattr(stage.stock, "down", True)
    assert stage.advance(order).status == "cancelled"
    stage.stock.down = False
    stage.minutes_pass(1)
    stage.assert_given_back(order, money="declined")

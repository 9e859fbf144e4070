"""The saga: from placed to confirmed, or everything given back."""

import json
from itertools import pairwise

import pytest

from orders.ports import PaymentState
from shared.runtime import metrics
from tests.orders.builders import MINUTE, NOON, order_id_of
from tests.orders.fakes import Killed
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
    stage.minutes_pass(2)
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
    stage.minutes_pass(2)
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
    # A message that waits comes every 60 to 72 seconds.
    assert 20 * 60 - 72 <= max(told["CompensationAge"]) <= 20 * 60


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


# ── Outages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", ["authorize", "capture"])
@pytest.mark.parametrize("state", ["voided", "expired", "refunded"])
def test_a_payment_that_has_ended_ends_the_order(
    stage: Stage, operation: str, state: PaymentState
) -> None:
    order = stage.placed()
    stage.payments.states[order.id] = "authorized"
    stage.payments.remember(order.id)

    def end() -> None:
        stage.payments.states[order.id] = state

    stage.payments.before[operation] = end
    assert stage.advance(order).cancel_reason == "payment_expired"
    stage.assert_given_back(order, money=state)


def test_a_capture_that_is_refused_ends_the_order(stage: Stage) -> None:
    order = stage.placed()

    def refuse() -> None:
        stage.payments.states[order.id] = "declined"

    stage.payments.before["capture"] = refuse
    assert stage.advance(order).cancel_reason == "payment_declined"
    stage.assert_given_back(order, money="declined")


@pytest.mark.parametrize("operation", ["authorize", "capture"])
def test_what_is_never_answered_ends_the_order_at_its_deadline(
    stage: Stage, operation: str
) -> None:
    order = stage.placed()
    stage.payments.lost.add(operation)
    stage.advance(order)
    stage.minutes_pass(12)
    assert stage.now(order).cancel_reason == "payment_unavailable"
    stage.assert_given_back(order)


def test_an_inventory_that_stays_down_cancels_at_the_deadline(stage: Stage) -> None:
    order = stage.placed()
    stage.stock.down = True
    stage.advance(order)
    stage.minutes_pass(9)
    assert stage.now(order).status == "pending"
    stage.minutes_pass(2)
    assert stage.now(order).cancel_reason == "inventory_unavailable"
    # Neither stock nor money waits for the other.
    assert stage.payments.states[order.id] == "voided"
    assert stage.now(order).due_at
    stage.stock.down = False
    stage.minutes_pass(2)
    stage.assert_given_back(order)


def test_what_is_sold_does_not_expire_while_its_payment_waits(stage: Stage) -> None:
    order = stage.placed("tok_unavailable")
    stage.advance(order)
    assert stage.stock.reservations[order.id] == "confirmed"


def test_no_order_is_cancelled_for_an_outage_that_ended_before_its_deadline(stage: Stage) -> None:
    order = stage.placed()

    def pass_the_deadline() -> None:
        stage.clock.now = order.deadline

    stage.payments.before["authorize"] = pass_the_deadline
    stage.payments.down.add("authorize")
    stage.clock.now = order.deadline - MINUTE / 60
    wait = stage.deliver(order.id)
    assert wait
    assert stage.now(order).status == "pending"
    assert 5 <= wait <= 18
    stage.payments.down.clear()
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


@pytest.mark.parametrize("service", ["payments", "stock"])
def test_no_order_is_cancelled_for_what_is_wrong_with_others(stage: Stage, service: str) -> None:
    """Their failures keep the circuit open, also past its deadline."""
    order = stage.placed()
    stage.clock.now = order.deadline + MINUTE / 60
    token = "tok_unavailable" if service == "payments" else "tok_ok"
    others = [stage.placed(token, number=number) for number in range(2, 8)]
    stage.stock.down = service == "stock"
    for other in others:
        stage.advance(other)
    stage.stock.down = False
    assert stage.advance(order).status == "confirmed"


def test_a_waiting_order_comes_again_later_and_later_but_in_time_for_its_deadline(
    stage: Stage,
) -> None:
    order = stage.placed("tok_unavailable")
    stage.advance(order)
    ages: list[float] = []
    while stage.messages and stage.now(order).status == "pending":
        at, _ = stage.messages.pop()
        stage.clock.now = at
        ages.append(stage.now(order).age(at).total_seconds())
        stage.deliver(order.id)
    gaps = [after - before for before, after in pairwise([0, *ages])]
    assert 5 <= gaps[0] <= 6
    assert max(gaps) <= 73
    assert len(ages) < 25
    assert 600 < ages[-1] < 620
    assert stage.now(order).cancel_reason == "payment_unavailable"


def test_a_duplicate_of_a_message_that_waits_is_let_go(stage: Stage) -> None:
    order = stage.placed()
    stage.payments.down.add("authorize")
    stage.clock.now += 5 * MINUTE
    assert stage.deliver(order.id)
    now = stage.now(order)
    stage.payments.down.clear()
    assert stage.deliver(order.id) is None
    assert stage.now(order) == now


def test_a_message_whose_order_another_one_waits_for_is_let_go(stage: Stage) -> None:
    order = stage.placed()
    stage.payments.down.add("authorize")

    def the_other_waits() -> None:
        stage.restart()
        stage.deliver(order.id)

    stage.payments.before["authorize"] = the_other_waits
    assert stage.deliver(order.id) is None
    assert len(stage.messages) == 1


def test_a_payment_is_made_once_however_long_its_order_waits(stage: Stage) -> None:
    """The provider forgets the order's key after a day."""
    order = stage.placed()
    stage.payments.down.add("capture")
    stage.advance(order)
    assert stage.now(order).payment_id == f"pay-{order.id}"
    stage.payments.down.clear()
    stage.clock.now += 26 * 60 * MINUTE
    stage.messages.clear()
    stage.minutes_pass(1)
    stage.assert_confirmed(order)
    assert stage.payments.authorizations[order.id] == 1


def test_a_payment_whose_id_is_known_is_not_authorised_again(stage: Stage) -> None:
    order = stage.placed()
    stage.payments.down.add("capture")
    stage.advance(order)
    stage.payments.down.clear()
    stage.payments.before["authorize"] = _die
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


def test_a_payment_whose_id_was_never_written_is_found_by_its_key(stage: Stage) -> None:
    order = stage.placed("tok_timeout")
    stage.payments.before["capture"] = _die
    with pytest.raises(Killed):
        stage.advance(order)
    assert stage.now(order).payment_id is None
    stage.clock.now += 26 * 60 * MINUTE
    stage.minutes_pass(1)
    stage.assert_confirmed(order)
    assert stage.payments.authorizations[order.id] == 1


def test_an_order_that_waited_for_a_day_and_was_never_paid_is_paid(stage: Stage) -> None:
    order = stage.placed()
    stage.clock.now += 26 * 60 * MINUTE
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


def test_a_normal_order_asks_the_provider_twice(stage: Stage) -> None:
    order = stage.placed()
    stage.advance(order)
    assert stage.payments.done == ["authorize", "capture"]


def test_the_orders_of_an_outage_are_confirmed_soon_after_it(stage: Stage) -> None:
    """Five minutes of outage: none is cancelled, and all have been retried a minute and a half after it."""
    stage.stock.available["mug"] = 200
    stage.payments.down.add("authorize")
    orders = []
    for number in range(200):
        orders.append(stage.placed(number=number))
        stage.advance(orders[-1])
        stage.pass_seconds(1.5)
    stage.payments.down.clear()
    stage.pass_seconds(90)
    assert {stage.now(order).status for order in orders} == {"confirmed"}


def _die() -> None:
    raise Killed

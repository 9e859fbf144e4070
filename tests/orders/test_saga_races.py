"""Sagas against cancellations, against each other, and those that stopped and are gone on with."""

import pytest

from orders.ports import StockUnavailable
from tests.orders.builders import MINUTE
from tests.orders.stage import Stage


@pytest.mark.parametrize("moment", ["authorize", "confirm", "capture"])
def test_a_cancellation_in_the_middle_of_the_saga_wins(stage: Stage, moment: str) -> None:
    order = stage.placed()
    (stage.stock if moment == "confirm" else stage.payments).before[moment] = lambda: stage.cancel(
        order
    )
    stage.advance(order)
    stage.assert_given_back(order, money="refunded")


@pytest.mark.parametrize("moment", ["authorize", "confirm", "capture"])
def test_a_worker_that_wakes_after_everything_was_given_back_does_no_harm(
    stage: Stage, moment: str
) -> None:
    order = stage.placed()

    def cancelled_and_given_back() -> None:
        stage.cancel(order)
        stage.saga.advance(order.id)

    where = stage.stock if moment == "confirm" else stage.payments
    where.before[moment] = cancelled_and_given_back
    stage.advance(order)
    stage.assert_given_back(order)


@pytest.mark.parametrize("moment", ["authorize", "confirm", "capture"])
def test_a_worker_that_wakes_after_the_order_was_confirmed_does_no_harm(
    stage: Stage, moment: str
) -> None:
    order = stage.placed()
    where = stage.stock if moment == "confirm" else stage.payments
    where.before[moment] = lambda: stage.saga.advance(order.id)
    stage.advance(order)
    stage.assert_confirmed(order)


def test_a_worker_that_gave_up_on_the_payment_does_not_take_back_a_sale(stage: Stage) -> None:
    """It asked while the provider was down and past the deadline; another one has been answered since."""
    order = stage.placed()
    stage.clock.now += 11 * MINUTE

    def the_other_is_answered() -> None:
        stage.saga.advance(order.id)
        stage.payments.down.add("authorize")

    stage.payments.before["authorize"] = the_other_is_answered
    stage.advance(order)
    stage.assert_confirmed(order)


def test_a_worker_that_gave_up_takes_back_what_another_has_not_finished(stage: Stage) -> None:
    order = stage.placed()
    stage.clock.now += 11 * MINUTE

    def the_other_is_answered_and_stops() -> None:
        stage.payments.down.add("capture")
        stage.saga.advance(order.id)
        stage.payments.down = {"authorize"}

    stage.payments.before["authorize"] = the_other_is_answered_and_stops
    stage.advance(order)
    stage.assert_given_back(order)


# ── The sweeper ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sweeper_goes_on_with_an_order_whose_message_was_lost(stage: Stage) -> None:
    order = stage.placed()
    assert stage.sweep() == 0
    stage.minutes_pass(1)
    stage.assert_confirmed(order)


def test_one_order_s_trouble_does_not_keep_the_others_waiting(stage: Stage) -> None:
    orders = [stage.placed(number=number) for number in range(3)]

    def trouble() -> None:
        raise StockUnavailable

    stage.stock.before["confirm"] = trouble
    stage.minutes_pass(1)
    assert sorted(stage.now(o).status for o in orders) == ["confirmed", "confirmed", "pending"]
    stage.minutes_pass(1)
    assert {stage.now(o).status for o in orders} == {"confirmed"}


def test_an_order_that_another_sweeper_has_is_left_to_it(stage: Stage) -> None:
    order = stage.placed()
    stage.payments.down.add("capture")
    stage.clock.now += MINUTE
    [due] = stage.orders.due("~")
    stage.orders.due = lambda before: iter([due])  # type: ignore[method-assign]  # both have read the same
    assert stage.sweep() == 1
    claimed = stage.now(order)
    # Now it would go through, if the second one tried.
    stage.payments.down.clear()
    assert stage.sweep() == 0
    assert stage.now(order) == claimed

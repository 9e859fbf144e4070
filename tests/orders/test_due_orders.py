"""The sweeper's part for orders: a message for each that is due, the longest due ones first, and how old they are."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from orders.ports import ClaimedOrder, DueOrder
from shared.calls.deadline import Deadline
from shared.runtime import metrics
from tests.orders.builders import MINUTE
from tests.orders.stage import Stage
from tests.support.context import a_deadline


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """The metrics of the test."""
    metrics.flush()
    capsys.readouterr()

    def read() -> dict[str, Any]:
        metrics.flush()
        lines = capsys.readouterr().out.splitlines()
        found: dict[str, Any] = {}
        for line in lines:
            found |= json.loads(line)
        return found

    return read


def a_failure(*_: object, **__: object) -> Any:
    raise ConnectTimeoutError(endpoint_url="dynamodb")


def test_the_longest_due_orders_are_sent_first_ten_in_a_call(stage: Stage) -> None:
    stage.stock.available["mug"] = 100
    orders = []
    for number in range(25):
        orders.append(stage.placed(number=97 * (number + 1)))
        stage.clock.now += MINUTE / 60
    stage.clock.now += MINUTE
    assert stage.overdue.run(a_deadline()) == 25
    assert stage.letterbox.sent == [order.id for order in orders]
    assert stage.letterbox.calls == [10, 10, 5]


def test_the_next_tick_does_not_send_for_an_order_again(stage: Stage) -> None:
    order = stage.placed()
    stage.clock.now += MINUTE
    sent = []
    for _ in range(4):
        stage.letterbox.sent.clear()
        stage.overdue.run(a_deadline())
        sent.append(stage.letterbox.sent == [order.id])
        stage.clock.now += MINUTE
    # Its message is lost each time.
    assert sent == [True, False, False, True]


def test_a_message_that_the_sweeper_has_sent_is_handled_at_once(stage: Stage) -> None:
    order = stage.placed()
    stage.clock.now += MINUTE
    stage.sweep()
    stage.assert_confirmed(order)


def test_a_message_of_a_sweeper_whose_clock_is_fast_is_handled(stage: Stage) -> None:
    order = stage.placed()
    stage.clock.now += MINUTE
    stage.overdue.run(a_deadline())
    stage.clock.now -= MINUTE / 6
    stage.assert_confirmed(stage.advance(order))


def test_a_sweep_ends_before_its_time_is_over(stage: Stage) -> None:
    for number in range(3):
        stage.placed(number=number)
    stage.clock.now += MINUTE
    seconds = [20.0]

    def left() -> float:
        seconds[0] -= 4
        return seconds[0]

    stage.overdue.run(Deadline(left))
    # What was claimed is sent, and the others are not claimed.
    assert 0 < len(stage.letterbox.sent) < 3
    assert len(list(stage.orders.due("~"))) == 3
    now = [order for order in stage.orders.orders.values() if order.id in stage.letterbox.sent]
    assert all(order.due_at and order.due_at > "2026-11-20T12:02" for order in now)


def test_a_sweep_stops_after_three_claims_that_fail_in_a_row(
    stage: Stage, emitted: Callable[[], dict[str, Any]]
) -> None:
    for number in range(8):
        stage.placed(number=number)
    stage.clock.now += MINUTE
    tried: list[str] = []

    def claim(order: DueOrder, *, until: str) -> ClaimedOrder | None:
        tried.append(until)
        return a_failure(order)  # type: ignore[no-any-return]  # it returns nothing

    stage.orders.claim = claim  # type: ignore[method-assign]  # DynamoDB is down
    with pytest.raises(ConnectTimeoutError):
        stage.overdue.run(a_deadline())
    assert len(tried) == 3
    # No 0 for a sweep that saw nothing: missing data is an alarm.
    assert not emitted().keys() & {"OrderAge", "CompensationAge"}


@pytest.mark.parametrize("failure", [ConnectTimeoutError(endpoint_url=""), KeyError("status")])
def test_a_claim_that_fails_keeps_no_other_order_waiting(stage: Stage, failure: Exception) -> None:
    orders = [stage.placed(number=number) for number in range(3)]
    stage.clock.now += MINUTE
    claim, failures = stage.orders.claim, iter([True])

    def once(order: DueOrder, *, until: str) -> ClaimedOrder | None:
        if next(failures, False):
            raise failure
        return claim(order, until=until)

    stage.orders.claim = once  # type: ignore[method-assign]  # one call fails, or one item is broken
    assert stage.overdue.run(a_deadline()) == 2
    assert set(stage.letterbox.sent) < {order.id for order in orders}


def test_what_was_claimed_is_sent_though_the_sweep_stops(stage: Stage) -> None:
    for number in range(5):
        stage.placed(number=number)
    stage.clock.now += MINUTE
    claim, works = stage.orders.claim, iter([True, True])

    def twice(order: DueOrder, *, until: str) -> ClaimedOrder | None:
        return claim(order, until=until) if next(works, False) else a_failure()

    stage.orders.claim = twice  # type: ignore[method-assign]  # then DynamoDB is down
    with pytest.raises(ConnectTimeoutError):
        stage.overdue.run(a_deadline())
    assert len(stage.letterbox.sent) == 2


def test_a_queue_that_takes_nothing_ends_the_sweep_and_the_orders_are_due_again(
    stage: Stage,
) -> None:
    order = stage.placed()
    stage.clock.now += MINUTE
    stage.letterbox.fails = ConnectTimeoutError(endpoint_url="sqs")
    with pytest.raises(ConnectTimeoutError):
        stage.overdue.run(a_deadline())
    stage.letterbox.fails = None
    stage.minutes_pass(3)
    stage.assert_confirmed(order)


def test_a_sweep_without_due_orders_says_that_nothing_is_old(
    stage: Stage, emitted: Callable[[], dict[str, Any]]
) -> None:
    assert stage.overdue.run(a_deadline()) == 0
    told = emitted()
    assert (told["OrderAge"], told["CompensationAge"]) == ([0], [0])


def test_a_sweep_tells_how_old_sagas_and_compensations_are(
    stage: Stage, emitted: Callable[[], dict[str, Any]]
) -> None:
    stage.placed(number=1)
    cancelled = stage.placed(number=2)
    stage.clock.now += 5 * MINUTE
    stage.cancel(cancelled)
    stage.clock.now += 2 * MINUTE
    stage.overdue.run(a_deadline())
    told = emitted()
    assert max(told["OrderAge"]) == 7 * 60
    assert max(told["CompensationAge"]) == 2 * 60

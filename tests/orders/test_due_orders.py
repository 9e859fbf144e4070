"""The sweep: a message for each due order, and the ages of what is open."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from orders.ports import ClaimedOrder, DueOrder, StockUnavailable
from shared.calls.deadline import Deadline
from shared.runtime import metrics
from tests.orders.builders import MINUTE, SECOND
from tests.orders.harness import SagaHarness
from tests.support.context import a_deadline


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """The metrics of the test."""
    metrics.flush()
    capsys.readouterr()

    def read() -> dict[str, Any]:
        metrics.flush()
        found: dict[str, Any] = {}
        for line in capsys.readouterr().out.splitlines():
            found |= json.loads(line)
        return found

    return read


def fail_claims(
    saga: SagaHarness, results: Iterable[Exception | None], last: Exception | None = None
) -> list[str]:
    """Let claims fail in turn, and after that with `last`; return the ids of the claims that are
    tried.
    """
    claim, turns = saga.orders.claim, iter(results)
    tried: list[str] = []

    def claim_or_fail(order: DueOrder, *, until: str) -> ClaimedOrder | None:
        tried.append(order.id)
        if failure := next(turns, last):
            raise failure
        return claim(order, until=until)

    saga.orders.claim = claim_or_fail  # type: ignore[method-assign]  # DynamoDB fails
    return tried


TIMEOUT = ConnectTimeoutError(endpoint_url="dynamodb")


def test_sweep_sends_the_oldest_orders_first_in_batches_of_ten(saga: SagaHarness) -> None:
    saga.stock.available["mug"] = 100
    orders = []
    for number in range(25):
        orders.append(saga.placed(number=97 * (number + 1)))
        saga.clock.now += SECOND
    saga.clock.now += MINUTE
    assert saga.sweep.run(a_deadline()) == 25
    assert saga.queue.sent == [order.id for order in orders]
    assert saga.queue.batch_sizes == [10, 10, 5]


def test_sweep_sends_another_message_only_when_the_claim_has_expired(saga: SagaHarness) -> None:
    order = saga.placed()
    assert saga.run_sweep() == 0
    saga.clock.now += MINUTE
    sent = []
    for _ in range(4):
        saga.queue.sent.clear()
        saga.sweep.run(a_deadline())
        sent.append(saga.queue.sent == [order.id])
        saga.clock.now += MINUTE
    assert sent == [True, False, False, True]


@pytest.mark.parametrize("skew_seconds", [0, 10])
def test_sweep_message_is_handled_at_once_although_clocks_differ(
    saga: SagaHarness, skew_seconds: int
) -> None:
    order = saga.placed()
    saga.clock.now += MINUTE
    saga.sweep.run(a_deadline())
    saga.clock.now -= skew_seconds * SECOND
    saga.advance(order)
    saga.assert_confirmed(order)


def test_sweep_continues_every_order_when_one_fails(saga: SagaHarness) -> None:
    orders = [saga.placed(number=number) for number in range(3)]

    def fail() -> None:
        raise StockUnavailable

    saga.stock.before["confirm"] = fail
    saga.pass_minutes(1)
    assert sorted(saga.current(o).status for o in orders) == ["confirmed", "confirmed", "pending"]
    saga.pass_minutes(1)
    assert {saga.current(o).status for o in orders} == {"confirmed"}


def test_sweep_skips_orders_that_a_concurrent_sweep_has_claimed(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.clock.now += MINUTE
    [due] = saga.orders.due("~")
    saga.orders.due = lambda before: iter([due])  # type: ignore[method-assign]  # both have read it
    assert saga.sweep.run(a_deadline()) == 1
    claimed = saga.current(order)
    assert saga.sweep.run(a_deadline()) == 0
    assert saga.current(order) == claimed


def test_sweep_ends_before_the_deadline_and_sends_what_it_claimed(saga: SagaHarness) -> None:
    for number in range(3):
        saga.placed(number=number)
    saga.clock.now += MINUTE
    seconds = [20.0]

    def seconds_left() -> float:
        seconds[0] -= 4
        return seconds[0]

    saga.sweep.run(Deadline(seconds_left))
    claimed = {
        order.id
        for order in saga.orders.orders.values()
        if (order.due_at or "") > "2026-11-20T12:02"
    }
    assert claimed == set(saga.queue.sent)
    assert 0 < len(claimed) < 3


@pytest.mark.parametrize("failure", [TIMEOUT, KeyError("status")])
def test_sweep_continues_after_a_claim_that_fails(saga: SagaHarness, failure: Exception) -> None:
    for number in range(3):
        saga.placed(number=number)
    saga.clock.now += MINUTE
    fail_claims(saga, [failure])
    assert saga.sweep.run(a_deadline()) == 2
    assert len(saga.queue.sent) == 2


@pytest.mark.parametrize("succeeding", [0, 2])
def test_sweep_stops_after_three_claims_that_fail_in_a_row(
    saga: SagaHarness, emitted: Callable[[], dict[str, Any]], succeeding: int
) -> None:
    for number in range(8):
        saga.placed(number=number)
    saga.clock.now += MINUTE
    tried = fail_claims(saga, [None] * succeeding, TIMEOUT)
    with pytest.raises(ConnectTimeoutError):
        saga.sweep.run(a_deadline())
    assert len(tried) == succeeding + 3
    assert saga.queue.sent == tried[:succeeding]
    # It emits no baseline: missing data is an alarm.
    assert 0 not in emitted().get("OrderAge", [])


def test_sweep_fails_when_the_queue_fails_and_the_orders_are_due_again(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.clock.now += MINUTE
    saga.queue.failure = ConnectTimeoutError(endpoint_url="sqs")
    with pytest.raises(ConnectTimeoutError):
        saga.sweep.run(a_deadline())
    saga.queue.failure = None
    saga.pass_minutes(3)
    saga.assert_confirmed(order)


def test_sweep_emits_the_ages_of_sagas_and_compensations(
    saga: SagaHarness, emitted: Callable[[], dict[str, Any]]
) -> None:
    assert saga.sweep.run(a_deadline()) == 0
    found = emitted()
    assert (found["OrderAge"], found["CompensationAge"]) == ([0], [0])
    saga.placed(number=1)
    cancelled = saga.placed(number=2)
    saga.clock.now += 5 * MINUTE
    saga.cancel(cancelled)
    saga.clock.now += 2 * MINUTE
    saga.sweep.run(a_deadline())
    found = emitted()
    assert (max(found["OrderAge"]), max(found["CompensationAge"])) == (7 * 60, 2 * 60)

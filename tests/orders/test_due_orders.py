"""The sweep: a message for each due order, and the ages of what is open."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest
from botocore.exceptions import ConnectTimeoutError

from orders.due_orders import ORDER_DUE, superseded_message
from orders.models import Order
from orders.ports import ClaimedOrder, DueOrder, StockUnavailable
from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.runtime import clock
from tests.orders.builders import MINUTE, SECOND
from tests.orders.harness import OrdersHarness
from tests.support.callers import ALICE
from tests.support.context import a_deadline

TIMEOUT: Final = ConnectTimeoutError(endpoint_url="dynamodb")


@pytest.fixture
def shop(shop: OrdersHarness) -> OrdersHarness:
    shop.inventory.available["mug"] = 100
    return shop


def place_due(shop: OrdersHarness, count: int) -> list[Order]:
    """Orders that are due, the oldest first."""
    orders = []
    for number in range(count):
        orders.append(shop.placed(str(number)))
        shop.clock.now += SECOND
    shop.clock.now += MINUTE
    return orders


def fail_claims(
    shop: OrdersHarness, results: Iterable[Exception | None], last: Exception | None = None
) -> list[str]:
    """Let claims fail in turn, and after that with `last`; return the ids of the claims that are
    tried.
    """
    claim, turns = shop.orders.claim, iter(results)
    tried: list[str] = []

    def claim_or_fail(order: DueOrder, *, until: str) -> ClaimedOrder | None:
        tried.append(order.id)
        if failure := next(turns, last):
            raise failure
        return claim(order, until=until)

    shop.orders.claim = claim_or_fail  # type: ignore[method-assign]  # DynamoDB fails
    return tried


def test_sweep_sends_the_oldest_orders_first_in_batches_of_ten(shop: OrdersHarness) -> None:
    orders = place_due(shop, 25)
    assert shop.sweep.run(a_deadline()) == 25
    assert shop.queue.sent == [order.id for order in orders]
    assert [len(batch) for batch in shop.queue.batches] == [10, 10, 5]


@pytest.mark.parametrize("skew_seconds", [0, 3])
def test_sweep_sends_another_message_only_when_the_claim_has_expired(
    shop: OrdersHarness, skew_seconds: int
) -> None:
    [order] = place_due(shop, 1)
    sent = []
    for _ in range(4):
        sent.append(shop.sweep.run(a_deadline()))
        shop.clock.now += MINUTE
    assert sent == [1, 0, 0, 1]
    # The message is handled at once, although clocks differ.
    shop.clock.now -= MINUTE + skew_seconds * SECOND
    shop.advance(order)
    shop.assert_confirmed(order)


def test_sweep_skips_orders_that_a_concurrent_sweep_has_claimed(shop: OrdersHarness) -> None:
    place_due(shop, 1)
    [due] = shop.orders.due("~")
    shop.orders.due = lambda before: iter([due])  # type: ignore[method-assign]  # both have read it
    assert [shop.sweep.run(a_deadline()) for _ in range(2)] == [1, 0]


def test_sweep_stops_at_its_deadline_and_leaves_the_rest_due(shop: OrdersHarness) -> None:
    orders = place_due(shop, 12)
    left = iter([20.0, 19.0])
    assert shop.sweep.run(Deadline(lambda: next(left, 0))) == 1
    assert shop.queue.sent == [orders[0].id]
    assert shop.sweep.run(a_deadline()) == 11


@pytest.mark.parametrize("failure", [TIMEOUT, KeyError("status")])
def test_sweep_continues_after_a_claim_that_fails(shop: OrdersHarness, failure: Exception) -> None:
    place_due(shop, 3)
    fail_claims(shop, [failure])
    assert shop.sweep.run(a_deadline()) == len(shop.queue.sent) == 2


@pytest.mark.parametrize("succeeding", [0, 2])
def test_sweep_stops_after_three_claims_that_fail_in_a_row(
    shop: OrdersHarness, emitted: Callable[[], dict[str, Any]], succeeding: int
) -> None:
    place_due(shop, 8)
    tried = fail_claims(shop, [None] * succeeding, TIMEOUT)
    with pytest.raises(ConnectTimeoutError):
        shop.sweep.run(a_deadline())
    assert len(tried) == succeeding + 3
    assert shop.queue.sent == tried[:succeeding]


def test_sweep_has_the_event_of_a_pending_order_published_again_once(shop: OrdersHarness) -> None:
    order, cancelled, erased = place_due(shop, 3)
    shop.service.cancel(cancelled.id, ALICE)
    shop.orders.erase(erased, erased.erased(at=shop.clock.now))
    shop.clock.now += MINUTE
    published = shop.publish_events()
    assert len(published) == 4
    assert shop.sweep.run(a_deadline()) == 3
    assert shop.publish_events() == [f"{order.id}.1"]
    shop.clock.now += 3 * MINUTE
    assert shop.sweep.run(a_deadline()) == 3
    assert shop.publish_events() == []


def test_sweep_sends_the_message_of_an_order_whose_event_cannot_be_marked(
    shop: OrdersHarness,
) -> None:
    [order] = place_due(shop, 1)
    shop.publish_events()

    def fail(_order_id: str) -> None:
        raise TIMEOUT

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.orders, "report_slow", fail)
        assert shop.sweep.run(a_deadline()) == 1
    assert (shop.queue.sent, shop.publish_events()) == ([order.id], [])
    shop.clock.now += 3 * MINUTE
    shop.sweep.run(a_deadline())
    assert shop.publish_events() == [f"{order.id}.1"]


def test_sweep_emits_the_ages_of_sagas_and_compensations(
    shop: OrdersHarness, emitted: Callable[[], dict[str, Any]]
) -> None:
    assert shop.sweep.run(a_deadline()) == 0
    assert emitted() == {}
    _, cancelled = shop.placed("1"), shop.placed("2")
    shop.clock.now += 5 * MINUTE
    shop.service.cancel(cancelled.id, ALICE)
    shop.clock.now += 2 * MINUTE
    shop.sweep.run(a_deadline())
    found = emitted()
    assert (max(found["OrderAge"]), max(found["CompensationAge"])) == (7 * 60, 2 * 60)


def test_sweep_leaves_out_the_time_in_which_a_customer_may_act(
    shop: OrdersHarness, emitted: Callable[[], dict[str, Any]]
) -> None:
    shop.advance(shop.placed(token="tok_action_abandoned"))
    shop.clock.now += 25 * MINUTE
    assert shop.sweep.run(a_deadline()) == 1
    assert max(emitted()["OrderAge"]) == 5 * 60


@pytest.mark.parametrize(
    ("seconds", "failure", "is_finished"),
    [(110, StockUnavailable(), False), (130, TIMEOUT, True), (130, KeyError(), False)],
)
def test_message_of_the_sweeper_is_finished_when_its_claim_has_expired(
    seconds: int, failure: Exception, is_finished: bool
) -> None:
    event = Event(
        id="o.due",
        type=ORDER_DUE,
        aggregate_id="o",
        version=1,
        at=clock.rfc3339(clock.now() - seconds * SECOND),
        request_id="r",
        data={},
    )
    raised = None
    try:
        with superseded_message(event):
            raise failure
    except (StockUnavailable, KeyError) as error:
        raised = error
    assert (raised is None) == is_finished

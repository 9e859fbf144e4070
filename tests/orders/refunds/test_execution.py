"""The checkout makes refunds: once each, whatever fails in between."""

from collections.abc import Callable
from typing import Any

import pytest

from orders.errors import IllegalTransition
from orders.models import Order
from orders.refunds.errors import RefundExceedsPayment
from orders.refunds.models import Refund, RefundRequest, refund_id
from shared.contracts.inventory import Line
from shared.storage.items import to_item
from tests.orders.builders import HOUR, MINUTE, event_types, events_of
from tests.orders.fakes import Fault
from tests.orders.harness import OrdersHarness
from tests.support.callers import ADMIN, ALICE

type Emitted = Callable[[], dict[str, Any]]


@pytest.fixture
def order(shop: OrdersHarness) -> Order:
    """Three mugs for 11.00 each, paid."""
    return shop.advance(shop.placed("k", ("mug", 3)))


def request(shop: OrdersHarness, order: Order, key: str = "a", **wanted: Any) -> Refund:
    """A refund of one restocked mug, unless another one is wanted."""
    one = {"lines": (Line(product_id="mug", quantity=1),), "restock": True}
    return shop.refunding.request(order.id, ADMIN, key, RefundRequest(**wanted or one)).made


def request_pending(shop: OrdersHarness, order: Order, *, for_minutes: int) -> Refund:
    """A refund that the provider has processed for that long, without an end."""
    refund = request(shop, order)
    shop.payments.refund_states[refund.id] = "pending"
    shop.advance(order)
    shop.pass_minutes(for_minutes)
    return refund


def status(shop: OrdersHarness, refund: Refund) -> str:
    found = shop.refunds.find(refund.order_id, refund.id)
    assert found
    return found.status


def assert_refunded(shop: OrdersHarness, order: Order, *refunds: Refund) -> None:
    """These and no others have succeeded, and nothing is left to do."""
    current = shop.current(order)
    made = {refund.id: refund.amount_minor for refund in refunds}
    assert shop.payments.item(order.id).get("refunds", {}) == made
    assert (current.refunding_minor, current.refunded_minor) == (0, sum(made.values()))
    assert (current.pending_refunds, current.due_at) == ((), None)
    assert {status(shop, refund) for refund in refunds} == {"succeeded"}


def test_refund_is_made_once_however_often_its_message_is_delivered(
    shop: OrdersHarness, order: Order
) -> None:
    refund = request(shop, order)
    for _ in range(3):
        shop.advance(order)
    assert_refunded(shop, order, refund)
    assert shop.inventory.available["mug"] == 8
    assert shop.payments.calls.count("refund") == 1
    types = ["order.placed", "order.confirmed", "order.refund_requested", "order.refunded"]
    assert event_types(shop.orders, order) == types
    said = {"refund_id": refund.id, "refund_minor": 1100, "refunding_minor": 0}
    assert said.items() <= events_of(shop.orders, order)[-1].data.items()


def test_several_refunds_are_made_in_one_message(shop: OrdersHarness, order: Order) -> None:
    parts = [request(shop, order), request(shop, order, "b", amount_minor=5)]
    shop.advance(order)
    parts.append(request(shop, order, "c", amount_minor=2195))
    shop.advance(order)
    assert_refunded(shop, order, *parts)
    assert shop.payments.item(order.id)["state"] == "refunded"
    # Only the mug was to be restocked.
    assert shop.inventory.available["mug"] == 8


def test_refund_goes_on_while_its_order_is_shipped_and_delivered(
    shop: OrdersHarness, order: Order
) -> None:
    refund = request(shop, order)
    for step in (shop.service.ship, shop.service.deliver):
        step(order.id, ADMIN)
    # Its message is lost.
    shop.pass_minutes(2)
    assert_refunded(shop, order, refund)
    assert shop.current(order).status == "delivered"


@pytest.mark.parametrize("fault", ["down", "unanswered", "undelivered", "no stock"])
def test_refund_waits_until_it_is_made(shop: OrdersHarness, order: Order, fault: Any) -> None:
    refund = request(shop, order)
    faults: dict[str, Fault] = {"find_refund": "down"}
    if fault == "no stock":
        shop.inventory.down = True
    else:
        shop.payments.faults = {**faults, "refund": fault}
    shop.advance(order)
    shop.pass_minutes(60)
    assert status(shop, refund) == "pending"
    assert shop.current(order).refunding_minor == 1100
    # Units come back after the money.
    assert shop.inventory.available["mug"] == 7
    # A message is lost.
    shop.messages.clear()
    shop.clock.now += 24 * HOUR
    shop.payments.faults.clear()
    shop.inventory.down = False
    shop.pass_minutes(3)
    assert_refunded(shop, order, refund)
    assert shop.inventory.available["mug"] == 8


def test_refund_whose_answer_is_lost_is_looked_up(shop: OrdersHarness, order: Order) -> None:
    refund = request(shop, order)
    shop.payments.faults["refund"] = "unanswered"
    shop.advance(order)
    assert_refunded(shop, order, refund)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_refund_that_the_provider_processes_is_asked_for_less_and_less_often_and_is_not_late(
    shop: OrdersHarness, order: Order, is_cancelled: bool, emitted: Emitted
) -> None:
    quick = request(shop, order, "b", amount_minor=5)
    if is_cancelled:
        shop.service.cancel(order.id, ALICE)
        slow = order.id
    else:
        slow = request(shop, order).id
    shop.payments.refund_states[slow] = "pending"
    shop.deliver(order.id)
    assert status(shop, quick) == "succeeded"
    emitted()
    shop.payments.calls.clear()
    shop.pass_minutes(10 * 60)
    assert 15 <= shop.payments.calls.count("refund") <= 30
    ages = emitted()["CompensationAge"]
    assert max(ages) <= 2 * 60
    del shop.payments.refund_states[slow]
    shop.pass_minutes(75)
    assert shop.current(order).due_at is None
    assert shop.payments.item(order.id)["refunds"].keys() == {quick.id, slow}


def test_news_ends_the_wait_for_a_refund_that_the_provider_processes(
    shop: OrdersHarness, order: Order
) -> None:
    refund = request_pending(shop, order, for_minutes=5 * 60)
    shop.deliver(order.id, is_news=True)
    assert status(shop, refund) == "pending"
    del shop.payments.refund_states[refund.id]
    shop.deliver(order.id, is_news=True)
    assert_refunded(shop, order, refund)


def test_next_refund_does_not_wait_for_one_that_the_provider_processes(
    shop: OrdersHarness, order: Order
) -> None:
    slow = request_pending(shop, order, for_minutes=5 * 60)
    quick = request(shop, order, "b", amount_minor=5)
    shop.advance(order)
    assert (status(shop, slow), status(shop, quick)) == ("pending", "succeeded")


def test_compensation_is_late_when_the_provider_is_away_after_it_has_processed_a_refund(
    shop: OrdersHarness, order: Order, emitted: Emitted
) -> None:
    request_pending(shop, order, for_minutes=60)
    shop.payments.faults = {"refund": "down"}
    emitted()
    shop.pass_minutes(60)
    ages = emitted()["CompensationAge"]
    assert 20 * 60 < max(ages) <= 60 * 60


@pytest.mark.parametrize("answer", ["refused", "failed"])
def test_failed_refund_gives_nothing_back_and_may_be_asked_for_again(
    shop: OrdersHarness, order: Order, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = request(shop, order)
    if answer == "refused":
        # The shop's owner has refunded more at the provider itself.
        shop.payments.refund(order.charge, key="by hand", amount_minor=3000)
    else:
        monkeypatch.setattr(shop.payments, "refund", lambda *_, **__: "failed")
    shop.advance(order)
    current = shop.current(order)
    assert status(shop, refund) == "failed"
    assert (current.refundable_minor, current.claimed, current.due_at) == (3300, (), None)
    assert shop.inventory.available["mug"] == 7
    assert event_types(shop.orders, order)[-1] == "order.refund_failed"
    monkeypatch.undo()
    again = request(shop, order, "b", amount_minor=300)
    shop.advance(order)
    assert status(shop, again) == "succeeded"


def test_refund_of_nothing_only_restocks(shop: OrdersHarness) -> None:
    shop.inventory.prices["gift"] = 0
    shop.inventory.available["gift"] = 1
    order = shop.advance(shop.placed("k", ("gift", 1), ("mug", 1)))
    lines = (Line(product_id="gift", quantity=1),)
    refund = request(shop, order, lines=lines, restock=True)
    shop.advance(order)
    assert (refund.amount_minor, status(shop, refund)) == (0, "succeeded")
    assert shop.inventory.available["gift"] == 1
    assert "refund" not in shop.payments.calls
    assert shop.current(order).due_at is None


# ── Cancelled orders ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_made", [True, False])
def test_cancelled_order_gives_back_what_its_refunds_leave(
    shop: OrdersHarness, order: Order, is_made: bool
) -> None:
    refund = request(shop, order)
    if is_made:
        shop.advance(order)
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    shop.assert_given_back(order, money="refunded")
    assert shop.payments.item(order.id)["refunds"] == {refund.id: 1100, order.id: 2200}
    assert shop.current(order).refunded_minor == 1100


def test_cancelled_order_whose_refunds_were_all_of_it_gives_back_nothing_more(
    shop: OrdersHarness, order: Order
) -> None:
    refund = request(shop, order, amount_minor=3300)
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    assert shop.payments.item(order.id)["refunds"] == {refund.id: 3300}
    assert shop.current(order).due_at is None
    assert shop.inventory.available["mug"] == 10


def test_cancelled_order_gives_back_the_money_of_a_failed_refund(
    shop: OrdersHarness, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = request(shop, order)
    make = shop.payments.refund

    def fail(charge: Any, *, key: str, amount_minor: int) -> Any:
        return "failed" if key == refund.id else make(charge, key=key, amount_minor=amount_minor)

    monkeypatch.setattr(shop.payments, "refund", fail)
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    shop.pass_minutes(3)
    assert shop.payments.item(order.id)["refunds"] == {order.id: 3300}
    shop.assert_given_back(shop.current(order), money="refunded")


def test_stock_of_a_cancelled_order_does_not_wait_for_its_refunds(
    shop: OrdersHarness, order: Order
) -> None:
    request(shop, order)
    shop.service.cancel(order.id, ALICE)
    shop.payments.faults["refund"] = "down"
    shop.advance(order)
    assert shop.inventory.available["mug"] == 10
    shop.payments.faults.clear()
    shop.pass_minutes(3)
    shop.assert_given_back(order, money="refunded")
    assert shop.inventory.available["mug"] == 10


def owed(shop: OrdersHarness, order: Order) -> Order:
    """The order, cancelled, whose own refund has failed."""
    shop.payments.refund_states[order.id] = "failed"
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    return shop.current(order)


@pytest.mark.parametrize("answer", ["refused", "failed"])
def test_refund_of_a_cancelled_order_that_fails_ends_and_is_listed(
    shop: OrdersHarness, order: Order, answer: str, emitted: Emitted
) -> None:
    part = request(shop, order)
    shop.advance(order)
    shop.clock.now += MINUTE
    if answer == "refused":
        shop.payments.refund(order.charge, key="by hand", amount_minor=1)
        shop.service.cancel(order.id, ALICE)
        shop.advance(order)
    else:
        owed(shop, order)
    current = shop.current(order)
    assert (current.status, current.due_at, current.refundable_minor) == ("cancelled", None, 2200)
    assert shop.inventory.available["mug"] == 10
    failed, made = shop.refunding.page(order.id, ADMIN, after=None, limit=20).items
    assert (failed.id, failed.status, failed.amount_minor) == (order.id, "failed", 2200)
    assert made.id == part.id
    assert event_types(shop.orders, order)[-1] == "order.refund_failed"
    assert emitted()["RefundsFailed"] == [1]
    shop.payments.calls.clear()
    shop.pass_minutes(60)
    shop.deliver(order.id)
    assert shop.payments.calls == []


def test_money_that_is_owed_is_refunded_again_in_parts_and_no_more_of_it(
    shop: OrdersHarness, order: Order
) -> None:
    owed(shop, order)
    parts = [request(shop, order, "a", amount_minor=1000)]
    # The first of these fails too.
    parts.append(request(shop, order, "b", amount_minor=2300))
    with pytest.raises(RefundExceedsPayment):
        request(shop, order, "c", amount_minor=1)
    shop.payments.refund_states[parts[0].id] = "failed"
    shop.advance(order)
    again = request(shop, order, "d", amount_minor=1000)
    shop.advance(order)
    assert_refunded(shop, order, parts[1], again)
    assert shop.payments.item(order.id)["state"] == "refunded"
    assert shop.inventory.available["mug"] == 10
    with pytest.raises(RefundExceedsPayment):
        request(shop, order, "e", amount_minor=1)


def test_money_that_is_paid_otherwise_is_only_recorded(shop: OrdersHarness, order: Order) -> None:
    owed(shop, order)
    refund = request(shop, order, amount_minor=3300, paid_otherwise=True)
    shop.advance(order)
    current = shop.current(order)
    assert status(shop, refund) == "succeeded"
    assert (current.refundable_minor, current.refunded_minor, current.due_at) == (0, 3300, None)
    assert "refunds" not in shop.payments.item(order.id)
    assert event_types(shop.orders, order)[-1] == "order.refunded"


@pytest.mark.parametrize("ends", ["succeeded", "failed"])
def test_refund_of_a_cancelled_order_is_awaited_when_its_payment_already_counts_as_refunded(
    shop: OrdersHarness, order: Order, ends: Any
) -> None:
    shop.payments.refund_states[order.id] = "pending"
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    # As Stripe has it as soon as all of a payment is being refunded.
    shop.payments.set_state(order.id, "refunded")
    shop.pass_minutes(5)
    assert shop.current(order).due_at
    shop.payments.refund_states[order.id] = ends
    if ends == "failed":
        # A worker may have read the payment just before.
        shop.payments.before["find_refund"] = lambda: shop.payments.set_state(order.id, "captured")
    shop.pass_minutes(10)
    current = shop.current(order)
    assert (current.due_at, current.owed_minor) == (None, 3300 if ends == "failed" else None)


def test_cancelled_order_whose_payment_was_refunded_by_hand_owes_nothing(
    shop: OrdersHarness, order: Order
) -> None:
    shop.payments.set_state(order.id, "refunded")
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    current = shop.current(order)
    assert (current.due_at, current.owed_minor) == (None, None)


def test_cancelled_order_whose_refund_has_not_failed_cannot_be_refunded(
    shop: OrdersHarness, order: Order
) -> None:
    shop.service.cancel(order.id, ALICE)
    for _ in range(2):
        with pytest.raises(IllegalTransition):
            request(shop, order, amount_minor=1)
        shop.advance(order)


# ── Refunds that fail after they have succeeded ─────────────────────────────────────────────────


def reverse(shop: OrdersHarness, order: Order, refund_id: str) -> None:
    """The bank has sent the money back: the provider reports it, twice."""
    shop.payments.refund_states[refund_id] = "failed"
    for _ in range(2):
        shop.deliver(order.id, is_news=True, refund_id=refund_id)


def test_refund_that_fails_after_it_has_succeeded_may_be_made_again(
    shop: OrdersHarness, order: Order, emitted: Emitted
) -> None:
    refund = request(shop, order)
    shop.advance(order)
    reverse(shop, order, refund.id)
    current = shop.current(order)
    assert status(shop, refund) == "reversed"
    assert (current.refundable_minor, current.refunded_minor) == (3300, 0)
    # The unit is in stock again.
    assert (current.unclaimed("mug"), shop.inventory.available["mug"]) == (2, 8)
    assert event_types(shop.orders, order).count("order.refund_failed") == 1
    assert emitted()["RefundsReversed"] == [1]
    again = request(shop, order, "b", amount_minor=1100)
    shop.advance(order)
    assert status(shop, again) == "succeeded"


def test_report_of_a_failed_refund_that_the_provider_does_not_confirm_changes_nothing(
    shop: OrdersHarness, order: Order
) -> None:
    refund = request(shop, order)
    before = shop.advance(order)
    for id_ in (refund.id, order.id, "forged"):
        assert shop.deliver(order.id, is_news=True, refund_id=id_) is None
    shop.service.cancel(order.id, ALICE)
    shop.advance(order)
    assert shop.deliver(order.id, is_news=True, refund_id=order.id) is None
    assert shop.current(order).version == before.version + 1
    shop.payments.faults = {"find_refund": "down"}
    assert shop.deliver(order.id, is_news=True, refund_id=refund.id)


def test_refunds_of_a_cancelled_order_that_fail_later_are_owed(
    shop: OrdersHarness, order: Order
) -> None:
    refund = request(shop, order)
    shop.advance(order)
    shop.service.cancel(order.id, ALICE)
    shop.payments.refund_states[order.id] = "pending"
    shop.advance(order)
    # What the cancellation gives back must not change while it is under way.
    shop.payments.refund_states[refund.id] = "failed"
    assert shop.deliver(order.id, is_news=True, refund_id=refund.id)
    shop.payments.refund_states[order.id] = "succeeded"
    shop.pass_minutes(3)
    reverse(shop, order, refund.id)
    current = shop.current(order)
    assert (current.refundable_minor, current.repayment_minor) == (1100, 2200)
    again = request(shop, order, "b", amount_minor=600)
    shop.advance(order)
    assert status(shop, again) == "succeeded"
    reverse(shop, order, order.id)
    current = shop.current(order)
    assert (current.refundable_minor, current.due_at) == (2700, None)
    [own] = [
        one
        for one in shop.refunding.page(order.id, ADMIN, after=None, limit=20).items
        if one.id == order.id
    ]
    assert (own.amount_minor, own.status) == (2200, "reversed")


# ── Concurrent workers and requests ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ["refund", "give_back"])
def test_refund_is_made_once_when_another_worker_or_request_comes_before_a_step(
    shop: OrdersHarness, order: Order, step: str
) -> None:
    refund = request(shop, order)
    others: list[Refund] = []

    def meanwhile() -> None:
        shop.saga.advance(order.id)
        others.append(request(shop, order, "b", amount_minor=7))

    before = shop.inventory.before if step == "give_back" else shop.payments.before
    before[step] = meanwhile
    shop.advance(order)
    shop.pass_minutes(2)
    assert_refunded(shop, order, refund, *others)
    assert shop.inventory.available["mug"] == 8


def test_order_without_refunds_is_stored_as_before_there_were_any(
    shop: OrdersHarness, order: Order
) -> None:
    names = {"refunding_minor", "refunded_minor", "pending_refunds", "claimed"}
    key = {"pk": f"ORDER#{order.id}", "sk": "ORDER"}
    table = shop.orders._table
    assert names <= to_item(order).keys()
    assert not names & (table.get(key) or {}).keys()
    request(shop, order, amount_minor=5)
    shop.advance(order)
    assert names & (table.get(key) or {}).keys() == {"refunded_minor"}


def test_erasure_overwrites_the_reason_of_a_refund(shop: OrdersHarness, order: Order) -> None:
    refund = request(shop, order, amount_minor=5, reason="Alice moved to Bonn")
    silent = request(shop, order, "b", amount_minor=5)
    shop.clock.now += MINUTE
    shop.erase(ALICE.id)
    items = shop.orders._table.client.scan(TableName="OrdersTable")["Items"]
    assert "Bonn" not in repr(items)
    erased = shop.refunds.find(order.id, refund.id)
    assert erased
    assert erased.reason == "Erased"
    assert shop.refunds.find(order.id, silent.id) == silent
    # The refunds go on, and a repeated request finds its own.
    shop.advance(order)
    assert_refunded(shop, order, refund, silent)
    again = request(shop, order, amount_minor=5, reason="Alice moved to Bonn")
    assert again.id == refund_id(order.id, "a") == refund.id


def test_erasure_succeeds_for_more_events_than_a_transaction_takes(
    shop: OrdersHarness, order: Order
) -> None:
    refunds = [
        request(shop, order, str(n), amount_minor=1, reason="Alice said so") for n in range(70)
    ]
    shop.advance(order)
    shop.erase(ALICE.id)
    assert shop.current(order).is_erased
    assert "Alice" not in repr(shop.orders._table.client.scan(TableName="OrdersTable")["Items"])
    assert_refunded(shop, order, *refunds)

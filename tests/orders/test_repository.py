"""The promises of the place where orders are kept: of the fake, and of DynamoDB's (on moto)."""

import pytest

from orders.models import Order
from orders.ports import ClaimedOrder, DueOrder, OrderExists, Orders
from orders.repository import DynamoOrders
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.orders.builders import MINUTE, NOON, a_line, added, an_order, order_id_of


def cancelled(orders: Orders, order: Order) -> Order:
    after = order.cancelled(at=NOON, reason="customer_request")
    orders.change(order, after)
    return after


def confirmed(orders: Orders, order: Order) -> Order:
    after = order.confirmed(at=NOON + MINUTE)
    orders.change(order, after)
    return after


def ids(found: list[Order]) -> list[str]:
    return [order.id for order in found]


def test_an_order_comes_back_as_it_was_written(orders: Orders) -> None:
    order = added(orders, an_order(lines=[a_line("mug", 2), a_line("tray", 1, 2450)]))
    assert orders.find(order.id) == order
    after = cancelled(orders, order)
    assert orders.find(order.id) == after


def test_an_order_that_is_not_there_is_none(orders: Orders) -> None:
    assert orders.find(order_id_of(404)) is None


def test_an_order_is_added_once(orders: Orders) -> None:
    first = added(orders, an_order())
    with pytest.raises(OrderExists) as refused:
        orders.add(an_order(user_name="Somebody Else"))
    assert refused.value.order == first
    assert orders.find(first.id) == first
    assert orders.totals()["pending"] == 1
    assert len(orders.history(first.id, after=None, limit=10).events) == 1


def test_a_change_of_an_older_version_is_refused_and_leaves_nothing(orders: Orders) -> None:
    seen = added(orders, an_order())
    now = cancelled(orders, seen)
    with pytest.raises(ConcurrentChange) as refused:
        orders.change(seen, seen.confirmed(at=NOON))
    assert refused.value.current == now
    assert orders.find(seen.id) == now
    assert [e.type for e in orders.history(seen.id, after=None, limit=10).events] == [
        "order.placed",
        "order.cancelled",
    ]
    assert orders.totals() == {
        "pending": 0, "confirmed": 0, "shipped": 0, "delivered": 0, "cancelled": 1,
    }  # fmt: skip


def test_every_change_is_told_with_the_whole_order(orders: Orders) -> None:
    order = added(orders, an_order())
    after = confirmed(orders, order)
    placed, told = orders.history(order.id, after=None, limit=10).events
    assert (placed.type, placed.version, placed.at) == ("order.placed", 1, order.created_at)
    assert (told.type, told.version, told.at) == ("order.confirmed", 2, after.updated_at)
    assert told.aggregate_id == order.id
    assert told.id == f"{order.id}.2"
    assert told.data == after.data().model_dump(mode="json")


def test_history_is_given_page_by_page(orders: Orders) -> None:
    order = added(orders, an_order())
    cancelled(orders, confirmed(orders, order))
    first = orders.history(order.id, after=None, limit=2)
    assert ([e.version for e in first.events], first.last) == ([1, 2], 2)
    rest = orders.history(order.id, after=first.last, limit=2)
    assert ([e.version for e in rest.events], rest.last) == ([3], None)


def test_a_full_last_page_of_history_promises_no_other(orders: Orders) -> None:
    order = added(orders, an_order())
    assert orders.history(order.id, after=None, limit=1).last is None


def test_totals_follow_every_change(orders: Orders) -> None:
    for number in range(3):
        added(orders, an_order(number))
    confirmed(orders, added(orders, an_order(7)))
    assert orders.totals() == {
        "pending": 3, "confirmed": 1, "shipped": 0, "delivered": 0, "cancelled": 0,
    }  # fmt: skip


def test_settling_an_order_that_has_gone_on_is_refused(orders: Orders) -> None:
    order = added(orders, an_order())
    now = cancelled(orders, order)
    with pytest.raises(ConcurrentChange) as refused:
        orders.settle(order)
    assert refused.value.current == now


def test_open_orders_are_due_and_settled_ones_are_not(orders: Orders) -> None:
    waiting = added(orders, an_order(1))
    confirmed(orders, added(orders, an_order(2)))
    given_back = cancelled(orders, added(orders, an_order(3)))
    orders.settle(given_back)
    orders.settle(given_back)
    added(orders, an_order(4, at=NOON + 5 * MINUTE))
    assert waiting.due_at
    assert list(orders.due(rfc3339(NOON + MINUTE))) == [DueOrder(waiting.id, waiting.due_at)]


def test_a_due_order_is_claimed_by_one_sweeper(orders: Orders) -> None:
    added(orders, an_order())
    [due] = orders.due(rfc3339(NOON + MINUTE))
    later = rfc3339(NOON + 2 * MINUTE)
    claimed = orders.claim(due, until=later)
    assert claimed == ClaimedOrder(due.id, "pending", version=1, updated_at=rfc3339(NOON))
    assert not orders.claim(due, until=rfc3339(NOON + 3 * MINUTE))
    assert list(orders.due(rfc3339(NOON + MINUTE))) == []
    assert list(orders.due(rfc3339(NOON + 3 * MINUTE))) == [DueOrder(due.id, later)]


def test_the_longest_due_orders_come_first_whatever_their_shard(orders: Orders) -> None:
    minutes = [3, 0, 7, 5, 1, 6, 2, 4]
    for minute in minutes:
        added(orders, an_order(minute * 3 + 1, at=NOON + minute * MINUTE))
    found = [due.id for due in orders.due(rfc3339(NOON + 9 * MINUTE))]
    assert found == [order_id_of(minute * 3 + 1) for minute in range(8)]


def test_a_waiting_order_is_deferred_and_its_payment_known(orders: Orders) -> None:
    order = added(orders, an_order())
    later = rfc3339(NOON + 2 * MINUTE)
    assert orders.defer(order.with_payment("pay-1"), until=later)
    found = orders.find(order.id)
    assert found
    assert (found.due_at, found.payment_id, found.version) == (later, "pay-1", order.version)
    # A writer that read it before is too late, and attributes that it does not know stay.
    assert not orders.defer(order, until=rfc3339(NOON + 3 * MINUTE))
    orders.change(order, order.cancelled(at=NOON, reason="customer_request"))
    found = orders.find(order.id)
    assert found
    assert (found.status, found.payment_id) == ("cancelled", "pay-1")


def test_an_order_that_has_ended_is_not_deferred(orders: Orders) -> None:
    order = added(orders, an_order())
    ended = confirmed(orders, order)
    assert not orders.defer(order, until=rfc3339(NOON + 2 * MINUTE))
    assert not orders.defer(ended, until=rfc3339(NOON + 2 * MINUTE))
    assert orders.find(order.id) == ended


def test_a_due_order_that_has_ended_is_not_claimed(orders: Orders) -> None:
    order = added(orders, an_order())
    [due] = orders.due(rfc3339(NOON + MINUTE))
    confirmed(orders, order)
    assert not orders.claim(due, until=rfc3339(NOON + 2 * MINUTE))
    found = orders.find(order.id)
    assert found
    assert found.due_at is None


def test_all_orders_are_listed_newest_first_across_statuses(orders: Orders) -> None:
    placed = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(7)]
    confirmed(orders, placed[1])
    cancelled(orders, placed[4])
    seen: list[str] = []
    after: str | None = None
    pages = 0
    while pages == 0 or after:
        page = orders.page(user_id=None, status=None, after=after, limit=3)
        seen += ids(page.orders)
        after = page.last
        pages += 1
    assert seen == ids(placed[::-1])
    assert pages == 3


def test_orders_of_one_millisecond_are_each_listed_once(orders: Orders) -> None:
    placed = {added(orders, an_order(n)).id for n in range(5)}
    first = orders.page(user_id=None, status=None, after=None, limit=2)
    second = orders.page(user_id=None, status=None, after=first.last, limit=2)
    third = orders.page(user_id=None, status=None, after=second.last, limit=2)
    found = ids(first.orders + second.orders + third.orders)
    assert len(found) == 5
    assert set(found) == placed
    assert third.last is None


def test_orders_in_a_status_are_listed(orders: Orders) -> None:
    placed = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(4)]
    for order in placed[:2]:
        confirmed(orders, order)
    page = orders.page(user_id=None, status="confirmed", after=None, limit=10)
    assert ids(page.orders) == [placed[1].id, placed[0].id]
    assert orders.page(user_id=None, status="shipped", after=None, limit=10).orders == []


def test_orders_of_a_user_are_listed(orders: Orders) -> None:
    own = [added(orders, an_order(n, at=NOON + n * MINUTE, user_id="u")) for n in range(3)]
    added(orders, an_order(9, user_id="v"))
    first = orders.page(user_id="u", status=None, after=None, limit=2)
    assert ids(first.orders) == [own[2].id, own[1].id]
    second = orders.page(user_id="u", status=None, after=first.last, limit=2)
    assert (ids(second.orders), second.last) == ([own[0].id], None)


def test_orders_of_a_user_in_a_status_are_listed(orders: Orders) -> None:
    own = [added(orders, an_order(n, at=NOON + n * MINUTE, user_id="u")) for n in range(5)]
    for order in own[:3]:
        confirmed(orders, order)
    first = orders.page(user_id="u", status="confirmed", after=None, limit=2)
    assert ids(first.orders) == [own[2].id, own[1].id]
    second = orders.page(user_id="u", status="confirmed", after=first.last, limit=2)
    assert (ids(second.orders), second.last) == ([own[0].id], None)


def test_a_rare_status_is_found_behind_many_other_orders(orders: Orders) -> None:
    """They are read a page at a time, and have to leave it."""
    oldest = added(orders, an_order(99, at=NOON - MINUTE))
    confirmed(orders, oldest)
    for number in range(7):
        added(orders, an_order(number, at=NOON + number * MINUTE))
    page = orders.page(user_id=oldest.user_id, status="confirmed", after=None, limit=1)
    assert (ids(page.orders), page.last) == ([oldest.id], None)


def test_a_change_keeps_what_a_later_release_has_written(table: Table) -> None:
    orders = DynamoOrders(table)
    order = added(orders, an_order())
    key = {"pk": f"ORDER#{order.id}", "sk": "ORDER"}
    table.update(key, "SET #gift_note = :note", values={"note": "with love"})
    after = confirmed(orders, order)
    item = table.get(key)
    assert item
    assert item["gift_note"] == "with love"
    assert orders.find(order.id) == after


def test_only_open_orders_are_in_the_index_of_due_ones(table: Table) -> None:
    orders = DynamoOrders(table)
    order = added(orders, an_order())
    confirmed(orders, order)
    item = table.get({"pk": f"ORDER#{order.id}", "sk": "ORDER"})
    assert item
    assert not item.keys() & {"due", "due_at"}

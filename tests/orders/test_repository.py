"""The contract of `Orders`, held by the fake and by DynamoDB (moto)."""

from collections.abc import Callable
from itertools import chain

import pytest

from orders.models import STATUSES, Order, Status
from orders.ports import ClaimedOrder, DueOrder, OrderExists, Orders
from orders.repository import DynamoOrders
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.orders.builders import (
    EMAIL,
    MINUTE,
    a_line,
    added,
    an_order,
    changed,
    confirmed,
    event_types,
    events_of,
    order_id_of,
)
from tests.support.clock import NOON


def cancelled(orders: Orders, order: Order) -> Order:
    return changed(orders, order, order.cancelled(at=NOON, reason="customer_request"))


def counts(**by_status: int) -> dict[str, int]:
    return dict.fromkeys(STATUSES, 0) | by_status


def stored(orders: Orders, order: Order) -> Order:
    found = orders.find(order.id)
    assert found
    return found


def pages(
    orders: Orders, *, limit: int, user_id: str | None = None, status: Status | None = None
) -> list[list[str]]:
    """The ids on each page of a list."""
    found: list[list[str]] = []
    after: str | None = None
    while not found or after:
        page = orders.page(user_id=user_id, status=status, after=after, limit=limit)
        found.append([order.id for order in page.orders])
        after = page.last
    return found


# ── Writing ─────────────────────────────────────────────────────────────────────────────────────


def test_order_is_read_as_it_was_written(orders: Orders) -> None:
    order = added(orders, an_order(lines=[a_line("mug", 2), a_line("tray", 1, 2450)]))
    assert orders.find(order.id) == order
    after = cancelled(orders, order)
    assert orders.find(order.id) == after
    assert orders.find(order_id_of(404)) is None


def test_order_is_added_once(orders: Orders) -> None:
    first = added(orders)
    with pytest.raises(OrderExists) as refused:
        orders.add(an_order(user_name="Another Name"))
    assert refused.value.order == orders.find(first.id) == first
    assert orders.totals() == counts(pending=1)
    assert event_types(orders, first) == ["order.placed"]


def test_change_writes_an_event_with_the_order(orders: Orders) -> None:
    order = added(orders)
    after = confirmed(orders, order)
    placed, event = events_of(orders, order)
    assert (placed.type, placed.version, placed.at) == ("order.placed", 1, order.created_at)
    assert (event.type, event.version, event.at) == ("order.confirmed", 2, after.updated_at)
    assert (event.id, event.aggregate_id) == (f"{order.id}.2", order.id)
    assert event.data == after.data().model_dump(mode="json")


def test_change_counts_the_order_in_its_new_status(orders: Orders) -> None:
    for number in range(3):
        added(orders, an_order(number))
    confirmed(orders, added(orders, an_order(7)))
    cancelled(orders, confirmed(orders, added(orders, an_order(8))))
    assert orders.totals() == counts(pending=3, confirmed=1, cancelled=1)


def test_writer_of_an_earlier_version_gets_the_current_order_and_writes_nothing(
    orders: Orders,
) -> None:
    seen = added(orders)
    current = cancelled(orders, seen)
    writes: tuple[Callable[[], object], ...] = (
        lambda: orders.change(seen, seen.confirmed(at=NOON)),
        lambda: orders.erase(seen, seen.erased(at=NOON)),
        lambda: orders.settle(seen),
    )
    for write in writes:
        with pytest.raises(ConcurrentChange) as conflict:
            write()
        assert conflict.value.current == orders.find(seen.id) == current
    assert event_types(orders, seen) == ["order.placed", "order.cancelled"]
    assert orders.totals() == counts(cancelled=1)


def test_erasure_overwrites_personal_data_in_the_order_and_its_events(orders: Orders) -> None:
    order = confirmed(orders)
    after = order.erased(at=NOON + MINUTE)
    orders.erase(order, after)
    assert orders.find(order.id) == after
    assert event_types(orders, order) == ["order.placed", "order.confirmed", "user.erased"]
    events = events_of(orders, order)
    assert (events[-1].version, events[-1].at) == (3, after.updated_at)
    assert events[-1].data == after.data().model_dump(mode="json")
    assert {event.data["email"] for event in events} == {after.email}
    assert {event.data["user_name"] for event in events} == {"Erased"}
    assert [event.data["status"] for event in events] == ["pending", "confirmed", "confirmed"]
    assert orders.totals() == counts(confirmed=1)
    assert EMAIL not in repr(events)


def test_erasure_keeps_a_concurrent_claim(orders: Orders) -> None:
    seen = added(orders)
    assert seen.due_at
    later = rfc3339(NOON + 5 * MINUTE)
    assert orders.claim(DueOrder(seen.id, seen.due_at), until=later)
    orders.erase(seen, seen.erased(at=NOON))
    assert (stored(orders, seen).due_at, stored(orders, seen).is_erased) == (later, True)


def test_history_is_read_page_by_page(orders: Orders) -> None:
    order = added(orders)
    assert orders.history(order.id, after=None, limit=1).last is None
    cancelled(orders, confirmed(orders, order))
    first = orders.history(order.id, after=None, limit=2)
    assert ([event.version for event in first.events], first.last) == ([1, 2], 2)
    rest = orders.history(order.id, after=first.last, limit=2)
    assert ([event.version for event in rest.events], rest.last) == ([3], None)


# ── Due orders ──────────────────────────────────────────────────────────────────────────────────


def test_order_is_due_until_it_is_confirmed_or_settled(orders: Orders) -> None:
    waiting = added(orders, an_order(1))
    confirmed(orders, added(orders, an_order(2)))
    given_back = cancelled(orders, added(orders, an_order(3)))
    orders.settle(given_back)
    orders.settle(given_back)
    added(orders, an_order(4, at=NOON + 5 * MINUTE))
    assert waiting.due_at
    assert list(orders.due(rfc3339(NOON + MINUTE))) == [DueOrder(waiting.id, waiting.due_at)]


def test_due_orders_of_all_shards_come_oldest_first(orders: Orders) -> None:
    # The ids 0, 4, 8, … are in one shard.
    numbers = [0, 4, 8, 12, 1, 16, 2, 20]
    for minute, number in reversed(list(enumerate(numbers))):
        added(orders, an_order(number, at=NOON + minute * MINUTE))
    found = [due.id for due in orders.due(rfc3339(NOON + 20 * MINUTE))]
    assert found == [order_id_of(number) for number in numbers]


def test_due_order_is_claimed_once_and_due_again_later(orders: Orders) -> None:
    added(orders)
    [due] = orders.due(rfc3339(NOON + MINUTE))
    later = rfc3339(NOON + 2 * MINUTE)
    claimed = orders.claim(due, until=later)
    assert claimed == ClaimedOrder(due.id, "pending", version=1, updated_at=rfc3339(NOON))
    assert not orders.claim(due, until=rfc3339(NOON + 3 * MINUTE))
    assert list(orders.due(rfc3339(NOON + MINUTE))) == []
    assert list(orders.due(rfc3339(NOON + 3 * MINUTE))) == [DueOrder(due.id, later)]


def test_order_is_deferred_once_and_keeps_its_payment(orders: Orders) -> None:
    order = added(orders)
    later = rfc3339(NOON + 2 * MINUTE)
    assert orders.defer(order.with_payment("pay-1"), until=later)
    found = stored(orders, order)
    assert (found.due_at, found.payment_id, found.version) == (later, "pay-1", order.version)
    assert not orders.defer(order, until=rfc3339(NOON + 3 * MINUTE))
    # A writer that does not know the payment leaves it.
    cancelled(orders, order)
    assert (stored(orders, order).status, stored(orders, order).payment_id) == (
        "cancelled",
        "pay-1",
    )


@pytest.mark.parametrize("is_new", [True, False])
def test_change_writes_only_what_differs(orders: Orders, is_new: bool) -> None:
    order = added(orders)
    paid = order.with_payment("pay-1")
    changed(orders, order if is_new else paid, paid.confirmed(at=NOON))
    assert stored(orders, order).payment_id == ("pay-1" if is_new else None)


def test_ended_order_is_neither_deferred_nor_claimed(orders: Orders) -> None:
    order = added(orders)
    [due] = orders.due(rfc3339(NOON + MINUTE))
    ended = confirmed(orders, order)
    until = rfc3339(NOON + 2 * MINUTE)
    assert not orders.defer(order, until=until)
    assert not orders.defer(ended, until=until)
    assert not orders.claim(due, until=until)
    assert orders.find(order.id) == ended


# ── Lists ───────────────────────────────────────────────────────────────────────────────────────


def test_list_has_all_orders_newest_first(orders: Orders) -> None:
    placed = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(7)]
    confirmed(orders, placed[1])
    cancelled(orders, placed[4])
    found = pages(orders, limit=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert list(chain(*found)) == [order.id for order in reversed(placed)]


def test_list_has_each_order_of_one_millisecond_once(orders: Orders) -> None:
    placed = {added(orders, an_order(n)).id for n in range(5)}
    found = list(chain(*pages(orders, limit=2)))
    assert len(found) == 5
    assert set(found) == placed


def test_list_is_filtered_by_status(orders: Orders) -> None:
    placed = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(4)]
    for order in placed[:2]:
        confirmed(orders, order)
    assert pages(orders, limit=10, status="confirmed") == [[placed[1].id, placed[0].id]]
    assert pages(orders, limit=10, status="shipped") == [[]]


@pytest.mark.parametrize("status", [None, "confirmed"])
def test_list_is_filtered_by_user(orders: Orders, status: Status | None) -> None:
    own = [added(orders, an_order(n, at=NOON + n * MINUTE, user_id="u")) for n in range(5)]
    for order in own[:3]:
        confirmed(orders, order)
    added(orders, an_order(9, user_id="v"))
    expected = own[:3] if status else own
    found = pages(orders, limit=2, user_id="u", status=status)
    assert list(chain(*found)) == [order.id for order in reversed(expected)]
    assert [len(page) for page in found][:-1] == [2] * (len(found) - 1)


def test_list_finds_a_rare_status_behind_many_other_orders(orders: Orders) -> None:
    oldest = confirmed(orders, added(orders, an_order(99, at=NOON - MINUTE)))
    for number in range(7):
        added(orders, an_order(number, at=NOON + number * MINUTE))
    found = pages(orders, limit=1, user_id=oldest.user_id, status="confirmed")
    assert found == [[oldest.id]]


# ── Items ───────────────────────────────────────────────────────────────────────────────────────


def test_item_has_the_attributes_of_the_earlier_releases(table: Table) -> None:
    order = added(DynamoOrders(table))
    assert table.get({"pk": f"ORDER#{order.id}", "sk": "ORDER"}) == {
        "pk": f"ORDER#{order.id}",
        "sk": "ORDER",
        "user_id": order.user_id,
        "user_name": order.user_name,
        "email": EMAIL,
        "lines": [{"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_minor": 1100}],
        "total_minor": 1100,
        "currency": "EUR",
        "payment_token": "tok_ok",
        "request_digest": order.request_digest,
        "status": "pending",
        "cancel_reason": None,
        "created_at": order.created_at,
        "updated_at": order.created_at,
        "version": 1,
        "placed": f"{order.created_at}#{order.id}",
        "due": "1",
        "due_at": order.due_at,
    }


def test_change_keeps_what_a_later_release_has_written(table: Table) -> None:
    orders = DynamoOrders(table)
    order = added(orders)
    key = {"pk": f"ORDER#{order.id}", "sk": "ORDER"}
    table.update(key, "SET #gift_note = :note", values={"note": "with love"})
    after = confirmed(orders, order)
    item = table.get(key)
    assert item
    assert item["gift_note"] == "with love"
    assert not item.keys() & {"due", "due_at"}
    assert orders.find(order.id) == after

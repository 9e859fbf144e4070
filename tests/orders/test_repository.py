"""The contract of `Orders`, as DynamoDB holds it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pytest

from orders.models import STATUSES, Order, PaymentAction, Status
from orders.ports import ClaimedOrder, DueOrder, OrderExists, Orders
from orders.repository import DynamoOrders
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.orders.builders import (
    EMAIL,
    HOUR,
    MINUTE,
    a_basket,
    a_line,
    added,
    an_order,
    confirmed,
    event_types,
    events_of,
    order_id_of,
    stored,
)
from tests.support.callers import ALICE
from tests.support.clock import NOON

_SHARDS = ("", "#1", "#2", "#3")
ACTION = PaymentAction("sandbox", "sandbox_secret_of_alice")


def after(minutes: int) -> str:
    return rfc3339(NOON + minutes * MINUTE)


def cancelled(orders: Orders, order: Order) -> Order:
    changed = order.cancelled(at=NOON, reason="customer_request")
    orders.change(order, changed)
    return changed


def counts(**by_status: int) -> dict[str, int]:
    return dict.fromkeys(STATUSES, 0) | by_status


def due(orders: Orders, minutes: int) -> list[DueOrder]:
    return list(orders.due(after(minutes)))


def pages(
    orders: Orders, *, limit: int, user_id: str | None = None, status: Status | None = None
) -> list[list[str]]:
    """The ids on each page of a list."""
    found: list[list[str]] = []
    last: str | None = None
    while not found or last:
        page = orders.page(user_id=user_id, status=status, after=last, limit=limit)
        found.append([order.id for order in page.items])
        last = page.last
    return found


# ── Writing ─────────────────────────────────────────────────────────────────────────────────────


def test_order_is_added_once(orders: Orders) -> None:
    first = added(orders, an_order(lines=[a_line("mug", 2), a_line("tray", 1, 2450)]))
    with pytest.raises(OrderExists) as refused:
        orders.add(an_order(user_name="Another Name"))
    assert refused.value.order == orders.find(first.id) == first
    assert event_types(orders, first) == ["order.placed"]
    assert orders.find(order_id_of(404)) is None


def test_change_writes_an_event_and_the_counts_with_the_order(orders: Orders) -> None:
    order = added(orders)
    changed = confirmed(orders, order)
    assert orders.find(order.id) == changed
    placed, event = events_of(orders, order)
    assert (placed.type, placed.version, placed.at) == ("order.placed", 1, order.created_at)
    assert (event.type, event.version, event.at) == ("order.confirmed", 2, changed.updated_at)
    assert (event.id, event.aggregate_id) == (f"{order.id}.2", order.id)
    assert event.data == changed.data().model_dump(mode="json")
    added(orders, an_order(7))
    cancelled(orders, confirmed(orders, added(orders, an_order(8))))
    assert orders.totals() == counts(pending=1, confirmed=1, cancelled=1)


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


@pytest.mark.parametrize("is_new", [True, False])
def test_change_writes_only_what_differs(orders: Orders, is_new: bool) -> None:
    order = added(orders)
    paid = order.with_payment("pay-1")
    orders.change(order if is_new else paid, paid.confirmed(at=NOON))
    assert stored(orders, order).payment_id == ("pay-1" if is_new else None)


def test_erasure_overwrites_personal_data_in_the_order_and_its_events(orders: Orders) -> None:
    order = confirmed(orders, added(orders, an_order(basket=a_basket(payment_token="tok_timeout"))))
    erased = order.erased(at=NOON + MINUTE)
    orders.erase(order, erased)
    assert orders.find(order.id) == erased
    events = events_of(orders, order)
    assert [e.type for e in events] == ["order.placed", "order.confirmed", "user.erased"]
    assert (events[-1].version, events[-1].at) == (3, erased.updated_at)
    assert events[-1].data == erased.data().model_dump(mode="json")
    assert {event.data["email"] for event in events} == {erased.email}
    assert {event.data["user_name"] for event in events} == {"Erased"}
    assert [event.data["status"] for event in events] == ["pending", "confirmed", "confirmed"]
    assert orders.totals() == counts(confirmed=1)


def test_erasure_leaves_no_personal_data_in_any_item(table: Table) -> None:
    orders = DynamoOrders(table)
    before = confirmed(orders, added(orders, an_order(basket=a_basket(payment_token="tok_secret"))))
    orders.erase(before, before.erased(at=NOON))
    items = table.client.scan(TableName=table.name)["Items"]
    for text in ("Alice Example", EMAIL, "tok_secret"):
        assert text not in repr(items)
    # The earlier events are still published; `user.erased` of an order is not.
    assert ["unsent" in item for item in items if "event" in item] == [True, True, False]


# ── Due orders ──────────────────────────────────────────────────────────────────────────────────


def test_orders_of_all_shards_are_due_oldest_first_until_they_end(orders: Orders) -> None:
    # The ids 0, 4 and 8 are in one shard.
    for minute, number in enumerate([0, 4, 1, 8, 2]):
        added(orders, an_order(number, at=NOON + minute * MINUTE))
    confirmed(orders, added(orders, an_order(5)))
    given_back = cancelled(orders, added(orders, an_order(6)))
    for _ in range(2):
        orders.settle(given_back)
    assert [order.id for order in due(orders, 4)] == [order_id_of(n) for n in (0, 4, 1, 8)]


def test_due_order_is_claimed_once_and_due_again_later(orders: Orders) -> None:
    seen = added(orders)
    [order] = due(orders, 1)
    claimed = orders.claim(order, until=after(2))
    assert claimed == ClaimedOrder(order.id, "pending", version=1, updated_at=rfc3339(NOON))
    assert not orders.claim(order, until=after(3))
    assert due(orders, 1) == []
    assert due(orders, 3) == [DueOrder(order.id, after(2))]
    # An erasure keeps a concurrent claim.
    orders.erase(seen, seen.erased(at=NOON))
    assert due(orders, 3) == [DueOrder(order.id, after(2))]


def test_order_is_deferred_once_and_keeps_its_payment(orders: Orders) -> None:
    order = added(orders)
    assert orders.defer(order.with_payment("pay-1"), until=after(2))
    found = stored(orders, order)
    assert (found.due_at, found.payment_id, found.version) == (after(2), "pay-1", order.version)
    assert not orders.defer(order, until=after(3))
    # A writer that does not know the payment leaves it.
    cancelled(orders, order)
    assert stored(orders, order).payment_id == "pay-1"


def test_order_keeps_what_its_customer_has_to_do_until_a_change(orders: Orders) -> None:
    order = added(orders)
    waiting = order.awaiting(ACTION, HOUR, at=NOON)
    assert orders.defer(waiting, until=after(2))
    found = stored(orders, order)
    assert (found.action, found.deadline, found.version) == (ACTION, NOON + HOUR, 1)
    [seen] = due(orders, 3)
    claimed = orders.claim(seen, until=after(4))
    assert claimed
    assert claimed.action_until == found.action_until
    # Also by a writer that has not read it.
    ended = stored(orders, cancelled(orders, order))
    assert (ended.action, ended.action_until) == (None, None)


def test_erased_order_does_not_get_back_what_its_customer_had_to_do(table: Table) -> None:
    orders = DynamoOrders(table)
    order = added(orders)
    waiting = order.awaiting(ACTION, HOUR, at=NOON)
    assert orders.defer(waiting, until=after(2))
    seen = stored(orders, order)
    orders.erase(order, order.erased(at=NOON))
    assert not orders.defer(replace(waiting, due_at=seen.due_at), until=after(3))
    assert ACTION.client_secret not in repr(table.client.scan(TableName=table.name)["Items"])


def test_ended_order_is_neither_deferred_nor_claimed(orders: Orders) -> None:
    order = added(orders)
    [seen] = due(orders, 1)
    ended = confirmed(orders, order)
    assert not orders.defer(order, until=after(2))
    assert not orders.defer(ended, until=after(2))
    assert not orders.claim(seen, until=after(2))
    assert orders.find(order.id) == ended


# ── Lists ───────────────────────────────────────────────────────────────────────────────────────


def test_list_has_all_orders_newest_first(orders: Orders) -> None:
    # Two of each millisecond.
    placed = [added(orders, an_order(n, at=NOON + n // 2 * MINUTE)) for n in range(5)]
    confirmed(orders, placed[1])
    cancelled(orders, placed[4])
    newest_first = [order.id for order in reversed(placed)]
    assert {order.id for order in orders.of_user(ALICE.id)} == set(newest_first)
    assert list(orders.of_user("another")) == []
    assert pages(orders, limit=2) == [newest_first[:2], newest_first[2:4], newest_first[4:]]


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_short_pages_have_every_match_once(
    orders: Orders, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.repository._MAX_BATCH", 3)
    placed = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(10)]
    for number in (0, 1, 2, 3, 7, 8):
        confirmed(orders, placed[number])
    found = pages(orders, limit=limit, user_id=ALICE.id, status="confirmed")
    assert list(chain(*found)) == [placed[number].id for number in (8, 7, 3, 2, 1, 0)]
    assert max(map(len, found)) <= limit


@pytest.mark.parametrize("user_id", [None, "u"])
@pytest.mark.parametrize("status", [None, "confirmed", "shipped"])
def test_list_is_filtered_by_user_and_status(
    orders: Orders, user_id: str | None, status: Status | None
) -> None:
    own = [added(orders, an_order(n, at=NOON + n * MINUTE, user_id="u")) for n in range(4)]
    other = added(orders, an_order(9, at=NOON - MINUTE, user_id="v"))
    for order in (own[0], own[1], other):
        confirmed(orders, order)
    found = pages(orders, limit=2, user_id=user_id, status=status)
    expected = [] if status == "shipped" else own[:2] if status else own
    if user_id is None and status != "shipped":
        expected = [other, *expected]
    assert list(chain(*found)) == [order.id for order in reversed(expected)]
    assert all(len(page) == 2 for page in found[:-1])


@pytest.mark.parametrize("status", [None, *STATUSES])
def test_orders_of_a_table_that_has_got_more_shards_are_listed_changed_and_counted(
    table: Table, status: Status | None
) -> None:
    few = DynamoOrders(table)
    many = DynamoOrders(Table(table.name, table.client, shards=4))
    by_status: dict[Status, list[Order]] = {one: [] for one in STATUSES}
    for number in range(32):
        at = NOON + number * MINUTE
        before, now = (few, many) if number < 16 else (many, many)
        order = added(before, an_order(number, at=at))
        by_status["pending"].append(order)
        steps: list[Callable[[Order], Order]] = [
            lambda order: order.confirmed(at=NOON),
            lambda order: order.shipped(at=NOON),
            lambda order: order.delivered(at=NOON),
        ]
        if number % 8 == 7:
            steps = [lambda order: order.cancelled(at=NOON, reason="admin_request")]
        for step in steps[: number % 4]:
            by_status[order.status].remove(order)
            seen, order = order, step(order)
            # Some orders are changed before the table has more shards, and some after it.
            (before if number % 3 else now).change(seen, order)
            by_status[order.status].append(order)
    wanted = by_status[status] if status else list(chain(*by_status.values()))
    newest_first = sorted(wanted, key=lambda order: order.listed_at, reverse=True)
    found = pages(many, limit=5, status=status)
    assert list(chain(*found)) == [order.id for order in newest_first]
    assert [many.find(order.id) for order in newest_first] == newest_first
    assert many.totals() == {one: len(orders) for one, orders in by_status.items()}


def test_orders_of_a_table_that_has_got_more_shards_are_due(table: Table) -> None:
    few = DynamoOrders(table)
    many = DynamoOrders(Table(table.name, table.client, shards=4))
    for number in range(4):
        added(few, an_order(number))
    waiting = added(few, an_order(4))
    assert few.defer(waiting, until=after(1))
    given_back = cancelled(few, added(few, an_order(5)))
    found = due(many, 2)
    assert {order.id for order in found} == {order_id_of(number) for number in range(6)}
    claimed = [many.claim(order, until=after(5)) for order in found]
    statuses = {one.id: one.status for one in claimed if one}
    assert statuses.pop(given_back.id) == "cancelled"
    assert list(statuses.values()) == ["pending"] * 5
    assert due(many, 3) == []
    assert len(due(many, 6)) == 6
    assert many.defer(stored(many, waiting), until=after(9))
    many.settle(given_back)
    assert len(due(many, 6)) == 4


def test_statuses_of_orders_are_spread_over_the_shards(table: Table) -> None:
    orders = DynamoOrders(Table(table.name, table.client, shards=4))
    for number in range(8):
        order = added(orders, an_order(number))
        if number >= 4:
            confirmed(orders, order)
    items = [table.get({"pk": f"ORDER#{order_id_of(n)}", "sk": "ORDER"}) for n in range(8)]
    names = [status + shard for status in ("pending", "confirmed") for shard in _SHARDS]
    assert [item["status"] for item in items if item] == names


# ── Items ───────────────────────────────────────────────────────────────────────────────────────


def test_item_has_the_attributes_of_the_earlier_releases(table: Table) -> None:
    order = added(DynamoOrders(table))
    item = table.get({"pk": f"ORDER#{order.id}", "sk": "ORDER"})
    assert item
    assert (
        item.items()
        >= {
            "pk": f"ORDER#{order.id}",
            "sk": "ORDER",
            "user_id": order.user_id,
            "user_name": order.user_name,
            "email": EMAIL,
            "lines": [
                {"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_minor": 1100}
            ],
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
        }.items()
    )

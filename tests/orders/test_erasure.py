"""Erasure of a customer from their orders."""

from collections.abc import Callable, Mapping

import pytest

from orders.erasure import Erasure
from orders.models import Order
from orders.ports import Orders
from orders.repository import DynamoOrders
from shared.contracts.events import Event
from shared.errors import ServiceUnavailable
from shared.messaging.redelivery import RetryLater
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.orders.builders import MINUTE, added, an_order, event_types, stored
from tests.support.callers import ALICE, BOB
from tests.support.clock import NOON, ManualClock

USER_ERASED = Event(
    id=f"{ALICE.id}.4",
    type="user.erased",
    aggregate_id=ALICE.id,
    version=4,
    at=rfc3339(NOON),
    request_id="request-1",
    data={"user_id": ALICE.id},
)


def erase(orders: Orders, minutes: float = 1) -> float | None:
    """Handle the event so long after it; return after how many seconds it is delivered again.

    After a minute no further orders can appear.
    """
    try:
        Erasure(orders, ManualClock(NOON + minutes * MINUTE)).erase(USER_ERASED)
    except RetryLater as rest:
        return rest.seconds
    return None


def test_erasure_erases_all_orders_of_the_customer_once_and_no_others(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.erasure._AT_ONCE", 2)
    own = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(5)]
    other = added(orders, an_order(9, user_id=BOB.id))
    assert [erase(orders) for _ in range(4)] == [0, 0, None, None]
    for order in own:
        assert stored(orders, order).is_erased
        assert event_types(orders, order) == ["order.placed", "user.erased"]
    assert stored(orders, other) == other


@pytest.mark.parametrize(("minutes", "seconds"), [(-60, 60), (0, 60), (0.5, 30), (1, None)])
def test_erasure_runs_again_when_orders_may_still_appear(
    orders: Orders, minutes: float, seconds: int | None
) -> None:
    order = added(orders)
    assert erase(orders, minutes) == seconds
    assert stored(orders, order).is_erased


class Racing(DynamoOrders):
    """Another writer comes just before each erasure of a pending order."""

    def __init__(self, table: Table, write: Callable[[DynamoOrders, Order], None]) -> None:
        super().__init__(table)
        self._before = write

    def erase(self, before: Order, after: Order, *, texts: Mapping[str, str] | None = None) -> None:
        if before.status == "pending":
            self._before(self, before)
        super().erase(before, after, texts=texts)


def confirm(orders: DynamoOrders, order: Order) -> None:
    orders.change(order, order.confirmed(at=NOON))


def erase_too(orders: DynamoOrders, order: Order) -> None:
    DynamoOrders.erase(orders, order, order.erased(at=NOON))


@pytest.mark.parametrize(
    ("rival", "history"),
    [
        (confirm, ["order.placed", "order.confirmed", "user.erased"]),
        (erase_too, ["order.placed", "user.erased"]),
    ],
)
def test_erasure_decides_again_after_a_concurrent_change(
    table: Table, rival: Callable[[DynamoOrders, Order], None], history: list[str]
) -> None:
    orders = Racing(table, rival)
    order = added(orders)
    erase(orders)
    assert event_types(orders, order) == history
    assert stored(orders, order).is_erased


def test_erasure_fails_temporarily_when_an_order_keeps_changing(table: Table) -> None:
    def change(_: DynamoOrders, order: Order) -> None:
        raise ConcurrentChange(order)

    orders = Racing(table, change)
    added(orders)
    with pytest.raises(ServiceUnavailable):
        erase(orders)

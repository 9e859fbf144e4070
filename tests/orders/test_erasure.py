"""Erasure of a customer from their orders."""

from typing import Final

import pytest

from orders.erasure import Erasure
from orders.models import Order
from orders.repository import DynamoOrders
from shared.errors import ServiceUnavailable
from shared.messaging.redelivery import RetryLater
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.orders.builders import (
    EMAIL,
    MINUTE,
    a_basket,
    added,
    an_order,
    confirmed,
    event_types,
    user_erased,
)
from tests.orders.fakes import InMemoryOrders
from tests.orders.harness import SagaHarness
from tests.support.callers import ALICE, BOB
from tests.support.clock import NOON, ManualClock

ERASED_EMAIL: Final = f"{ALICE.id}@erased.invalid"


def erase(orders: InMemoryOrders) -> None:
    """Handle the event when no further orders can appear."""
    Erasure(orders, ManualClock(NOON + MINUTE)).erase(user_erased())


def test_erasure_erases_all_orders_of_the_customer_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orders.erasure._AT_ONCE", 2)
    orders = InMemoryOrders()
    own = [added(orders, an_order(n, at=NOON + n * MINUTE)) for n in range(5)]
    other = added(orders, an_order(9, user_id=BOB.id))
    for _ in range(2):
        with pytest.raises(RetryLater) as rest:
            erase(orders)
        assert rest.value.seconds == 0
    erase(orders)
    assert all(orders.orders[order.id].is_erased for order in own)
    assert orders.orders[other.id] == other


@pytest.mark.parametrize(("minutes", "seconds"), [(-60, 60), (0, 60), (0.5, 30), (1, None)])
def test_erasure_runs_again_when_orders_may_still_appear(
    minutes: float, seconds: int | None
) -> None:
    orders = InMemoryOrders()
    order = added(orders)
    erasure = Erasure(orders, ManualClock(NOON + minutes * MINUTE))
    if seconds is None:
        erasure.erase(user_erased())
    else:
        with pytest.raises(RetryLater) as rest:
            erasure.erase(user_erased())
        assert rest.value.seconds == seconds
    assert orders.orders[order.id].is_erased


def test_erasure_changes_nothing_when_it_is_repeated() -> None:
    orders = InMemoryOrders()
    order = added(orders)
    for _ in range(3):
        erase(orders)
    assert event_types(orders, order) == ["order.placed", "user.erased"]


def test_erasure_erases_an_order_that_changes_concurrently_as_it_is_then() -> None:
    class Racing(InMemoryOrders):
        def erase(self, before: Order, after: Order) -> None:
            if before.status == "pending":
                self.change(before, before.confirmed(at=NOON))
            super().erase(before, after)

    orders = Racing()
    order = added(orders)
    erase(orders)
    assert event_types(orders, order) == ["order.placed", "order.confirmed", "user.erased"]
    assert orders.orders[order.id].status == "confirmed"


def test_erasure_leaves_an_order_that_another_delivery_erases_concurrently() -> None:
    class Racing(InMemoryOrders):
        def erase(self, before: Order, after: Order) -> None:
            super().erase(before, after)
            super().erase(before, after)

    orders = Racing()
    order = added(orders)
    erase(orders)
    assert event_types(orders, order) == ["order.placed", "user.erased"]


def test_erasure_fails_temporarily_when_an_order_keeps_changing() -> None:
    class Racing(InMemoryOrders):
        def erase(self, before: Order, after: Order) -> None:
            raise ConcurrentChange(before)

    orders = Racing()
    added(orders)
    with pytest.raises(ServiceUnavailable):
        erase(orders)


def test_erasure_leaves_no_personal_data_in_any_item(table: Table) -> None:
    orders = DynamoOrders(table)
    order = an_order(basket=a_basket(payment_token="tok_timeout"))
    before = confirmed(orders, added(orders, order))
    orders.erase(before, before.erased(at=NOON))
    items = table.client.scan(TableName=table.name)["Items"]
    for text in ("Alice Example", EMAIL, "tok_timeout"):
        assert text not in repr(items)
    # The earlier events are still published; `user.erased` of an order is not.
    assert ["unsent" in item for item in items if "event" in item] == [True, True, False]


# ── Concurrently with the saga ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ["message", "confirm", "authorize", "capture"])
def test_erased_order_is_confirmed_and_stays_erased(saga: SagaHarness, step: str) -> None:
    order = saga.placed("tok_timeout")

    def erase_now() -> None:
        erase(saga.orders)

    if step == "message":
        erase_now()
    else:
        (saga.stock if step == "confirm" else saga.payments).before[step] = erase_now
    current = saga.advance(order)
    assert (current.status, current.email) == ("confirmed", ERASED_EMAIL)
    assert current.payment_token == ""
    assert saga.payments.states[order.id] == "captured"
    assert EMAIL not in repr(saga.orders.events)
    expected = ["order.placed", "user.erased", "order.confirmed"]
    assert event_types(saga.orders, order) == expected


def test_erased_order_gives_everything_back_when_it_was_cancelled(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.cancel(order)
    erase(saga.orders)
    current = saga.advance(order)
    assert (current.status, current.due_at, current.email) == ("cancelled", None, ERASED_EMAIL)
    assert saga.stock.available["mug"] == 10

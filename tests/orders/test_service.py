"""The use cases of customers and admins."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orders.errors import (
    AccountInactive,
    EmailNotConfirmed,
    IdempotencyKeyReused,
    OrderNotFound,
    RequestInProgress,
)
from orders.models import Basket, Order, order_id
from orders.repository import DynamoOrders
from orders.service import OrderService
from shared.auth.tokens import Caller
from shared.contracts.inventory import OutOfStock, PriceChanged, ReservationEnded, UnknownProduct
from shared.errors import Forbidden, ServiceUnavailable, Unauthenticated
from tests.orders.builders import MINUTE, a_basket, added, an_order, event_types
from tests.orders.harness import OrdersHarness
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import NOON

# ── Placing ─────────────────────────────────────────────────────────────────────────────────────


def test_place_reserves_the_stock_and_writes_a_pending_order(shop: OrdersHarness) -> None:
    placement = shop.service.place(ALICE, "k", a_basket(("mug", 2), ("tray", 1)))
    order = placement.order
    assert not placement.replayed
    assert (order.status, order.user_id, order.user_name) == ("pending", ALICE.id, "Alice Example")
    assert (order.total_minor, order.currency) == (3300, "EUR")
    assert shop.orders.find(order.id) == order
    assert event_types(shop.orders, order) == ["order.placed"]
    assert shop.inventory.available == {"mug": 8, "tray": 9}


def deactivate(shop: OrdersHarness) -> None:
    shop.customers.change(ALICE.id, is_active=False)


def end_sessions(shop: OrdersHarness) -> None:
    shop.customers.change(ALICE.id, session_epoch=1)


def unconfirm_email(shop: OrdersHarness) -> None:
    shop.customers.change(ALICE.id, email_confirmed=False)


def delete_customer(shop: OrdersHarness) -> None:
    shop.customers.customers.clear()


def stop_directory(shop: OrdersHarness) -> None:
    shop.customers.down = True


def stop_inventory(shop: OrdersHarness) -> None:
    shop.inventory.down = True


def release(shop: OrdersHarness) -> None:
    shop.inventory.release(order_id(ALICE.id, "k"))


def reserve(shop: OrdersHarness) -> None:
    shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket().lines)


def forget_reservations(shop: OrdersHarness) -> None:
    shop.inventory.reservations.clear()


@pytest.mark.parametrize(
    ("prepare", "basket", "error", "data"),
    [
        (deactivate, a_basket(), AccountInactive, {}),
        (delete_customer, a_basket(), AccountInactive, {}),
        (end_sessions, a_basket(), Unauthenticated, {"reason": "ended"}),
        (unconfirm_email, a_basket(), EmailNotConfirmed, {}),
        (stop_directory, a_basket(), ServiceUnavailable, {}),
        (stop_inventory, a_basket(), ServiceUnavailable, {}),
        (release, a_basket(), ReservationEnded, {}),
        (reserve, a_basket(), RequestInProgress, {}),
        (reserve, a_basket(("mug", 2)), IdempotencyKeyReused, {}),
        (
            bool,
            replace(a_basket(), expected_total_minor=1),
            PriceChanged,
            {"total_amount": "11.00"},
        ),
        (reserve, replace(a_basket(), expected_total_minor=1), IdempotencyKeyReused, {}),
        (bool, a_basket(("ghost", 1)), UnknownProduct, {"product_id": "ghost"}),
        (
            bool,
            a_basket(("mug", 1), ("tray", 11)),
            OutOfStock,
            {"product_id": "tray", "requested": 11, "available": 10},
        ),
    ],
)
def test_place_refuses_an_order_without_a_trace(
    shop: OrdersHarness,
    prepare: Callable[[OrdersHarness], object],
    basket: Basket,
    error: type[Exception],
    data: dict[str, Any],
) -> None:
    prepare(shop)
    available = dict(shop.inventory.available)
    with pytest.raises(error) as refused:
        shop.service.place(ALICE, "k", basket)
    assert getattr(refused.value, "data", {}) == data
    assert shop.inventory.available == available
    assert list(shop.orders.of_user(ALICE.id)) == []


def test_place_takes_orders_of_unconfirmed_customers_where_that_is_configured(
    shop: OrdersHarness,
) -> None:
    unconfirm_email(shop)
    service = OrderService(
        shop.orders, shop.customers, shop.inventory, shop.clock, needs_confirmed_email=False
    )
    assert not service.place(ALICE, "k", a_basket()).replayed


def test_place_continues_a_failed_request_after_two_seconds(shop: OrdersHarness) -> None:
    reserve(shop)
    shop.inventory.seconds_later = 2
    with pytest.raises(RequestInProgress):
        shop.placed("k")
    shop.inventory.seconds_later = 3
    assert not shop.service.place(ALICE, "k", a_basket()).replayed
    assert shop.inventory.available["mug"] == 9


@pytest.mark.parametrize(
    "event",
    [deactivate, end_sessions, release, stop_directory, stop_inventory, forget_reservations],
)
def test_place_replays_an_order_whatever_happened_later(
    shop: OrdersHarness, event: Callable[[OrdersHarness], None]
) -> None:
    first = shop.placed("k")
    event(shop)
    available = dict(shop.inventory.available)
    again = shop.service.place(ALICE, "k", a_basket())
    assert (again.order, again.replayed) == (first, True)
    for other in (a_basket(("mug", 2)), a_basket(payment_token="tok_declined")):
        with pytest.raises(IdempotencyKeyReused):
            shop.service.place(ALICE, "k", other)
    assert shop.inventory.available == available


@pytest.mark.parametrize("failure", [None, TimeoutError])
def test_place_keeps_the_stock_and_the_order_of_whichever_write_came_first(
    failure: type[Exception] | None,
) -> None:
    class Raced(DynamoOrders):
        """The order is written just before: by another request, or by a call without an answer."""

        def add(self, order: Order) -> None:
            super().add(order)
            if failure:
                raise failure
            super().add(order)

    shop = OrdersHarness(Raced)
    if failure:
        with pytest.raises(failure):
            shop.placed("k")
    assert shop.service.place(ALICE, "k", a_basket()).replayed
    assert shop.inventory.available["mug"] == 9


# ── Permissions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("caller", "is_permitted"), [(ALICE, True), (ADMIN, True), (BOB, False)])
def test_order_is_seen_and_cancelled_by_its_customer_and_by_admins(
    shop: OrdersHarness, caller: Caller, is_permitted: bool
) -> None:
    order = shop.placed()
    use_cases: tuple[Callable[[], object], ...] = (
        lambda: shop.service.get(order.id, caller),
        lambda: shop.service.history(order.id, caller, after=None, limit=5),
        lambda: shop.service.cancel(order.id, caller),
    )
    for use_case in use_cases:
        if is_permitted:
            use_case()
        else:
            with pytest.raises(OrderNotFound):
                use_case()
    assert (shop.current(order).status == "cancelled") == is_permitted


def test_order_is_not_changed_by_a_role_that_may_only_see_it(
    shop: OrdersHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.auth.access._CHANGE_ALL", frozenset())
    order = shop.placed()
    assert shop.service.get(order.id, ADMIN) == order
    for change in (shop.service.cancel, shop.service.ship, shop.service.deliver):
        with pytest.raises(Forbidden):
            change(order.id, ADMIN)


@pytest.mark.parametrize("id_", ["nothing", "0" * 32, "x" * 5000])
def test_order_is_not_found_when_the_id_is_unknown_or_malformed(
    shop: OrdersHarness, id_: str
) -> None:
    use_cases: tuple[Callable[[], object], ...] = (
        lambda: shop.service.get(id_, ALICE),
        lambda: shop.service.cancel(id_, ALICE),
        lambda: shop.service.ship(id_, ADMIN),
        lambda: shop.service.deliver(id_, ADMIN),
    )
    for use_case in use_cases:
        with pytest.raises(OrderNotFound):
            use_case()


def test_list_has_own_orders_for_customers_and_all_for_admins(shop: OrdersHarness) -> None:
    for number, caller in enumerate((ALICE, BOB, ALICE)):
        added(shop.orders, an_order(number, user_id=caller.id, at=NOON + number * MINUTE))

    def owners(caller: Caller, user_id: str | None = None) -> list[str]:
        page = shop.service.page(caller, user_id=user_id, status=None, after=None, limit=9)
        return [order.user_id for order in page.items]

    assert owners(ALICE) == owners(ALICE, ALICE.id) == [ALICE.id, ALICE.id]
    assert owners(ADMIN) == [ALICE.id, BOB.id, ALICE.id]
    assert owners(ADMIN, BOB.id) == [BOB.id]
    with pytest.raises(Forbidden):
        owners(ALICE, BOB.id)


# ── Changes ─────────────────────────────────────────────────────────────────────────────────────


def test_cancel_records_who_asked_for_it(shop: OrdersHarness) -> None:
    assert shop.service.cancel(shop.placed("a").id, ALICE).cancel_reason == "customer_request"
    assert shop.service.cancel(shop.confirmed("b").id, ADMIN).cancel_reason == "admin_request"


def test_change_is_decided_again_after_a_conflict() -> None:
    class Contested(DynamoOrders):
        """Another writer confirms the order just before it is changed."""

        def change(self, before: Order, after: Order) -> None:
            if before.status == "pending":
                super().change(before, before.confirmed(at=NOON))
            super().change(before, after)

    shop = OrdersHarness(Contested)
    order = shop.placed()
    assert shop.service.cancel(order.id, ALICE).version == 3
    expected = ["order.placed", "order.confirmed", "order.cancelled"]
    assert event_types(shop.orders, order) == expected

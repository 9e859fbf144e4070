"""The use cases of customers and admins."""

from collections.abc import Callable

import pytest

from orders.errors import (
    AccountInactive,
    IdempotencyKeyReused,
    IllegalTransition,
    OrderNotFound,
    RequestInProgress,
)
from orders.models import Order, order_id
from shared.auth.tokens import Caller
from shared.contracts.inventory import OutOfStock, ReservationEnded, UnknownProduct
from shared.errors import Forbidden, ServiceUnavailable
from shared.storage.conflicts import ConcurrentChange
from tests.orders.builders import MINUTE, a_basket, added, an_order, event_types
from tests.orders.fakes import InMemoryOrders
from tests.orders.harness import ServiceHarness
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import NOON

# ── Placing ─────────────────────────────────────────────────────────────────────────────────────


def test_place_reserves_the_stock_and_writes_a_pending_order(shop: ServiceHarness) -> None:
    placement = shop.service.place(ALICE, "k", a_basket(("mug", 2), ("tray", 1)))
    order = placement.order
    assert not placement.replayed
    assert (order.status, order.user_id, order.user_name) == ("pending", ALICE.id, "Alice Example")
    assert (order.total_minor, order.currency) == (3300, "EUR")
    assert shop.orders.find(order.id) == order
    assert event_types(shop.orders, order) == ["order.placed"]
    assert shop.inventory.available == {"mug": 8, "tray": 9}


def test_place_returns_the_first_order_for_a_repeated_key(shop: ServiceHarness) -> None:
    first = shop.placed("k")
    shop.service.cancel(first.id, ALICE)
    again = shop.service.place(ALICE, "k", a_basket())
    assert again.replayed
    assert again.order.data() == first.data()
    assert again.order.version == 1
    assert len(shop.orders.orders) == 1


@pytest.mark.parametrize(
    "basket", [a_basket(("mug", 2)), a_basket(("mug", 1), payment_token="tok_declined")]
)
def test_place_refuses_a_repeated_key_with_another_basket(
    shop: ServiceHarness, basket: object
) -> None:
    shop.placed("k", ("mug", 1))
    with pytest.raises(IdempotencyKeyReused):
        shop.service.place(ALICE, "k", basket)  # type: ignore[arg-type]  # parametrized
    assert shop.inventory.available["mug"] == 9


def test_place_does_not_share_keys_between_customers(shop: ServiceHarness) -> None:
    assert shop.service.place(BOB, "k", a_basket()).order.id != shop.placed("k").id


def test_place_refuses_a_concurrent_request_with_the_same_key() -> None:
    refusals: list[type[Exception]] = []

    class Raced(InMemoryOrders):
        """Other requests with the key run just before the order is written."""

        def add(self, order: Order) -> None:
            for basket in (a_basket(), a_basket(("mug", 2))):
                with pytest.raises((RequestInProgress, IdempotencyKeyReused)) as refused:
                    shop.service.place(ALICE, "k", basket)
                refusals.append(refused.type)
            super().add(order)

    shop = ServiceHarness(Raced())
    assert not shop.service.place(ALICE, "k", a_basket()).replayed
    assert refusals == [RequestInProgress, IdempotencyKeyReused]
    assert shop.service.place(ALICE, "k", a_basket()).replayed
    assert shop.inventory.available["mug"] == 9


def test_place_continues_a_failed_request_after_two_seconds(shop: ServiceHarness) -> None:
    shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket(("mug", 3)).lines)
    shop.inventory.seconds_later = 2
    with pytest.raises(RequestInProgress):
        shop.service.place(ALICE, "k", a_basket(("mug", 3)))
    shop.inventory.seconds_later = 3
    with pytest.raises(IdempotencyKeyReused):
        shop.service.place(ALICE, "k", a_basket(("mug", 4)))
    assert not shop.service.place(ALICE, "k", a_basket(("mug", 3))).replayed
    assert shop.inventory.available["mug"] == 7


def test_place_returns_the_order_that_a_concurrent_request_wrote() -> None:
    class Raced(InMemoryOrders):
        def add(self, order: Order) -> None:
            super().add(order)
            super().add(order)

    assert ServiceHarness(Raced()).service.place(ALICE, "k", a_basket()).replayed


def test_place_refuses_inactive_and_unknown_customers(shop: ServiceHarness) -> None:
    shop.customers.deactivate(ALICE.id)
    with pytest.raises(AccountInactive):
        shop.placed()
    shop.customers.customers.clear()
    with pytest.raises(AccountInactive):
        shop.placed()
    assert shop.inventory.available["mug"] == 10


def test_place_refuses_what_is_not_in_stock_and_accepts_the_key_later(
    shop: ServiceHarness,
) -> None:
    with pytest.raises(UnknownProduct) as unknown:
        shop.placed("k", ("ghost", 1))
    assert unknown.value.data == {"product_id": "ghost"}
    with pytest.raises(OutOfStock) as refused:
        shop.placed("k", ("mug", 1), ("tray", 11))
    assert refused.value.data == {"product_id": "tray", "requested": 11, "available": 10}
    assert shop.orders.orders == {}
    assert shop.inventory.available == {"mug": 10, "tray": 10}
    assert shop.placed("k", ("tray", 10)).status == "pending"


def test_place_refuses_a_key_whose_reservation_was_released(shop: ServiceHarness) -> None:
    shop.inventory.release(order_id(ALICE.id, "k"))
    with pytest.raises(ReservationEnded, match="new key"):
        shop.placed("k")


def test_place_fails_while_another_service_is_unavailable(shop: ServiceHarness) -> None:
    shop.customers.down = True
    with pytest.raises(ServiceUnavailable):
        shop.placed()
    shop.customers.down, shop.inventory.down = False, True
    with pytest.raises(ServiceUnavailable):
        shop.placed()
    shop.inventory.down = False
    assert shop.placed().status == "pending"


def deactivate(shop: ServiceHarness) -> None:
    shop.customers.deactivate(ALICE.id)


def release(shop: ServiceHarness) -> None:
    shop.inventory.release(order_id(ALICE.id, "k"))


def stop_inventory(shop: ServiceHarness) -> None:
    shop.inventory.down = True


def forget_reservations(shop: ServiceHarness) -> None:
    shop.inventory.reservations.clear()


@pytest.mark.parametrize("event", [deactivate, release, stop_inventory, forget_reservations])
def test_place_replays_an_order_whatever_happened_later(
    shop: ServiceHarness, event: Callable[[ServiceHarness], None]
) -> None:
    first = shop.placed("k")
    event(shop)
    available = dict(shop.inventory.available)
    again = shop.service.place(ALICE, "k", a_basket())
    assert (again.order, again.replayed) == (first, True)
    with pytest.raises(IdempotencyKeyReused):
        shop.service.place(ALICE, "k", a_basket(("mug", 9)))
    assert shop.inventory.available == available


def test_place_keeps_the_reservation_when_the_outcome_of_the_write_is_unknown() -> None:
    class Broken(InMemoryOrders):
        def add(self, order: Order) -> None:
            super().add(order)
            raise TimeoutError

    shop = ServiceHarness(Broken())
    with pytest.raises(TimeoutError):
        shop.placed("k")
    assert shop.inventory.available["mug"] == 9
    assert shop.service.place(ALICE, "k", a_basket()).replayed


# ── Permissions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("caller", "is_permitted"), [(ALICE, True), (ADMIN, True), (BOB, False)])
def test_order_is_seen_and_cancelled_by_its_customer_and_by_admins(
    shop: ServiceHarness, caller: Caller, is_permitted: bool
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
    assert (shop.orders.orders[order.id].status == "cancelled") == is_permitted


def test_order_is_not_cancelled_by_a_role_that_may_only_see_it(
    shop: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.auth.permissions._CHANGE_ALL", frozenset())
    order = shop.placed()
    assert shop.service.get(order.id, ADMIN) == order
    with pytest.raises(Forbidden):
        shop.service.cancel(order.id, ADMIN)


@pytest.mark.parametrize("id_", ["nothing", "0" * 32, "x" * 5000])
def test_order_is_not_found_when_the_id_is_unknown_or_malformed(
    shop: ServiceHarness, id_: str
) -> None:
    use_cases: tuple[Callable[[], object], ...] = (
        lambda: shop.service.get(id_, ALICE),
        lambda: shop.service.cancel(id_, ALICE),
        lambda: shop.service.ship(id_),
        lambda: shop.service.deliver(id_),
    )
    for use_case in use_cases:
        with pytest.raises(OrderNotFound):
            use_case()


def test_list_has_own_orders_for_customers_and_all_for_admins(shop: ServiceHarness) -> None:
    for number, caller in enumerate((ALICE, BOB, ALICE)):
        added(shop.orders, an_order(number, user_id=caller.id, at=NOON + number * MINUTE))

    def owners(caller: Caller, user_id: str | None = None) -> list[str]:
        page = shop.service.page(caller, user_id=user_id, status=None, after=None, limit=9)
        return [order.user_id for order in page.orders]

    assert owners(ALICE) == [ALICE.id, ALICE.id]
    assert owners(ALICE, ALICE.id) == [ALICE.id, ALICE.id]
    assert owners(ADMIN) == [ALICE.id, BOB.id, ALICE.id]
    assert owners(ADMIN, BOB.id) == [BOB.id]
    with pytest.raises(Forbidden):
        owners(ALICE, BOB.id)


# ── Changes ─────────────────────────────────────────────────────────────────────────────────────


def test_cancel_records_who_asked_for_it(shop: ServiceHarness) -> None:
    assert shop.service.cancel(shop.placed("a").id, ALICE).cancel_reason == "customer_request"
    assert shop.service.cancel(shop.confirmed("b").id, ADMIN).cancel_reason == "admin_request"


def test_order_is_shipped_and_delivered_and_not_cancelled_any_more(shop: ServiceHarness) -> None:
    order = shop.confirmed()
    assert shop.service.ship(order.id).status == "shipped"
    with pytest.raises(IllegalTransition):
        shop.service.cancel(order.id, ALICE)
    assert shop.service.deliver(order.id).status == "delivered"
    assert event_types(shop.orders, order)[2:] == ["order.shipped", "order.delivered"]


class Contested(InMemoryOrders):
    """Another writer confirms the order just before each of the first changes."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    def change(self, before: Order, after: Order) -> None:
        if self.losses:
            self.losses -= 1
            current = self.orders[before.id]
            if current.status == "pending":
                super().change(current, current.confirmed(at=NOON))
            raise ConcurrentChange(self.orders[before.id])
        super().change(before, after)


def test_change_is_decided_again_after_a_conflict() -> None:
    shop = ServiceHarness(Contested(1))
    order = shop.placed()
    assert shop.service.cancel(order.id, ALICE).version == 3
    expected = ["order.placed", "order.confirmed", "order.cancelled"]
    assert event_types(shop.orders, order) == expected


def test_totals_are_by_status(shop: ServiceHarness) -> None:
    shop.placed("a")
    shop.confirmed("b")
    assert shop.service.totals() == {
        "pending": 1, "confirmed": 1, "shipped": 0, "delivered": 0, "cancelled": 0,
    }  # fmt: skip

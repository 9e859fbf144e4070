"""Who may see and change an order."""

from collections.abc import Callable

import pytest

from orders.errors import IllegalTransition, OrderNotFound
from orders.models import Order
from shared.errors import BodegaError, Forbidden
from shared.storage.conflicts import ConcurrentChange
from tests.orders.builders import MINUTE, NOON, an_order
from tests.orders.fakes import InMemoryOrders
from tests.orders.shop import Shop
from tests.support.callers import ADMIN, ALICE, BOB

# ── Seeing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_there_for_its_owner_and_for_admins(shop: Shop) -> None:
    order = shop.placed()
    assert shop.service.get(order.id, ALICE) == order
    assert shop.service.get(order.id, ADMIN) == order
    with pytest.raises(OrderNotFound):
        shop.service.get(order.id, BOB)
    with pytest.raises(OrderNotFound):
        shop.service.history(order.id, BOB, after=None, limit=5)


@pytest.mark.parametrize("id_", ["nothing", "0" * 32, "x" * 5000])
def test_an_order_that_is_not_there_is_not_found(shop: Shop, id_: str) -> None:
    asks: tuple[Callable[[], object], ...] = (
        lambda: shop.service.get(id_, ALICE),
        lambda: shop.service.cancel(id_, ALICE),
        lambda: shop.service.ship(id_),
        lambda: shop.service.deliver(id_),
    )
    for ask in asks:
        with pytest.raises(OrderNotFound):
            ask()


def test_customers_list_their_own_orders_and_admins_all(shop: Shop) -> None:
    for number, caller in enumerate((ALICE, BOB, ALICE)):
        shop.orders.add(an_order(number, user_id=caller.id, at=NOON + number * MINUTE))

    def owners(caller: object, user_id: str | None = None) -> list[str]:
        page = shop.service.page(caller, user_id=user_id, status=None, after=None, limit=9)  # type: ignore[arg-type]  # shortened
        return [order.user_id for order in page.orders]

    assert owners(ALICE) == [ALICE.id, ALICE.id]
    assert owners(ALICE, ALICE.id) == [ALICE.id, ALICE.id]
    assert owners(ADMIN) == [ALICE.id, BOB.id, ALICE.id]
    assert owners(ADMIN, BOB.id) == [BOB.id]
    with pytest.raises(Forbidden):
        owners(ALICE, BOB.id)


# ── Changing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_customer_cancels_an_order(shop: Shop) -> None:
    for order in (shop.placed("a"), shop.confirmed("b")):
        cancelled = shop.service.cancel(order.id, ALICE)
        assert (cancelled.status, cancelled.cancel_reason) == ("cancelled", "customer_request")
        assert shop.orders.told(order.id)[-1] == "order.cancelled"


def test_an_admin_cancels_an_order(shop: Shop) -> None:
    assert shop.service.cancel(shop.placed().id, ADMIN).cancel_reason == "admin_request"


def test_nobody_cancels_the_order_of_another(shop: Shop) -> None:
    order = shop.placed()
    with pytest.raises(OrderNotFound):
        shop.service.cancel(order.id, BOB)
    assert shop.orders.find(order.id) == order


def test_an_order_is_shipped_and_delivered(shop: Shop) -> None:
    order = shop.confirmed()
    assert shop.service.ship(order.id).status == "shipped"
    assert shop.service.deliver(order.id).status == "delivered"
    assert shop.orders.told(order.id)[2:] == ["order.shipped", "order.delivered"]


def test_a_state_is_not_skipped_or_entered_twice(shop: Shop) -> None:
    pending, confirmed = shop.placed("a"), shop.confirmed("b")
    attempts: list[tuple[str, str]] = []
    for act, id_ in (
        (shop.service.ship, pending.id),
        (shop.service.deliver, pending.id),
        (shop.service.deliver, confirmed.id),
    ):
        with pytest.raises(IllegalTransition) as refused:
            act(id_)
        attempts.append((str(refused.value.data["from"]), str(refused.value.data["to"])))
    assert attempts == [
        ("pending", "shipped"),
        ("pending", "delivered"),
        ("confirmed", "delivered"),
    ]
    shop.service.cancel(pending.id, ALICE)
    with pytest.raises(IllegalTransition):
        shop.service.cancel(pending.id, ALICE)
    shop.service.ship(confirmed.id)
    with pytest.raises(IllegalTransition):
        shop.service.cancel(confirmed.id, ALICE)


class Contested(InMemoryOrders):
    """Somebody else confirms the order just before each of the first changes."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def change(self, before: Order, after: Order) -> None:
        if self.times:
            self.times -= 1
            there = self.orders[before.id]
            if there.status == "pending":
                self._write(there.confirmed(at=NOON))
            raise ConcurrentChange(self.orders[before.id])
        super().change(before, after)


def test_a_change_that_lost_a_race_is_decided_again_on_what_is_there() -> None:
    shop = Shop(Contested(1))
    order = shop.placed()
    assert shop.service.cancel(order.id, ALICE).version == 3
    assert shop.orders.told(order.id) == ["order.placed", "order.confirmed", "order.cancelled"]


def test_a_change_that_loses_every_race_is_put_off() -> None:
    shop = Shop(Contested(100))
    with pytest.raises(BodegaError) as refused:
        shop.service.cancel(shop.placed().id, ALICE)
    assert refused.value.status == 503


def test_totals_are_by_status(shop: Shop) -> None:
    shop.placed("a")
    shop.confirmed("b")
    assert shop.service.totals() == {
        "pending": 1, "confirmed": 1, "shipped": 0, "delivered": 0, "cancelled": 0,
    }  # fmt: skip

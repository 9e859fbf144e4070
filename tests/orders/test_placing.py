"""Who may place an order, and that a key places one."""

import pytest

from orders.errors import AccountInactive, IdempotencyKeyReused, RequestInProgress
from orders.models import Order, order_id
from shared.contracts.inventory import OutOfStock, ReservationEnded, UnknownProduct
from shared.errors import ServiceUnavailable
from shared.storage.dynamodb import TransactionContended
from tests.orders.builders import a_basket
from tests.orders.fakes import InMemoryOrders
from tests.orders.shop import Shop
from tests.support.callers import ALICE, BOB


def test_placing_holds_the_stock_and_writes_a_pending_order(shop: Shop) -> None:
    placement = shop.service.place(ALICE, "k", a_basket(("mug", 2), ("tray", 1)))
    order = placement.order
    assert not placement.replayed
    assert (order.status, order.user_id, order.user_name) == ("pending", ALICE.id, "Alice Example")
    assert (order.total_minor, order.currency) == (3300, "EUR")
    assert shop.orders.find(order.id) == order
    assert shop.orders.told(order.id) == ["order.placed"]
    assert shop.inventory.available == {"mug": 8, "tray": 9}


def test_the_same_key_and_basket_give_the_same_order(shop: Shop) -> None:
    first = shop.service.place(ALICE, "k", a_basket())
    shop.service.cancel(first.order.id, ALICE)
    again = shop.service.place(ALICE, "k", a_basket())
    assert again.replayed
    assert again.order.data() == first.order.data()
    assert again.order.version == 1
    assert len(shop.orders.orders) == 1


def test_the_same_key_and_another_basket_are_refused(shop: Shop) -> None:
    shop.placed("k", ("mug", 1))
    for other in (a_basket(("mug", 2)), a_basket(("mug", 1), payment_token="tok_declined")):
        with pytest.raises(IdempotencyKeyReused):
            shop.service.place(ALICE, "k", other)
    assert shop.inventory.available["mug"] == 9


def test_customers_do_not_share_keys(shop: Shop) -> None:
    assert shop.service.place(BOB, "k", a_basket()).order.id != shop.placed("k").id


def test_a_second_request_does_not_run_beside_the_first() -> None:
    seen: list[type[Exception]] = []

    class Raced(InMemoryOrders):
        """Just before an order is written, another request comes with its key."""

        def add(self, order: Order) -> None:
            for basket in (a_basket(), a_basket(("mug", 2))):
                with pytest.raises((RequestInProgress, IdempotencyKeyReused)) as refused:
                    shop.service.place(ALICE, "k", basket)
                seen.append(refused.type)
            super().add(order)

    shop = Shop(Raced())
    assert not shop.service.place(ALICE, "k", a_basket()).replayed
    assert seen == [RequestInProgress, IdempotencyKeyReused]
    assert shop.service.place(ALICE, "k", a_basket()).replayed
    assert shop.inventory.available["mug"] == 9


def test_a_request_that_died_keeps_others_out_for_two_seconds(shop: Shop) -> None:
    shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket().lines)
    shop.inventory.seconds_later = 2
    with pytest.raises(RequestInProgress):
        shop.service.place(ALICE, "k", a_basket())
    shop.inventory.seconds_later = 3
    assert not shop.service.place(ALICE, "k", a_basket()).replayed


def test_a_request_that_died_before_its_write_is_finished_by_the_next(shop: Shop) -> None:
    shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket(("mug", 3)).lines)
    shop.inventory.seconds_later = 60
    placement = shop.service.place(ALICE, "k", a_basket(("mug", 3)))
    assert not placement.replayed
    assert shop.inventory.available["mug"] == 7


def test_what_a_dead_request_holds_tells_of_another_basket(shop: Shop) -> None:
    shop.inventory.reserve(order_id(ALICE.id, "k"), a_basket(("mug", 3)).lines)
    with pytest.raises(IdempotencyKeyReused):
        shop.service.place(ALICE, "k", a_basket(("mug", 4)))
    assert shop.orders.orders == {}


def test_a_rival_s_order_of_the_same_key_is_the_answer() -> None:
    class Raced(InMemoryOrders):
        """Another request writes the order just before ours does."""

        def add(self, order: Order) -> None:
            self._write(order)
            super().add(order)

    shop = Shop(Raced())
    assert shop.service.place(ALICE, "k", a_basket()).replayed


def test_an_inactive_customer_orders_nothing(shop: Shop) -> None:
    shop.customers.deactivate(ALICE.id)
    with pytest.raises(AccountInactive):
        shop.placed()
    assert shop.inventory.available["mug"] == 10


def test_a_customer_whom_nobody_knows_orders_nothing(shop: Shop) -> None:
    shop.customers.customers.clear()
    with pytest.raises(AccountInactive):
        shop.placed()


def test_an_order_beyond_stock_is_not_placed(shop: Shop) -> None:
    with pytest.raises(OutOfStock) as refused:
        shop.placed("k", ("mug", 1), ("tray", 11))
    assert refused.value.data == {"product_id": "tray", "requested": 11, "available": 10}
    assert shop.orders.orders == {}
    assert shop.inventory.available == {"mug": 10, "tray": 10}


def test_a_product_that_nobody_knows_is_not_ordered(shop: Shop) -> None:
    with pytest.raises(UnknownProduct) as refused:
        shop.placed("k", ("ghost", 1))
    assert refused.value.data == {"product_id": "ghost"}


def test_a_refused_order_may_be_tried_again_with_its_key(shop: Shop) -> None:
    with pytest.raises(OutOfStock):
        shop.placed("k", ("mug", 11))
    shop.inventory.available["mug"] = 11
    assert shop.placed("k", ("mug", 11)).status == "pending"


def test_a_key_whose_stock_was_given_back_is_spent(shop: Shop) -> None:
    shop.inventory.release(order_id(ALICE.id, "k"))
    with pytest.raises(ReservationEnded, match="new key"):
        shop.placed("k")


def test_an_order_is_not_placed_while_a_service_behind_is_down(shop: Shop) -> None:
    shop.customers.down = True
    with pytest.raises(ServiceUnavailable):
        shop.placed()
    shop.customers.down, shop.inventory.down = False, True
    with pytest.raises(ServiceUnavailable):
        shop.placed()
    shop.inventory.down = False
    assert shop.placed().status == "pending"


def deactivated(shop: Shop) -> None:
    shop.customers.deactivate(ALICE.id)


def given_back(shop: Shop) -> None:
    shop.inventory.release(order_id(ALICE.id, "k"))


def down(shop: Shop) -> None:
    shop.inventory.down = True


@pytest.mark.parametrize("trouble", [deactivated, given_back, down])
def test_an_order_that_was_placed_answers_for_itself_whatever_came_after(trouble: object) -> None:
    shop = Shop()
    first = shop.placed("k")
    assert callable(trouble)
    trouble(shop)
    again = shop.service.place(ALICE, "k", a_basket())
    assert (again.order, again.replayed) == (first, True)
    with pytest.raises(IdempotencyKeyReused):
        shop.service.place(ALICE, "k", a_basket(("mug", 9)))


def test_a_replay_holds_nothing_when_its_reservation_is_forgotten(shop: Shop) -> None:
    first = shop.placed("k")
    shop.service.cancel(first.id, ALICE)
    shop.inventory.release(first.id)
    shop.inventory.reservations.clear()
    assert shop.service.place(ALICE, "k", a_basket()).replayed
    assert shop.inventory.available["mug"] == 10


def test_stock_stays_held_when_nobody_knows_whether_the_order_was_written() -> None:
    class Broken(InMemoryOrders):
        """Writes, and the answer is lost."""

        def add(self, order: Order) -> None:
            super().add(order)
            raise TimeoutError

    shop = Shop(Broken())
    with pytest.raises(TimeoutError):
        shop.placed("k")
    assert shop.inventory.available["mug"] == 9
    assert shop.service.place(ALICE, "k", a_basket()).replayed


def test_a_busy_table_is_no_error_of_the_client_s() -> None:
    class Busy(InMemoryOrders):
        def add(self, order: Order) -> None:
            raise TransactionContended

    with pytest.raises(ServiceUnavailable):
        Shop(Busy()).placed()

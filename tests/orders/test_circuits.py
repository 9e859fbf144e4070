"""The circuits round the services behind the saga: one that is down costs a message next to nothing."""

import pytest

from orders.circuits import GuardedPayments, GuardedStock
from orders.payments import PaymentUnavailable
from orders.ports import StockUnavailable
from tests.orders.builders import MINUTE
from tests.orders.stage import Stage

SECOND = MINUTE / 60


def asked_in_vain(stage: Stage, count: int) -> int:
    """How often the provider is called for so many orders while it is down."""
    asked = 0

    def count_up() -> None:
        nonlocal asked
        asked += 1

    for number in range(count):
        stage.payments.before["authorize"] = count_up
        stage.payments.down.add("authorize")
        stage.deliver(stage.placed(number=number).id)
    stage.payments.before.clear()
    return asked


def test_a_provider_that_is_down_is_left_alone_after_five_orders(stage: Stage) -> None:
    assert asked_in_vain(stage, 8) == 5


def test_it_is_asked_again_after_ten_seconds_and_by_one_order_alone(stage: Stage) -> None:
    asked_in_vain(stage, 5)
    stage.clock.now += 10 * SECOND
    stage.stock.available["mug"] = 100
    before = len(stage.payments.done)
    for number in range(10, 13):
        stage.deliver(stage.placed(number=number).id)
    assert stage.payments.done[before:] == []
    stage.clock.now += 10 * SECOND
    stage.payments.down.clear()
    order = stage.placed(number=20)
    stage.deliver(order.id)
    assert stage.now(order).status == "confirmed"


def test_one_order_that_always_fails_does_not_hold_others_up(stage: Stage) -> None:
    stage.deliver(stage.placed("tok_unavailable", number=1).id)
    for _ in range(6):
        stage.clock.now, waiting = stage.messages.pop()
        assert stage.deliver(waiting)
    order = stage.placed(number=2)
    assert stage.deliver(order.id) is None
    assert stage.now(order).status == "confirmed"


def test_who_is_not_asked_is_told_since_when(stage: Stage) -> None:
    payments = GuardedPayments(stage.payments, stage.clock)
    stage.payments.down.add("find")
    for number in range(5):
        with pytest.raises(PaymentUnavailable):
            payments.find(f"order-{number}", None)
    failed_at = stage.clock.now
    stage.clock.now += 9 * SECOND
    with pytest.raises(PaymentUnavailable) as refused:
        payments.find("another", None)
    assert refused.value.asked_at == failed_at


def test_insisting_payments_call_a_provider_whose_circuit_is_open(stage: Stage) -> None:
    payments = GuardedPayments(stage.payments, stage.clock)
    stage.payments.down.add("find")
    for number in range(5):
        with pytest.raises(PaymentUnavailable):
            payments.find(f"order-{number}", None)
    stage.payments.down.clear()
    with pytest.raises(PaymentUnavailable):
        payments.find("another", None)
    assert payments.insisting.find("another", None) is None


def test_an_inventory_that_is_down_is_left_alone_too(stage: Stage) -> None:
    stock = GuardedStock(stage.stock, stage.clock)
    orders = [stage.placed(number=number) for number in range(6)]
    stage.stock.down = True
    for order in orders[:5]:
        with pytest.raises(StockUnavailable):
            stock.confirm(order.id)
    stage.stock.down = False
    with pytest.raises(StockUnavailable):
        stock.confirm(orders[5].id)
    stage.clock.now += 10 * SECOND
    stock.confirm(orders[5].id)
    assert stage.stock.reservations[orders[5].id] == "confirmed"

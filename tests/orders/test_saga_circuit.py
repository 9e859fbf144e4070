"""The circuits round the services behind the saga: one that is down costs a message next to nothing."""

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


def test_an_inventory_that_is_down_is_left_alone_too(stage: Stage) -> None:
    orders = [stage.placed(number=number) for number in range(6)]
    stage.stock.down = True
    for order in orders[:5]:
        stage.advance(order)
    stage.stock.down = False
    assert stage.advance(orders[5]).status == "pending"
    assert stage.stock.reservations[orders[5].id] == "held"
    stage.clock.now += 10 * SECOND
    stage.pass_seconds(60)
    stage.assert_confirmed(orders[5])

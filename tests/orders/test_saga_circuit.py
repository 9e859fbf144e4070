"""The circuits of the saga: a service that is down is called for few orders."""

import pytest

from tests.orders.builders import SECOND
from tests.orders.harness import SagaHarness


def fail_orders(saga: SagaHarness, numbers: range) -> int:
    """How often the provider is called for these orders while it is down."""
    calls: list[int] = []
    saga.payments.down.add("authorize")
    for number in numbers:
        saga.payments.before["authorize"] = lambda: calls.append(1)
        saga.deliver(saga.placed(number=number).id)
    saga.payments.before.clear()
    return len(calls)


def test_circuit_opens_after_failures_for_five_orders(saga: SagaHarness) -> None:
    assert fail_orders(saga, range(8)) == 5


def test_circuit_lets_one_order_through_every_ten_seconds(saga: SagaHarness) -> None:
    fail_orders(saga, range(5))
    saga.stock.available["mug"] = 100
    saga.clock.now += 10 * SECOND
    assert fail_orders(saga, range(10, 13)) == 1
    saga.clock.now += 10 * SECOND
    saga.payments.down.clear()
    assert saga.advance(saga.placed(number=20)).status == "confirmed"


def test_circuit_stays_closed_when_one_order_always_fails(saga: SagaHarness) -> None:
    saga.deliver(saga.placed("tok_unavailable", number=1).id)
    for _ in range(6):
        saga.clock.now, waiting = saga.messages.pop()
        assert saga.deliver(waiting)
    assert saga.advance(saga.placed(number=2)).status == "confirmed"


@pytest.mark.parametrize("seconds", [9, 10])
def test_circuit_of_the_inventory_opens_as_well(saga: SagaHarness, seconds: int) -> None:
    orders = [saga.placed(number=number) for number in range(6)]
    saga.stock.down = True
    for order in orders[:5]:
        saga.advance(order)
    saga.stock.down = False
    saga.clock.now += seconds * SECOND
    saga.advance(orders[5])
    is_called = saga.stock.reservations[orders[5].id] == "confirmed"
    assert is_called == (seconds == 10)

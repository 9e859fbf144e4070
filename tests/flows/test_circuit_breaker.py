"""A service that fails is not called for a while, by any environment of its callers."""

from datetime import timedelta

import pytest

from tests.simulation.shop import SimulatedShop
from tests.support.client import code


@pytest.mark.parametrize(
    ("function", "call"),
    [("UsersDirectory", "find_customer"), ("ProductsInventory", "reserve")],
)
def test_a_service_is_not_called_after_five_failures(
    shop: SimulatedShop, function: str, call: str
) -> None:
    customer = shop.customer
    mug = shop.admin.add_product(stock=20)
    # A success, so that the circuit counts from none.
    customer.order((mug, 1))
    shop.down.add(function)
    shop.internal_calls.clear()

    def refused() -> int:
        answer = customer.try_order((mug, 1))
        assert (answer.status_code, code(answer)) == (503, "service-unavailable")
        return int(answer.headers["retry-after"])

    def calls() -> int:
        return shop.internal_calls.count(call)

    assert [refused() for _ in range(5)] == [2] * 5
    assert calls() == 5
    assert 2 < refused() <= 30
    # Another environment knows it too, and does not call the service again before the time is up.
    shop.restart("OrdersApi")
    shop.down.remove(function)
    assert 2 < refused() <= 30
    assert calls() == 5
    assert customer.stock_of(mug) == 19
    # What needs no other service works all the while.
    assert customer.get("/api/v1/orders").json()["count"] == 1
    shop.pass_time(timedelta(seconds=31))
    shop.restart("OrdersApi")
    assert customer.try_order((mug, 1)).status_code == 201
    assert calls() == 6


def test_contention_for_one_product_refuses_its_orders_and_no_others(shop: SimulatedShop) -> None:
    in_progress = (shop.mug["id"], "TransactionInProgressException", "")
    shop.wire.refused["dynamodb.TransactWriteItems"] = in_progress
    for _ in range(20):
        refused = shop.customer.try_order((shop.mug, 1))
        assert (refused.status_code, code(refused)) == (503, "service-unavailable")
        assert refused.headers["retry-after"] == "1"
    assert shop.customer.try_order((shop.tray, 1)).status_code == 201
    shop.wire.refused.clear()
    assert shop.customer.try_order((shop.mug, 1)).status_code == 201

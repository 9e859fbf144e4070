"""Many orders that wait at once: none is cancelled because others wait as well, and the ones that
have waited longest are served first."""

from collections import Counter
from typing import Final

import pytest

from tests.outages.judge import DEADLINE_SECONDS, GRACE_SECONDS, when
from tests.outages.load import Load
from tests.simulation.faults import Fault, Outage, Target

_TICK_SECONDS: Final = 60
_PAYMENTS: Final = tuple(
    Target("payments", operation, "")
    for operation in ("authorize", "capture", "void", "refund", "find")
)
_EVENTS: Final = (Target("stream", "GetRecords", "OrdersTable"),)


@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        (Fault.HANGS, 50),
        *(
            pytest.param(fault, 2000, marks=[pytest.mark.torture, pytest.mark.timeout(3600)])
            for fault in (Fault.HANGS, Fault.FAILS)
        ),
    ],
)
def test_orders_are_confirmed_after_an_outage_of_the_provider(
    load: Load, fault: Fault, orders: int
) -> None:
    shop, customer = load.shop, load.customers[0]
    begin = shop.timeline.now
    end = begin + DEADLINE_SECONDS / 2
    for target in _PAYMENTS:
        shop.wire.begin(Outage(target, fault, begin, end))
    for place in range(orders):
        load.place_at(begin + (end - begin) * place / orders, customer, f"many-{place}")

    shop.run_until(end + DEADLINE_SECONDS)

    found = Counter(order["status"] for order in shop.books().orders.values())
    assert found == {"confirmed": orders}


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("orders", [100, 2000])
@pytest.mark.parametrize(
    "down",
    [
        pytest.param(_PAYMENTS, id="the provider fails"),
        pytest.param(_EVENTS, id="no events are published"),
    ],
)
def test_the_oldest_order_waits_no_longer_than_the_newest(
    load: Load, down: tuple[Target, ...], orders: int
) -> None:
    shop, customer = load.shop, load.customers[0]
    begin = shop.timeline.now
    seconds = orders / 5
    for target in down:
        shop.wire.begin(Outage(target, Fault.FAILS, begin, begin + 2 * DEADLINE_SECONDS))
    for place in range(orders):
        load.place_at(begin + seconds * place / orders, customer, f"fair-{place}")

    shop.run_until(begin + seconds + DEADLINE_SECONDS + GRACE_SECONDS)

    books = shop.books()
    assert len(books.orders) == orders
    pending = sum(order["status"] == "pending" for order in books.orders.values())
    assert not pending, f"{pending} of {orders} orders are pending after their deadline"
    waited = [
        when(order["updated_at"]) - when(order["created_at"])
        for order in sorted(books.orders.values(), key=lambda order: str(order["created_at"]))
    ]
    tenth = orders // 10
    assert max(waited[:tenth]) <= max(waited[-tenth:]) + 2 * _TICK_SECONDS

"""Many orders that wait at once: none is cancelled because others wait as well."""

from collections import Counter
from typing import Final

import pytest

from tests.outages.judge import DEADLINE_SECONDS
from tests.outages.load import Load
from tests.simulation.faults import Fault, Outage, Target

_PAYMENTS: Final = tuple(
    Target("payments", operation, "")
    for operation in ("authorize", "capture", "void", "refund", "find", "find_refund")
)


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

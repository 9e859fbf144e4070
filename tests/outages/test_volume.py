"""Many orders that wait at once: none is cancelled because others wait as well, and the ones that
have waited longest are served first, whichever shard of the index of due orders they are in."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest

from orders.models import order_id
from tests.outages.judge import DEADLINE_SECONDS, GRACE_SECONDS, when
from tests.outages.load import Load
from tests.simulation.faults import Fault, Outage, Target

_TICK_SECONDS: Final = 60
_OUTAGE_SECONDS: Final = 20 * 60
_SHORT_OUTAGE_SECONDS: Final = 5 * 60
# Of a hundred orders so many are in each shard.
_SHARES: Final = (85, 10, 4, 1)
_PAYMENTS: Final = tuple(
    Target("payments", operation, "")
    for operation in ("authorize", "capture", "void", "refund", "find")
)
_EVENTS: Final = (Target("stream", "GetRecords", "OrdersTable"),)


def keys_of_uneven_shards(user_id: str, orders: int) -> Iterator[str]:
    """Idempotency keys whose orders are in uneven shards; the small shards' orders are spread over
    all of them."""
    numbers = count()
    for place in range(orders):
        of_hundred = place * 37 % 100
        shard = next(s for s in range(4) if of_hundred < sum(_SHARES[: s + 1]))
        yield next(
            key
            for key in (f"fair-{number}" for number in numbers)
            if int(order_id(user_id, key)[:2], 16) % 4 == shard
        )


@pytest.mark.parametrize(
    ("orders", "minutes"),
    [
        (100, 1),
        pytest.param(2000, 5, marks=[pytest.mark.torture, pytest.mark.timeout(3600)]),
    ],
)
@pytest.mark.parametrize(
    "down",
    [
        pytest.param(_PAYMENTS, id="the provider fails"),
        pytest.param(_EVENTS, id="no events are published", marks=pytest.mark.torture),
    ],
)
def test_the_oldest_order_waits_no_longer_than_the_newest(
    load: Load, down: tuple[Target, ...], orders: int, minutes: int
) -> None:
    shop, customer = load.shop, load.customers[0]
    begin = shop.timeline.now
    for target in down:
        shop.wire.begin(Outage(target, Fault.FAILS, begin, begin + _OUTAGE_SECONDS))
    for place, key in enumerate(keys_of_uneven_shards(customer.user["id"], orders)):
        load.place_at(begin + 60 * minutes * place / orders, customer, key)

    shop.run_until(begin + 60 * minutes + DEADLINE_SECONDS + GRACE_SECONDS)

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


@pytest.mark.parametrize(
    "orders",
    [50, pytest.param(2000, marks=[pytest.mark.torture, pytest.mark.timeout(3600)])],
)
@pytest.mark.parametrize("fault", [Fault.FAILS, Fault.HANGS])
def test_orders_are_confirmed_after_an_outage_of_the_provider(
    load: Load, fault: Fault, orders: int
) -> None:
    shop, customer = load.shop, load.customers[0]
    begin = shop.timeline.now
    end = begin + _SHORT_OUTAGE_SECONDS
    for target in _PAYMENTS:
        shop.wire.begin(Outage(target, fault, begin, end))
    for place in range(orders):
        load.place_at(begin + (end - begin) * place / orders, customer, f"many-{place}")

    shop.run_until(end + 2 * (end - begin))

    found = Counter(order["status"] for order in shop.books().orders.values())
    assert found == {"confirmed": orders}

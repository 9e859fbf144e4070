"""Real code under a rush: what exceeds the ceiling of a key is refused on that key, customers get
an answer that says so, and whatever was refused, nothing is oversold and no order is lost."""

from typing import Final

import pytest

from tests.costs.keys import Key, Load
from tests.rush.partitions import Partitions
from tests.rush.rush import Rush, play

# Short, so that few requests are a rush.
_WINDOW: Final = 0.01
_READERS: Final = {"CheckoutQueue": 100, "NotificationsQueue": 100}
_KEY: Final = Key("OrdersTable", "", "COUNTERS")


def test_partition_refuses_what_exceeds_a_thousand_units_written_a_second() -> None:
    partitions = Partitions()
    done = 0
    for step in range(3000):
        now = step / 1500
        if not partitions.exhausted(wanted := {_KEY: Load(1)}, now):
            partitions.take(wanted, now)
            done += 1
    assert 2000 <= done <= 2000 + 1000 * partitions.window + 1


def test_reads_leave_the_capacity_of_writes() -> None:
    partitions = Partitions()
    partitions.take({_KEY: Load(0, 3000)}, 0)
    assert partitions.exhausted({_KEY: Load(0, 1)}, 0.1) == [_KEY]
    assert partitions.exhausted({_KEY: Load(1)}, 0.1) == []


@pytest.mark.timeout(300)
def test_rush_is_throttled_on_a_key_whose_ceiling_it_exceeds_and_on_none_below_all() -> None:
    below = play(Rush(20, 12, window=_WINDOW, readers=_READERS))
    ceilings = {
        key.family: load.shared_by(12).ceiling
        for key, load in below.taken.items()
        if "<id>" not in key.family.value
    }
    rate = 6 * min(ceilings.values())

    above = play(Rush(rate, 40, window=_WINDOW, readers=_READERS))

    assert below.throttled.total() == 0
    assert below.share("201") == 1
    [(most, number)] = above.throttled.most_common(1)
    assert ceilings[most] < rate
    assert number > 0
    assert above.breaches == below.breaches == []


@pytest.mark.timeout(300)
def test_flash_sale_of_a_spread_product_serves_all_at_once() -> None:
    # One item would take 80 a second.
    sale = play(Rush(1500, 30, shards=8, is_flash=True, is_spread=True, readers=_READERS))

    assert sale.share("201") == 1
    assert max(sale.seconds["201"]) < 0.5
    assert sale.breaches == []


@pytest.mark.timeout(300)
def test_flash_sale_sells_its_stock_and_refuses_the_others() -> None:
    sale = play(Rush(500, 20, is_flash=True, stock=8, window=_WINDOW, readers=_READERS))

    assert sale.conflicts[Key("ProductsTable", "", "PRODUCT#<id>")] > 0
    assert set(sale.seconds) <= {"201", "409 out-of-stock", "503 service-unavailable"}
    assert 0 < sale.share("201") * 20 <= 8
    assert sale.breaches == []


@pytest.mark.timeout(300)
def test_flash_sale_of_a_spread_product_sells_no_unit_twice() -> None:
    # Each of its four shares has units for two orders, and none for the third.
    sale = play(Rush(100, 16, is_flash=True, is_spread=True, stock=50, units=5, readers=_READERS))

    assert sale.conflicts[Key("ProductsTable", "", "STOCK#<id>#<id>")] > 0
    assert set(sale.seconds) <= {"201", "409 out-of-stock", "503 service-unavailable"}
    assert 0 < sale.share("201") * 16 <= 10
    assert sale.breaches == []

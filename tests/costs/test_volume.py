"""No flow makes more calls, or costs more, in a shop with many items than in a small one."""

import pytest

from tests.costs import flows
from tests.costs.capacity import Units
from tests.costs.meter import MeteredShop, opened

# It reads the products with the word, for at most 20 units, and then the index of the list's order.
_GROWS = "search products by a common word"


def costs(shop: MeteredShop) -> dict[str, tuple[int, Units]]:
    """The calls and units of each flow."""
    return {name: flows.cost_of(shop, flow) for name, flow in flows.FLOWS.items()}


@pytest.mark.timeout(300)
def test_flows_cost_the_same_whatever_the_number_of_items() -> None:
    with opened() as shop:
        shop.fill(100)
        few = costs(shop)
        shop.fill(100)
        many = costs(shop)
    assert [name for name in few if few[name] != many[name]] == [_GROWS]
    assert many[_GROWS][1].read < 60

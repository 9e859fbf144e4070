"""What each flow asks of AWS, held to the list beside this file: a new call is written there by hand, or it is a mistake."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bench import flows, orders
from bench.capacity import Units
from bench.shop import Shop, opened

CALLS: Final[dict[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "calls.toml").read_text()
)
MOST_BEFORE_THE_ANSWER: Final = 5


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened() as shop:
        yield shop


@pytest.mark.parametrize("name", sorted({*CALLS, *flows.FLOWS}))
def test_a_flow_makes_the_calls_of_the_list_and_no_others(shop: Shop, name: str) -> None:
    assert [str(call) for call in flows.calls_of(shop, flows.FLOWS[name])] == CALLS[name]


def test_who_orders_waits_for_five_calls_at_most(shop: Shop) -> None:
    calls = flows.calls_of(shop, flows.place_after_a_pause)
    assert len([c for c in calls if c.function == "OrdersApi"]) <= MOST_BEFORE_THE_ANSWER


def test_each_call_of_an_order_has_its_reason() -> None:
    placed = CALLS["place an order, after quiet seconds"]
    gone_through = CALLS["bring a placed order to its last e-mail"]
    assert {*placed, *gone_through} == orders.REASONS.keys()


def test_an_order_of_one_line_costs_43_write_units_and_8_read_units(shop: Shop) -> None:
    """From the click to the last e-mail; without the payment provider's own ledger."""
    calls = [*flows.calls_of(shop, flows.place), *flows.calls_of(shop, flows.check_out)]
    units = sum((call.units for call in calls if not call.is_payment), Units())
    assert (units.write, units.read) == (43, 8)

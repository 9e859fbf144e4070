"""A simulated shop as pytest fixtures: a conftest imports both."""

from collections.abc import Callable, Iterator

import pytest

from tests.simulation.shop import SimulatedShop, opened


@pytest.fixture(scope="module")
def opened_shop() -> Iterator[tuple[SimulatedShop, Callable[[], None]]]:
    """Once for each file: registering, logging in and building the functions take longer than most
    tests."""
    with opened() as shop:
        yield shop, shop.remember()


@pytest.fixture
def shop(opened_shop: tuple[SimulatedShop, Callable[[], None]]) -> SimulatedShop:
    """An open shop, as it was when it opened."""
    shop, restore = opened_shop
    restore()
    return shop

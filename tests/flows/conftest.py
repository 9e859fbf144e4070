"""An open shop, its customer and its admin."""

import pytest

from tests.simulation.fixtures import opened_shop, shop
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client

__all__ = ["opened_shop", "shop"]


@pytest.fixture
def anyone(shop: SimulatedShop) -> Client:
    """A client without a token."""
    return shop.anyone


@pytest.fixture
def customer(shop: SimulatedShop) -> Client:
    return shop.customer


@pytest.fixture
def admin(shop: SimulatedShop) -> Client:
    return shop.admin

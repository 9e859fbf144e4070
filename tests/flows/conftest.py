"""An open shop."""

from tests.simulation.fixtures import opened_shop, shop

__all__ = ["opened_shop", "shop"]

"""A small shop on the metered cloud: a customer, an admin and a few products."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unittest.mock import patch

import httpx

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.costs.meter import MeteredShop, recorded_output
from tests.support.client import Client, RenewingClient
from tools.first_admin import make_admin
from users.accounts.repository import DynamoUsers

# As in the template. Each function has its service's name there, which makes log lines longer.
_VARIABLES: Final = {
    "POWERTOOLS_METRICS_NAMESPACE": "Bodega",
    "POWERTOOLS_SERVICE_NAME": "products",
    "TRACING": "PassThrough",
}
_PRODUCTS: Final = 3


@dataclass(frozen=True)
class Shop:
    """All functions are warm: an order has been completed, and both users have logged in."""

    town: MeteredShop
    anyone: Client
    customer: Client
    admin: Client
    products: list[dict[str, Any]]
    rare: dict[str, Any]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def order(self, lines: int = 1, key: str = "", **more: str) -> dict[str, Any]:
        """Place an order of so many lines; without a key, under a new one of a client's length."""
        wanted = [(product, 1) for product in self.products[:lines]]
        key = key or f"3f2b8c1e-9d4a-4c55-8e0f-{next(self._numbers):012d}"
        return self.customer.order(*wanted, key=key, **more)

    def new_address(self) -> str:
        """An address that is not registered yet."""
        return f"somebody-{next(self._numbers)}@example.com"


@contextmanager
def opened() -> Iterator[Shop]:
    """A shop without unprocessed events."""
    with patch.dict(os.environ, _VARIABLES), recorded_output(), MeteredShop() as town:
        transport = httpx.MockTransport(town.answer)
        with httpx.Client(base_url="https://shop.example", transport=transport) as http:
            anyone = RenewingClient(http)
            customer = anyone.register(email="carla@example.com")
            admin = anyone.register(email="ada@example.com", full_name="Ada Admin")
            make_admin(DynamoUsers(Table("UsersTable", aws.client("dynamodb"))), "ada@example.com")
            admin.log_in()
            products = [
                admin.add_product(name=f"Blue enamel mug {number}", stock=100_000)
                for number in range(_PRODUCTS)
            ]
            rare = admin.add_product(name="Rarity", stock=10)
            shop = Shop(town, anyone, customer, admin, products, rare)
            shop.order(_PRODUCTS)
            town.come_to_rest()
            town.forget()
            yield shop

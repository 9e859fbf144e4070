"""Who is in shop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.simulation.shop import SimulatedShop
from tests.support.client import Client, RenewingClient
from tools.first_admin import make_admin
from users.accounts.repository import DynamoUsers


@dataclass(frozen=True)
class Founded:
    """A shop where nothing has happened yet, but that two people have registered."""

    shop: SimulatedShop
    anyone: Client
    customer: Client
    admin: Client
    restore: Callable[[], None]


@pytest.fixture(scope="module")
def founded() -> Iterator[Founded]:
    """Once for each file of tests: registering, logging in and building graphs take longer than most tests."""
    with SimulatedShop() as shop:
        transport = httpx.MockTransport(shop.answer)
        with httpx.Client(base_url="https://shop.example", transport=transport) as http:
            anyone = RenewingClient(http)
            customer = anyone.register(email="carla@example.com")
            admin = anyone.register(email="ada@example.com", full_name="Ada Admin")
            # As a deployment's first admin is made.
            users = DynamoUsers(Table("UsersTable", aws.client("dynamodb")))
            make_admin(users, "ada@example.com")
            yield Founded(shop, anyone, customer, admin.log_in(), shop.remember())


@pytest.fixture
def shop(founded: Founded) -> Iterator[SimulatedShop]:
    yield founded.shop
    founded.restore()


@pytest.fixture
def anyone(founded: Founded, shop: SimulatedShop) -> Client:
    """Somebody without a token."""
    return founded.anyone


@pytest.fixture
def customer(founded: Founded, shop: SimulatedShop) -> Client:
    """A customer who has just registered, and is not welcomed yet."""
    return founded.customer


@pytest.fixture
def admin(founded: Founded, shop: SimulatedShop) -> Client:
    """The shop's admin, not welcomed yet either."""
    return founded.admin

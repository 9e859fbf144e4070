"""Who is in town."""

from collections.abc import Iterator

import httpx
import pytest

from tests.flows.town import Town
from tests.support.shop import Client
from tools.first_admin import make_admin
from users.repository import UserRepository


@pytest.fixture
def town(account: None) -> Iterator[Town]:
    with Town() as town:
        yield town


@pytest.fixture
def anyone(town: Town) -> Iterator[Client]:
    """Somebody without a token."""
    with httpx.Client(
        base_url="https://shop.example", transport=httpx.MockTransport(town.answer)
    ) as http:
        yield Client(http)


@pytest.fixture
def customer(anyone: Client) -> Client:
    """A newly registered customer, not welcomed yet."""
    return anyone.register(email="carla@example.com")


@pytest.fixture
def admin(town: Town, anyone: Client) -> Client:
    """The shop's admin, welcomed and made as a deployment's first admin is."""
    client = anyone.register(email="ada@example.com", full_name="Ada Admin")
    make_admin(UserRepository(town.tables["UsersTable"]), "ada@example.com")
    return client.log_in()

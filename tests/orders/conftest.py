"""Fixtures of the orders tests."""

import pytest

from orders.ports import Orders
from orders.repository import DynamoOrders
from shared.storage.dynamodb import Table
from tests.orders.fakes import InMemoryOrders
from tests.orders.harness import OrdersHarness
from tests.support.aws import make_table


@pytest.fixture
def shop() -> OrdersHarness:
    return OrdersHarness()


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


@pytest.fixture(params=["fake", "dynamodb"])
def orders(request: pytest.FixtureRequest) -> Orders:
    """`Orders` for the contract suite: the fake and the repository."""
    if request.param == "fake":
        return InMemoryOrders()
    return DynamoOrders(request.getfixturevalue("table"))

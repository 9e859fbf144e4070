"""Fixtures of the orders tests."""

import pytest

from orders.repository import DynamoOrders
from shared.storage.dynamodb import Table
from tests.orders.harness import OrdersHarness
from tests.support.aws import wired_table


@pytest.fixture
def shop() -> OrdersHarness:
    return OrdersHarness()


@pytest.fixture
def table() -> Table:
    return wired_table("OrdersTable")


@pytest.fixture(params=[1, 4])
def orders(table: Table, request: pytest.FixtureRequest) -> DynamoOrders:
    """In a table with one shard and with more."""
    return DynamoOrders(Table(table.name, table.client, shards=request.param))

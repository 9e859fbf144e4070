"""Fixtures of the orders tests."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orders.repository import DynamoOrders
from shared.runtime import metrics
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


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """The metrics of the test."""
    metrics.flush()
    capsys.readouterr()

    def read() -> dict[str, Any]:
        metrics.flush()
        found: dict[str, Any] = {}
        for line in capsys.readouterr().out.splitlines():
            found |= json.loads(line)
        return found

    return read

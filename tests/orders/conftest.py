"""The service, its API and its saga, each on fakes; and where orders are kept, as a fake and in DynamoDB."""

import pytest

from orders.ports import Orders
from orders.repository import DynamoOrders
from shared.storage.dynamodb import Table
from tests.orders.counter import Counter
from tests.orders.fakes import InMemoryOrders
from tests.orders.shop import Shop
from tests.orders.stage import Stage
from tests.support.aws import make_table


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def counter(shop: Shop) -> Counter:
    return Counter(shop)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(params=["fake", "dynamodb"])
def orders(request: pytest.FixtureRequest) -> Orders:
    if request.param == "fake":
        return InMemoryOrders()
    request.getfixturevalue("account")
    return DynamoOrders(make_table("OrdersTable"))


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")

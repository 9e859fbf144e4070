"""The service, its API and its saga, each on fakes."""

import pytest

from tests.orders.counter import Counter
from tests.orders.shop import Shop
from tests.orders.stage import Stage


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def counter(request: pytest.FixtureRequest, shop: Shop) -> Counter:
    return Counter(shop, lambda: request.getfixturevalue("account"))


@pytest.fixture
def stage() -> Stage:
    return Stage()

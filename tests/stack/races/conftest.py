"""Everybody at once: a shop of their own, and a crowd before it.

Most races call the real functions in this process (environments.py), for there they meet in DynamoDB far more often
than through worker processes of the emulator's; what is published, delivered, confirmed and mailed behind them is done
by the deployed ones. A few go all the way over HTTP. Each ends at rest, with every invariant checked.
"""

from collections.abc import Iterator

import pytest

from tests.stack.races.environments import Environments
from tests.stack.races.market import Crowd, Market, Size
from tests.support.cloud import Cloud
from tools.local.processes import free_port
from tools.local.shop import Shop


@pytest.fixture(
    params=[
        pytest.param(Size(buyers=100, units=10, rounds=1, requests=32, orders=8), id="quick"),
        pytest.param(
            Size(buyers=1000, units=100, rounds=20, requests=100, orders=200),
            id="long",
            marks=[pytest.mark.torture, pytest.mark.timeout(7200)],
        ),
    ]
)
def size(request: pytest.FixtureRequest) -> Size:
    chosen: Size = request.param
    return chosen


@pytest.fixture(scope="session")
def race_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A shop of their own: the invariants are about everything that is in it."""
    parameters = {
        "ThrottleRate": "2000",
        "ThrottleBurst": "4000",
        "AdminEmail": "keeper@example.com",
    }
    folder = tmp_path_factory.mktemp("races")
    with Shop(free_port(), folder, enforce_iam=True, parameters=parameters).running() as shop:
        cloud = Cloud(shop)
        cloud.invoke_two_at_once("OrdersCheckout")
        yield cloud


@pytest.fixture(scope="session")
def made(race_cloud: Cloud) -> Environments:
    return Environments(race_cloud.shop)


@pytest.fixture(scope="module")
def environments(made: Environments) -> Iterator[Environments]:
    """Not for longer than a module: other tests have AWS elsewhere."""
    with made.opened():
        yield made


@pytest.fixture(scope="session")
def crowds() -> dict[int, Crowd]:
    """Those that were made, by their size."""
    return {}


@pytest.fixture
def market(
    race_cloud: Cloud, environments: Environments, crowds: dict[int, Crowd], size: Size
) -> Iterator[Market]:
    environments.prepare(size.requests)
    if size.buyers not in crowds:
        crowds[size.buyers] = Crowd.registered(environments, size.buyers)
    with Market(race_cloud, environments, crowds[size.buyers]) as market:
        yield market

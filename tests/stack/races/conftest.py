"""A shop of the races' own: the invariants are about everything that is stored in it.

Most races call the real functions in this process (environments.py), where they meet in DynamoDB
far more often than through worker processes of the emulator. The deployed workers publish, deliver,
confirm and mail. Each race ends when nothing is left to do, with every invariant checked.
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
        pytest.param(Size(buyers=60, units=10, rounds=1, requests=16, orders=6), id="quick"),
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
def crowds() -> dict[int, Crowd]:
    """The registered customers, by their number."""
    return {}


@pytest.fixture(scope="module")
def environments(race_cloud: Cloud) -> Iterator[Environments]:
    """For a module at most: other tests have their AWS elsewhere."""
    with Environments(race_cloud.shop).opened() as opened:
        yield opened


@pytest.fixture
def market(
    race_cloud: Cloud, environments: Environments, crowds: dict[int, Crowd], size: Size
) -> Iterator[Market]:
    environments.prepare(size.requests)
    if size.buyers not in crowds:
        crowds[size.buyers] = Crowd.registered(environments, size.buyers)
    with Market(race_cloud, environments, crowds[size.buyers]) as market:
        yield market

"""The stack tests' own shop: the template as deployed, on separate ports, with IAM enforced.

A plugin of tests/stack and tests/browser, so that one shop serves both.
"""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.support.client import Client
from tests.support.cloud import Cloud
from tests.support.privacy import PRIVACY
from tools.local.places import STACK
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.template import ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"stack", "browser"}.intersection(item.path.parts):
            item.add_marker(pytest.mark.stack)
            # The first one builds and deploys.
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    # Tests send requests faster than customers.
    parameters = {
        "ThrottleRate": "2000",
        "ThrottleBurst": "4000",
        "AdminEmail": "keeper@example.com",
        "CorsOrigins": "https://pages.example",
    }
    folder = tmp_path_factory.mktemp("shop")
    with Shop(free_port(), folder, enforce_iam=True, parameters=parameters).running() as shop:
        yield shop
        # Nothing personal that the tests have sent or received is in any log.
        lines = list(Cloud(shop).log_lines())
        assert lines
        assert PRIVACY.found_in(lines) == []


@pytest.fixture(scope="session")
def cloud(shop: Shop) -> Cloud:
    return Cloud(shop)


@pytest.fixture(scope="session")
def http(shop: Shop) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shop.url, timeout=30) as client:
        yield client


@pytest.fixture
def customer(http: httpx.Client) -> Client:
    """A newly registered customer."""
    return Client(http).register()


@pytest.fixture(scope="session")
def admin(shop: Shop, http: httpx.Client) -> Client:
    """The shop's admin, made as a deployment's first admin is."""
    client = Client(http).register()
    command = (sys.executable, "-m", "tools.first_admin", "--env", "dev", "--stack", STACK, "--yes")
    subprocess.run(
        (*command, "--email", client.user["email"]), env=shop.environment, cwd=ROOT, check=True
    )
    return client.log_in()

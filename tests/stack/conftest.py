"""The stack tests' own shop: the template as deployed, on ports of its own, with IAM enforced."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.support.client import Client
from tests.support.cloud import Cloud
from tests.support.privacy import PRIVACY
from tools.local.places import STACK
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.template import ROOT

# What holds at both forms of the API's URL.
_AT_BOTH_URLS = (
    "test_accounts",
    "test_catalogue",
    "test_cors",
    "test_edge",
    "test_orders",
    "test_pages",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "root_path" in metafunc.fixturenames and metafunc.module.__name__.endswith(_AT_BOTH_URLS):
        metafunc.parametrize("root_path", ["", "/live"], ids=["domain", "stage"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "stack" in item.path.parts:
            item.add_marker(pytest.mark.stack)
            # The first one builds and deploys.
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    # Tests ask faster than customers. Traced, as the cloud is: the tracing SDK must load.
    parameters = {
        "ThrottleRate": "2000",
        "ThrottleBurst": "4000",
        "AdminEmail": "keeper@example.com",
        "CorsOrigins": "https://pages.example",
    }
    folder = tmp_path_factory.mktemp("shop")
    with Shop(free_port(), folder, enforce_iam=True, parameters=parameters).running() as shop:
        yield shop
        # Of all that the tests have sent and been answered, nothing personal is in any log.
        lines = list(Cloud(shop).log_lines())
        assert lines
        assert PRIVACY.found_in(lines) == []


@pytest.fixture(scope="session")
def cloud(shop: Shop) -> Cloud:
    return Cloud(shop)


@pytest.fixture(scope="session")
def root_path(request: pytest.FixtureRequest) -> str:
    """What stands before the API's paths: the stage at the execute-api URL, nothing at a custom domain."""
    return str(getattr(request, "param", ""))


@pytest.fixture(scope="session")
def http(shop: Shop, root_path: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{shop.url}{root_path}", timeout=30) as client:
        client.event_hooks = {"response": [partial(_follow, client, root_path)]}
        yield client


def _follow(client: httpx.Client, root_path: str, answer: httpx.Response) -> None:
    """Wherever an answer says that something new is, it is."""
    location = answer.headers.get("location")
    if location is None:
        return
    assert location.startswith(f"{root_path}/api/v1/"), location
    token = answer.request.headers.get("authorization")
    if token is None:
        # Who has just registered.
        account = json.loads(answer.request.content)
        credentials = {"email": account["email"], "password": account["password"]}
        pair = client.post("/api/v1/auth/login", json=credentials).json()
        token = f"Bearer {pair['access_token']}"
    url = answer.request.url.join(location)
    found = client.get(url, headers={"Authorization": token})
    assert found.status_code == 200, (location, found.text)


@pytest.fixture
def anyone(http: httpx.Client) -> Client:
    """Somebody without a token."""
    return Client(http)


@pytest.fixture
def customer(http: httpx.Client) -> Client:
    """A newly registered customer."""
    return Client(http).register()


@pytest.fixture
def other(http: httpx.Client) -> Client:
    """Another one."""
    return Client(http).register()


@pytest.fixture(scope="session")
def admin(shop: Shop, http: httpx.Client) -> Client:
    """The shop's admin, made as a deployment's first admin is."""
    client = Client(http).register()
    command = (sys.executable, "-m", "tools.first_admin", "--env", "dev", "--stack", STACK)
    subprocess.run(
        (*command, "--email", client.user["email"]), env=shop.environment, cwd=ROOT, check=True
    )
    return client.log_in()

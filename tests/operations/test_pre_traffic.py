"""Before a new version of a function gets requests, a small real one shows whether it works."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from operations.trials import trial_of
from tests.simulation.shop import SimulatedShop, opened
from tests.support.functions import FUNCTIONS
from tests.support.grants import STACK

HOOK = "OperationsPreTraffic"
TRIED = [name for name, function in FUNCTIONS.items() if function.is_tried]


@pytest.fixture(scope="module")
def shop() -> Any:
    with opened() as shop:
        yield shop


def deploy(shop: SimulatedShop, function: str) -> str:
    """CodeDeploy asks the hook about a new version; return what the hook reports."""
    event = {"DeploymentId": f"d-{function}", "LifecycleEventHookExecutionId": "1"}
    shop.cloud.deployments[f"d-{function}"] = (f"{STACK}-{function}-1A2B3C4D5E6F", "2")
    shop.invoke(HOOK, event)
    return shop.cloud.reported[f"d-{function}"]


@pytest.mark.parametrize("function", TRIED)
def test_version_that_works_gets_requests(shop: SimulatedShop, function: str) -> None:
    assert deploy(shop, function) == "Succeeded"


@pytest.mark.parametrize("function", TRIED)
def test_version_that_breaks_gets_no_requests(shop: SimulatedShop, function: str) -> None:
    shop.down.add(function)
    try:
        assert deploy(shop, function) == "Failed"
    finally:
        shop.down.clear()


@pytest.mark.parametrize(
    "function", ["UsersApi", "UsersDirectory", "ProductsInventory", "UsersSweeper"]
)
def test_version_that_cannot_read_its_table_gets_no_requests(
    shop: SimulatedShop, function: str
) -> None:
    shop.pass_time(timedelta(seconds=5))  # health reports are kept for three
    with ExitStack() as outage:
        for operation in ("BatchGetItem", "GetItem", "Query"):
            outage.enter_context(shop.refusing(f"dynamodb.{operation}"))
        assert deploy(shop, function) == "Failed"


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        ("GatewayApi", {"statusCode": 500, "body": "{}"}),
        ("OrdersApi", {"statusCode": 200, "body": '{"status": "degraded"}'}),
        ("OrdersCheckout", {"batchItemFailures": [{"itemIdentifier": "trial"}]}),
        ("OrdersSweeper", None),
        ("UsersDirectory", {"refused": {"code": "contended", "data": {}}}),
    ],
)
def test_other_answer_does_not_pass(function: str, answer: Any) -> None:
    assert not trial_of(function).is_passed_by(answer)


def test_trial_changes_nothing(shop: SimulatedShop) -> None:
    before = {name: dict(table.items) for name, table in shop.cloud.dynamodb.tables.items()}
    for function in TRIED:
        deploy(shop, function)
    after = {name: dict(table.items) for name, table in shop.cloud.dynamodb.tables.items()}
    assert after == before
    assert not any(queue.messages for queue in shop.cloud.queues.values())


def test_function_of_an_unknown_kind_gets_no_requests(shop: SimulatedShop) -> None:
    with pytest.raises(LookupError):
        trial_of("OrdersPrinter")
    assert deploy(shop, "OrdersPrinter") == "Failed"

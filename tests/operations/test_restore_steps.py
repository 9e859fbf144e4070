"""The steps of a restore: each may be repeated, and after an interruption in its middle too."""

import argparse
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

import pytest

from shared.runtime import aws
from tests.support.aws import make_table
from tools.local.arguments import Where
from tools.progress import Problem
from tools.restore import Restoration, moment

_AT: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
_NAMES: Final = {
    "OrdersTable": "AWS::DynamoDB::Table",
    "ProductsTable": "AWS::DynamoDB::Table",
    "OrdersApi": "AWS::Lambda::Function",
    "OrdersCheckoutQueue": "AWS::Lambda::EventSourceMapping",
    "NotificationsWorkerQueue": "AWS::Lambda::EventSourceMapping",
    "OrdersSweeperTick": "AWS::Events::Rule",
}


class Account:
    """A shop's functions, sources and schedules, as AWS switches them: a source takes its time, and
    is not to be switched meanwhile."""

    def __init__(self) -> None:
        self.sources = {name: "Enabled" for name in _NAMES if name.endswith("Queue")}
        self.rules = {"OrdersSweeperTick": True}
        self.concurrency: dict[str, int] = {}
        self.slow: Counter[str] = Counter()

    # --- Lambda ---

    def put_function_concurrency(
        self,
        FunctionName: str,  # noqa: N803
        ReservedConcurrentExecutions: int,  # noqa: N803
    ) -> None:
        self.concurrency[FunctionName] = ReservedConcurrentExecutions

    def delete_function_concurrency(self, FunctionName: str) -> None:  # noqa: N803
        self.concurrency.pop(FunctionName, None)

    def update_event_source_mapping(self, UUID: str, *, Enabled: bool) -> None:  # noqa: N803
        assert self.sources[UUID] in ("Enabled", "Disabled"), "ResourceInUseException"
        self.sources[UUID] = "Enabling" if Enabled else "Disabling"
        self.slow[UUID] = 2

    def get_event_source_mapping(self, UUID: str) -> dict[str, str]:  # noqa: N803
        self.slow[UUID] -= 1
        if self.slow[UUID] == 0:
            self.sources[UUID] = self.sources[UUID].removesuffix("ing") + "ed"
        return {"State": self.sources[UUID]}

    # --- EventBridge ---

    def enable_rule(self, Name: str) -> None:  # noqa: N803
        self.rules[Name] = True

    def disable_rule(self, Name: str) -> None:  # noqa: N803
        self.rules[Name] = False

    # --- CloudFormation ---

    def get_paginator(self, _: str) -> Any:
        found = [
            {"LogicalResourceId": name, "PhysicalResourceId": name, "ResourceType": type_}
            for name, type_ in _NAMES.items()
        ]
        return SimpleNamespace(paginate=lambda StackName: [{"StackResourceSummaries": found}])  # noqa: N803

    def client(self, service: str) -> Any:
        return aws.client("dynamodb") if service == "dynamodb" else self


@pytest.fixture
def shop(account: None, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr("time.sleep", lambda _: None)
    for name in ("OrdersTable", "ProductsTable"):
        make_table(name)
        aws.client("dynamodb").update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    return Account()


@pytest.fixture
def restoration(shop: Account) -> Restoration:
    session: Any = SimpleNamespace(client=lambda service, endpoint_url: shop.client(service))
    return Restoration(Where(session, None, "shop", ""), _AT, ("orders", "products"))


def tables() -> list[str]:
    return aws.client("dynamodb").list_tables()["TableNames"]


def test_tables_beside_are_made_and_deleted_however_often_a_step_is_repeated(
    restoration: Restoration,
) -> None:
    restoration.beside()
    restoration.beside()
    assert len(tables()) == 4
    # `tidy` was interrupted after its first table.
    aws.client("dynamodb").delete_table(TableName=restoration._beside("orders"))
    restoration.tidy()
    restoration.tidy()
    assert tables() == ["OrdersTable", "ProductsTable"]


def test_moment_has_one_name_in_all_time_zones() -> None:
    names = {moment(at).isoformat() for at in ("2026-11-22T10:00:00Z", "2026-11-22T12:00:00+02:00")}
    assert names == {"2026-11-22T10:00:00+00:00"}
    with pytest.raises(argparse.ArgumentTypeError):
        moment("yesterday")


def test_shop_is_closed_when_its_sources_are_off(restoration: Restoration, shop: Account) -> None:
    restoration.stop()
    assert set(shop.sources.values()) == {"Disabled"}
    assert shop.rules == {"OrdersSweeperTick": False}
    assert shop.concurrency == {"OrdersApi": 0}
    restoration.stop()
    restoration.start()
    assert shop.sources == {
        "OrdersCheckoutQueue": "Enabled",
        "NotificationsWorkerQueue": "Disabled",
    }
    assert shop.concurrency == {}


def test_tables_of_an_open_shop_are_not_written(restoration: Restoration, shop: Account) -> None:
    restoration.beside()
    with pytest.raises(Problem, match="STEP=stop"):
        restoration.back()

"""What whoever has taken one function over can ask for, with all that its role allows, and does not get, under every
reading of what AWS's documentation leaves open."""

from typing import Any

import pytest

from tests.support.grants import arn, granted
from tests.support.policies import Request, Statement, allows
from tests.support.recorder import READINGS, requests

USER: dict[str, Any] = {"pk": {"S": "USER#1"}, "sk": {"S": "USER"}}
EVENT: dict[str, Any] = {"pk": {"S": "ORDER#1"}, "sk": {"S": "EVENT#0000000001"}}
PRODUCT: dict[str, Any] = {"pk": {"S": "PRODUCT#1"}, "sk": {"S": "PRODUCT"}}


def may(function: str, operation: str, **params: Any) -> bool:
    service, _, name = operation.partition(".")
    answers = {
        all(
            allows(granted(function), one)
            for one in requests(function, service, name, params, reading)
        )
        for reading in READINGS
    }
    [answer] = answers
    return answer


def projection(*names: str) -> dict[str, Any]:
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def update(clause: str, *names: str) -> dict[str, Any]:
    return {
        "UpdateExpression": clause,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def test_the_directory_reads_four_attributes_of_an_account() -> None:
    def reads(key: dict[str, Any] = USER, **more: Any) -> bool:
        return may("UsersDirectory", "dynamodb.GetItem", TableName="UsersTable", Key=key, **more)

    assert reads(**projection("id", "full_name", "email", "is_active"))
    assert not reads(**projection("id", "password_hash"))
    assert not reads(**projection("role"))
    # Naming nothing would show everything.
    assert not reads()
    for other in ("EMAIL#a@example.com", "FAMILY#1", "ATTEMPTS#1", "COUNTERS"):
        assert not reads({**USER, "pk": {"S": other}}, **projection("id"))


def test_the_directory_only_reads_and_one_account_at_a_time() -> None:
    whole = {"TableName": "UsersTable"}
    listing = {"KeyConditionExpression": "#listing = :l", **whole, "IndexName": "by-creation"}
    values = {":l": {"S": "USER"}}
    names = {"#listing": "listing"}
    operations: dict[str, dict[str, Any]] = {
        "Query": {
            **listing,
            "ExpressionAttributeValues": values,
            "ExpressionAttributeNames": names,
        },
        "BatchGetItem": {"RequestItems": {"UsersTable": {"Keys": [USER], **projection("id")}}},
        "PutItem": {**whole, "Item": USER},
        "DeleteItem": {**whole, "Key": USER},
        "Scan": {**whole, **projection("id")},
    }
    for operation, params in operations.items():
        assert not may("UsersDirectory", f"dynamodb.{operation}", **params), operation


@pytest.mark.parametrize("function", ["OrdersRelay", "OrdersSweeper"])
def test_who_publishes_takes_a_mark_off_and_sees_nothing(function: str) -> None:
    def takes_off(**more: Any) -> bool:
        unmarking: dict[str, Any] = {"TableName": "OrdersTable", "Key": EVENT}
        unmarking |= update("REMOVE #unsent", "unsent")
        return may(function, "dynamodb.UpdateItem", **unmarking | more)

    assert takes_off()
    if function == "OrdersRelay":
        for shown in ("ALL_OLD", "ALL_NEW", "UPDATED_OLD"):
            assert not takes_off(ReturnValues=shown)
        assert not takes_off(**update("SET #event = #unsent", "event", "unsent"))
    for table in ("UsersTable", "ProductsTable"):
        assert not takes_off(TableName=table)


@pytest.mark.parametrize("table", ["UsersTable", "ProductsTable"])
def test_a_relay_reads_no_stream_but_its_own(table: str) -> None:
    # UsersTable's shows the hashes of passwords. SAM lets readers of a stream read all of them.
    policy = (*granted("OrdersRelay"), Statement("Allow", ("dynamodb:GetRecords",), ("*",)))
    own, other = (f"{arn(name)}/stream/now" for name in ("OrdersTable", table))
    assert allows(policy, Request("dynamodb:GetRecords", own))
    assert not allows(policy, Request("dynamodb:GetRecords", other))


def test_a_worker_takes_messages_from_no_queue_but_its_own() -> None:
    policy = (*granted("OrdersCheckout"), Statement("Allow", ("sqs:ReceiveMessage",), ("*",)))
    assert allows(policy, Request("sqs:ReceiveMessage", arn("CheckoutQueue")))
    for other in ("NotificationsQueue", "NotificationsDeadLetters", "CheckoutDeadLetters"):
        assert not allows(policy, Request("sqs:ReceiveMessage", arn(other))), other


def test_the_inventory_cannot_rewrite_a_product_and_the_sweeper_not_even_its_price() -> None:
    def changes(function: str, *names: str) -> bool:
        clause = "SET " + ", ".join(f"#{name} = :v" for name in names)
        params = {"TableName": "ProductsTable", "Key": PRODUCT, **update(clause, *names)}
        return may(function, "dynamodb.TransactWriteItems", TransactItems=[{"Update": params}])

    assert changes("ProductsInventory", "available", "taken")
    assert not changes("ProductsInventory", "name")
    assert changes("ProductsSweeper", "available", "taken")
    assert not changes("ProductsSweeper", "price_minor")


def test_nobody_deletes_an_account_an_order_or_their_history() -> None:
    for function, table, key in (
        ("UsersApi", "UsersTable", USER),
        ("OrdersApi", "OrdersTable", EVENT),
        ("OrdersCheckout", "OrdersTable", EVENT),
        ("ProductsApi", "ProductsTable", PRODUCT),
    ):
        assert not may(function, "dynamodb.DeleteItem", TableName=table, Key=key), function

"""What whoever has taken one function over can ask for, with all that its role allows, and does not get: by our evaluator
and by one that is not ours, under every reading of what AWS's documentation leaves open."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.evaluators import Evaluator, iam_simulate, our_evaluator
from tests.support.functions import FUNCTIONS
from tests.support.grants import arn, attribute
from tests.support.policies import Request
from tests.support.recorder import READINGS, Reading, requests

type Item = dict[str, Any]
type May = Callable[..., bool]

USER: Item = {"pk": {"S": "USER#1"}, "sk": {"S": "USER"}}
ADDRESS: Item = {"pk": {"S": "EMAIL#a@example.com"}, "sk": {"S": "EMAIL"}}
EVENT: Item = {"pk": {"S": "ORDER#1"}, "sk": {"S": "EVENT#0000000001"}}
PRODUCT: Item = {"pk": {"S": "PRODUCT#1"}, "sk": {"S": "PRODUCT"}}
WORD: Item = {"pk": {"S": "WORD#1"}, "sk": {"S": "mug"}}
RESERVATION: Item = {"pk": {"S": "RESERVATION#1"}, "sk": {"S": "RESERVATION"}}


def readings(evaluator: Evaluator, function: str, operation: str, params: Item) -> set[Reading]:
    """Those under which the role allows the call."""
    service, _, name = operation.partition(".")
    return {
        reading
        for reading in READINGS
        if all(
            evaluator(
                [(function, one) for one in requests(function, service, name, params, reading)]
            )
        )
    }


@pytest.fixture
def may(evaluator: Evaluator) -> May:
    """Whether a role allows a call: under every reading or under none, else the test fails."""

    def may(function: str, operation: str, **params: Any) -> bool:
        allowing = readings(evaluator, function, operation, params)
        assert allowing in (set(), set(READINGS)), (
            f"only under {sorted(allowing)}: {operation} {params}"
        )
        return bool(allowing)

    return may


def projection(*names: str) -> Item:
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def update(clause: str, *names: str) -> Item:
    return {
        "UpdateExpression": clause,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def setting(table: str, key: Item, *names: str) -> Item:
    clause = "SET " + ", ".join(f"#{name} = :v" for name in names)
    return {"TableName": table, "Key": key, **update(clause, *names)}


def test_the_directory_reads_four_attributes_of_an_account(may: May) -> None:
    def reads(key: Item = USER, **more: Any) -> bool:
        return may("UsersDirectory", "dynamodb.GetItem", TableName="UsersTable", Key=key, **more)

    assert reads(**projection("id", "full_name", "email", "is_active"))
    assert not reads(**projection("id", "password_hash"))
    assert not reads(**projection("role"))
    # Naming nothing would show everything.
    assert not reads()
    for other in ("EMAIL#a@example.com", "FAMILY#1", "ATTEMPTS#1", "COUNTERS"):
        assert not reads({**USER, "pk": {"S": other}}, **projection("id"))


def test_the_directory_reads_no_account_behind_another_s_projection(may: May) -> None:
    other = {**USER, "pk": {"S": "USER#2"}}
    narrow = {"Get": {"TableName": "UsersTable", "Key": USER, **projection("id")}}
    whole = {"Get": {"TableName": "UsersTable", "Key": other}}
    for items in ([narrow, whole], [narrow], [whole]):
        assert not may("UsersDirectory", "dynamodb.TransactGetItems", TransactItems=items)


@pytest.mark.parametrize("attributes", [(), ("pk", "sk")])
def test_the_directory_reads_no_whole_account_if_aws_tells_little_of_the_request(
    evaluator: Evaluator, attributes: tuple[str, ...]
) -> None:
    # `dynamodb:Select` is described for queries, and the item's keys may count as named.
    context: dict[str, str | tuple[str, ...]] = {"dynamodb:LeadingKeys": ("USER#1",)}
    if attributes:
        context["dynamodb:Attributes"] = attributes
    request = Request("dynamodb:GetItem", arn("UsersTable"), context)
    assert evaluator([("UsersDirectory", request)]) == [False]


def test_the_directory_only_reads_and_one_account_at_a_time(may: May) -> None:
    whole = {"TableName": "UsersTable"}
    listing = {"KeyConditionExpression": "#listing = :l", **whole, "IndexName": "by-creation"}
    values = {":l": {"S": "USER"}}
    names = {"#listing": "listing"}
    operations: dict[str, Item] = {
        "Query": {
            **listing,
            "ExpressionAttributeValues": values,
            "ExpressionAttributeNames": names,
        },
        "BatchGetItem": {"RequestItems": {"UsersTable": {"Keys": [USER], **projection("id")}}},
        "PutItem": {**whole, "Item": USER},
        "DeleteItem": {**whole, "Key": USER},
    }
    for operation, params in operations.items():
        assert not may("UsersDirectory", f"dynamodb.{operation}", **params), operation


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nobody_scans(evaluator: Evaluator, function: str) -> None:
    tables = ("UsersTable", "ProductsTable", "OrdersTable", "NotificationsTable")
    scans = [(function, Request("dynamodb:Scan", arn(table))) for table in tables]
    assert not any(evaluator(scans))


@pytest.mark.parametrize("function", ["OrdersRelay", "OrdersSweeper"])
def test_who_publishes_takes_a_mark_off_and_sees_nothing(
    may: May, evaluator: Evaluator, function: str
) -> None:
    unmarking: Item = {"TableName": "OrdersTable", "Key": EVENT}
    unmarking |= update("REMOVE #unsent", "unsent")

    def takes_off(**more: Any) -> bool:
        return may(function, "dynamodb.UpdateItem", **unmarking | more)

    assert takes_off()
    if function == "OrdersRelay":
        for shown in ("ALL_OLD", "ALL_NEW", "UPDATED_OLD"):
            assert not takes_off(ReturnValues=shown)
        assert not takes_off(**update("SET #event = #unsent", "event", "unsent"))
        # What a failed condition shows is kept from it if AWS counts that as a returned value.
        failing = unmarking | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        allowing = readings(evaluator, function, "dynamodb.UpdateItem", failing)
        assert not [reading for reading in allowing if reading.counts_failures]
    for table in ("UsersTable", "ProductsTable"):
        assert not takes_off(TableName=table)


def test_the_inventory_writes_events_in_transactions_only(may: May) -> None:
    def records(**more: str) -> bool:
        item = {**EVENT, "pk": {"S": "PRODUCT#1"}, "event": {"S": "{}"}}
        item |= {name: {"S": value} for name, value in more.items()}
        put = {"Put": {"TableName": "ProductsTable", "Item": item}}
        return may("ProductsInventory", "dynamodb.TransactWriteItems", TransactItems=[put])

    assert records()
    assert not records(price_minor="1")
    put = {"TableName": "ProductsTable", "Item": {**EVENT, "pk": {"S": "PRODUCT#1"}}}
    assert not may("ProductsInventory", "dynamodb.PutItem", **put)
    for function in ("ProductsRelay", "ProductsSweeper"):
        assert not may(function, "dynamodb.PutItem", **put)
        transaction = [{"Put": put}]
        assert not may(function, "dynamodb.TransactWriteItems", TransactItems=transaction)


def stream(table: str) -> str:
    return attribute(f"{table}.StreamArn")


@pytest.mark.parametrize("relay", ["UsersRelay", "ProductsRelay", "OrdersRelay"])
def test_a_relay_reads_no_stream_but_its_own(evaluator: Evaluator, relay: str) -> None:
    # UsersTable's shows the hashes of passwords. SAM lets readers of a stream read all of them.
    reading = ("DescribeStream", "GetRecords", "GetShardIterator")
    for table in ("UsersTable", "ProductsTable", "OrdersTable"):
        asked = [(relay, Request(f"dynamodb:{name}", stream(table))) for name in reading]
        is_own = table.removesuffix("Table") == relay.removesuffix("Relay")
        assert evaluator(asked) == [is_own] * len(reading), table
    assert evaluator([(relay, Request("dynamodb:ListStreams", "*"))]) == [False]


@pytest.mark.parametrize("worker", ["OrdersCheckout", "NotificationsWorker"])
def test_a_worker_takes_messages_from_no_queue_but_its_own(
    evaluator: Evaluator, worker: str
) -> None:
    own = {"OrdersCheckout": "CheckoutQueue", "NotificationsWorker": "NotificationsQueue"}[worker]
    taking = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    for queue in ("CheckoutQueue", "CheckoutDeadLetters", "NotificationsQueue"):
        asked = [(worker, Request(f"sqs:{name}", arn(queue))) for name in taking]
        assert evaluator(asked) == [queue == own] * len(taking), queue


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_to_no_log_group_but_its_service_s(
    evaluator: Evaluator, function: str
) -> None:
    # SAM lets every function write all of the account's.
    own = FUNCTIONS[function].properties["LoggingConfig"]["LogGroup"]["Ref"]
    for group in ("UsersLogs", "ProductsLogs", "OrdersLogs", "NotificationsLogs", "GatewayLogs"):
        line = f"{arn(group)}:log-stream:2026/11/21/live"
        asked = [
            (function, Request(f"logs:{name}", line))
            for name in ("CreateLogStream", "PutLogEvents")
        ]
        assert evaluator(asked) == [group == own] * 2, group
        assert evaluator([(function, Request("logs:CreateLogGroup", arn(group)))]) == [False]


def test_functions_send_traces_only_if_they_are_traced() -> None:
    sending = [(function, Request("xray:PutTraceSegments", "*")) for function in FUNCTIONS]
    for mode, is_traced in (("Active", True), ("PassThrough", False)):
        assert set(our_evaluator(sending, mode)) == {is_traced}
        with iam_simulate(mode) as evaluator:
            assert set(evaluator(sending)) == {is_traced}


def test_the_inventory_cannot_rewrite_a_product_and_the_sweeper_not_even_its_price(
    may: May,
) -> None:
    def changes(function: str, *names: str) -> bool:
        change = {"Update": setting("ProductsTable", PRODUCT, *names)}
        return may(function, "dynamodb.TransactWriteItems", TransactItems=[change])

    assert changes("ProductsInventory", "available", "taken")
    assert not changes("ProductsInventory", "name")
    assert changes("ProductsSweeper", "available", "taken")
    assert not changes("ProductsSweeper", "price_minor")
    # DynamoDB would delete a product that has it.
    assert not changes("ProductsInventory", "available", "ttl")
    assert not changes("ProductsSweeper", "available", "ttl")
    for function in ("ProductsInventory", "ProductsSweeper"):
        rewriting = {"TableName": "ProductsTable", "Item": {**PRODUCT, "available": {"N": "1"}}}
        assert not may(function, "dynamodb.PutItem", **rewriting)
        named = {"Put": {**rewriting, "Item": {**PRODUCT, "name": {"S": "Mine"}}}}
        reserved = {"Put": {"TableName": "ProductsTable", "Item": RESERVATION}}
        for items in ([named], [named, reserved]):
            assert not may(function, "dynamodb.TransactWriteItems", TransactItems=items)
        # Outside a transaction it could ask for the whole item.
        moving = setting("ProductsTable", PRODUCT, "available")
        assert not may(function, "dynamodb.UpdateItem", **moving, ReturnValues="ALL_NEW")


DELETIONS = [
    ("UsersApi", "UsersTable", USER),
    ("OrdersApi", "OrdersTable", EVENT),
    ("OrdersCheckout", "OrdersTable", EVENT),
    ("ProductsApi", "ProductsTable", PRODUCT),
]


@pytest.mark.parametrize(("function", "table", "key"), DELETIONS)
def test_nobody_deletes_an_account_an_order_or_their_history(
    may: May, function: str, table: str, key: Item
) -> None:
    deletion = {"TableName": table, "Key": key}
    assert not may(function, "dynamodb.DeleteItem", **deletion)
    assert not may(function, "dynamodb.TransactWriteItems", TransactItems=[{"Delete": deletion}])


@pytest.mark.parametrize(
    ("function", "table", "own", "foreign"),
    [
        ("UsersApi", "UsersTable", {"Delete": {"Key": ADDRESS}}, {"Delete": {"Key": USER}}),
        ("ProductsApi", "ProductsTable", {"Delete": {"Key": WORD}}, {"Delete": {"Key": PRODUCT}}),
        ("ProductsInventory", "ProductsTable", {"Put": {"Item": RESERVATION}}, {"Put": {"Item": PRODUCT}}),
    ],
)  # fmt: skip
def test_what_is_left_if_aws_looks_at_whole_transactions(
    evaluator: Evaluator, function: str, table: str, own: Item, foreign: Item
) -> None:
    # docs/security.md says so. Beside an item that is the function's to delete or to put, it reaches others.
    items = [
        {kind: {"TableName": table, **wire} for kind, wire in one.items()} for one in (own, foreign)
    ]
    allowing = readings(
        evaluator, function, "dynamodb.TransactWriteItems", {"TransactItems": items}
    )
    assert allowing == {reading for reading in READINGS if reading.sees_whole_transaction}

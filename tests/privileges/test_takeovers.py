"""What a function that was taken over asks for, with all that its role allows, and does not get:
under every reading of what AWS's documentation leaves open."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.contracts.directory import Customer
from tests.support.evaluators import Evaluator, iam_simulate
from tests.support.functions import FUNCTIONS
from tests.support.grants import arn, attribute
from tests.support.policies import Request
from tests.support.recorder import READINGS, Reading, requests
from tools.template import resources, services

type Item = dict[str, Any]
type May = Callable[..., bool]

USER: Item = {"pk": {"S": "USER#1"}, "sk": {"S": "USER"}}
ADDRESS: Item = {"pk": {"S": "EMAIL#a@example.com"}, "sk": {"S": "EMAIL"}}
EVENT: Item = {"pk": {"S": "ORDER#1"}, "sk": {"S": "EVENT#0000000001"}}
PRODUCT: Item = {"pk": {"S": "PRODUCT#1"}, "sk": {"S": "PRODUCT"}}
WORD: Item = {"pk": {"S": "WORD#1"}, "sk": {"S": "mug"}}
RESERVATION: Item = {"pk": {"S": "RESERVATION#1"}, "sk": {"S": "RESERVATION"}}

# The functions that admins call: whether they may receive, delete and count messages of queues, and
# of dead-letter queues.
ADMINS_MAY = {
    "OperationsApi": {False: [False, False, True], True: [True, False, True]},
    "OperationsQueues": {False: [False, False, False], True: [True, True, True]},
}

each_function = pytest.mark.parametrize("function", FUNCTIONS)


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
    """Whether a role allows an operation of DynamoDB: under every reading or under none, else the
    test fails."""

    def may(function: str, operation: str, **params: Any) -> bool:
        allowing = readings(evaluator, function, f"dynamodb.{operation}", params)
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
    names_ = {f"#{name}": name for name in names}
    return {"UpdateExpression": clause, "ExpressionAttributeNames": names_}


def setting(table: str, key: Item, *names: str) -> Item:
    clause = "SET " + ", ".join(f"#{name} = :v" for name in names)
    return {"TableName": table, "Key": key, **update(clause, *names)}


# --- reading ---


def test_directory_reads_only_what_a_customer_has_of_one_account_at_a_time(may: May) -> None:
    users: Item = {"TableName": "UsersTable"}

    def reads(key: Item = USER, **more: Any) -> bool:
        return may("UsersDirectory", "GetItem", **users, Key=key, **more)

    assert reads(**projection(*Customer.model_fields))
    # A request that names no attributes would return all.
    for shown in (projection("id", "password_hash"), projection("role"), {}):
        assert not reads(**shown)
    for other in ("EMAIL#a@example.com", "FAMILY#1", "ATTEMPTS#1", "COUNTERS"):
        assert not reads({**USER, "pk": {"S": other}}, **projection("id"))
    listing: Item = {
        "KeyConditionExpression": "#listing = :l",
        "ExpressionAttributeValues": {":l": {"S": "USER"}},
        "ExpressionAttributeNames": {"#listing": "listing"},
    }
    narrow = {"Get": {**users, "Key": USER, **projection("id")}}
    full = {"Get": {**users, "Key": {**USER, "pk": {"S": "USER#2"}}}}
    for operation, params in (
        ("Query", {**users, "IndexName": "by-creation", **listing}),
        ("BatchGetItem", {"RequestItems": {"UsersTable": {"Keys": [USER], **projection("id")}}}),
        ("PutItem", {**users, "Item": USER}),
        ("DeleteItem", {**users, "Key": USER}),
        *(("TransactGetItems", {"TransactItems": it}) for it in ([narrow, full], [narrow], [full])),
    ):
        assert not may("UsersDirectory", operation, **params), operation


@each_function
def test_only_the_api_of_users_reads_credentials(evaluator: Evaluator, function: str) -> None:
    context = {"dynamodb:LeadingKeys": ("USER#1",), "dynamodb:Attributes": ("pk", "sk")}
    answers = {
        name: evaluator([(function, Request(f"dynamodb:{name}", arn("CredentialsTable"), context))])
        for name in ("GetItem", "BatchGetItem", "Query")
    }
    assert answers.pop("GetItem") == [function == "UsersApi"]
    assert set(map(tuple, answers.values())) == {(False,)}


@each_function
def test_only_the_api_of_users_writes_or_decrypts_signing_keys(
    may: May, evaluator: Evaluator, function: str
) -> None:
    is_users, verifies = function == "UsersApi", "KEYS_TABLE" in FUNCTIONS[function].read_variables
    signing: Item = {"pk": {"S": "SIGNING#2026-11-22"}, "sk": {"S": "KEY"}}
    keys: Item = {"TableName": "KeysTable"}
    assert may(function, "GetItem", **keys, Key=signing) is verifies
    assert may(function, "PutItem", **keys, Item=signing) is is_users
    assert not may(function, "UpdateItem", **keys, Key=signing)
    assert not may(function, "DeleteItem", **keys, Key=signing)
    secret = {"TableName": "CredentialsTable", "Key": signing}
    assert may(function, "GetItem", **secret) is is_users
    context = {"signing_key": "2026-11-22.x"}
    for operation in ("Encrypt", "Decrypt"):
        params = {"EncryptionContext": context}
        allowing = readings(evaluator, function, f"kms.{operation}", params)
        assert bool(allowing) is is_users, operation
        # Nor by naming both purposes, or none.
        for other in ({**context, "user_id": "1"}, {}):
            params = {"EncryptionContext": other}
            assert not readings(evaluator, function, f"kms.{operation}", params)


@each_function
def test_only_the_writer_of_e_mails_decrypts_their_tokens(
    evaluator: Evaluator, function: str
) -> None:
    params = {"EncryptionContext": {"user_id": "1"}}
    allowing = readings(evaluator, function, "kms.Decrypt", params)
    assert bool(allowing) is (function == "NotificationsWorker")


@each_function
def test_key_of_cursors_is_reached_by_the_api_of_its_service_alone(may: May, function: str) -> None:
    keys: Item = {"TableName": "KeysTable"}
    readers = [name for name, f in FUNCTIONS.items() if "KEYS_TABLE" in f.read_variables]
    # Operations has no list with a cursor.
    apis = {FUNCTIONS[name].service: name for name in readers if name not in ADMINS_MAY}
    assert len(apis) >= 4
    for service, owner in apis.items():
        item: Item = {"pk": {"S": f"CURSORS#{service}"}, "sk": {"S": "KEY"}}
        is_own = function == owner
        assert may(function, "GetItem", **keys, Key=item) is is_own
        assert may(function, "PutItem", **keys, Item=item) is is_own
        assert not may(function, "DeleteItem", **keys, Key=item)
        # Beside a key of its own, too.
        both = {"KeysTable": {"Keys": [item, {**item, "pk": {"S": "SIGNING#2026-11-22"}}]}}
        assert not may(function, "BatchGetItem", RequestItems=both)


@pytest.mark.parametrize(
    ("function", "table", "key", "attributes"),
    [
        ("OrdersSweeper", "OrdersTable", EVENT, ("due_at", "status")),
        ("NotificationsWorker", "NotificationsTable", USER, ("pk", "sk")),
    ],
)
def test_worker_and_sweeper_read_only_the_named_attributes(
    may: May, function: str, table: str, key: Item, attributes: tuple[str, ...]
) -> None:
    item: Item = {"TableName": table, "Key": key}
    assert may(function, "GetItem", **item, **projection(*attributes))
    for shown in ({}, projection(*attributes, "email")):
        assert not may(function, "GetItem", **item, **shown)


@pytest.mark.parametrize("attributes", [(), ("pk", "sk")])
def test_directory_reads_no_full_account_if_iam_sees_little_of_the_request(
    evaluator: Evaluator, attributes: tuple[str, ...]
) -> None:
    # `dynamodb:Select` is described for queries, and the item's keys may count as named.
    context: dict[str, str | tuple[str, ...]] = {"dynamodb:LeadingKeys": ("USER#1",)}
    if attributes:
        context["dynamodb:Attributes"] = attributes
    request = Request("dynamodb:GetItem", arn("UsersTable"), context)
    assert evaluator([("UsersDirectory", request)]) == [False]


# --- what SAM's own policies would allow ---


@each_function
def test_function_uses_no_table_stream_queue_or_log_group_but_its_own(
    evaluator: Evaluator, function: str
) -> None:
    def allowed(names: tuple[str, ...], resource: str) -> list[bool]:
        return evaluator([(function, Request(name, resource)) for name in names])

    properties = FUNCTIONS[function].properties
    own = {
        source["Properties"][kind]["Fn::GetAtt"].partition(".")[0]
        for source in properties.get("Events", {}).values()
        for kind in ("Stream", "Queue")
        if kind in source["Properties"]
    }
    for table, declared in resources("AWS::DynamoDB::Table").items():
        assert allowed(("dynamodb:Scan",), arn(table)) == [False]
        if "StreamSpecification" in declared:
            reading = ("DescribeStream", "GetRecords", "GetShardIterator")
            answers = allowed(
                tuple(f"dynamodb:{name}" for name in reading), attribute(f"{table}.StreamArn")
            )
            assert set(answers) == {table in own}, table
    assert allowed(("dynamodb:ListStreams",), "*") == [False]
    for queue in resources("AWS::SQS::Queue"):
        taking = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        is_last = queue.endswith("DeadLetters")
        expected = ADMINS_MAY.get(function, {}).get(is_last, [queue in own] * 3)
        assert allowed(taking, arn(queue)) == expected, queue
    for group in resources("AWS::Logs::LogGroup"):
        writing = ("logs:CreateLogStream", "logs:PutLogEvents")
        is_own = properties["LoggingConfig"]["LogGroup"]["Ref"] == group
        assert set(allowed(writing, f"{arn(group)}:log-stream:2026/11/21/live")) == {is_own}, group
        assert allowed(("logs:CreateLogGroup",), arn(group)) == [False]


def test_admins_look_changes_no_queue_and_reads_no_event(may: May, evaluator: Evaluator) -> None:
    for queue in resources("AWS::SQS::Queue"):
        for action in ("ChangeMessageVisibility", "PurgeQueue", "SendMessage"):
            assert evaluator([("OperationsApi", Request(f"sqs:{action}", arn(queue)))]) == [False]
    query = {
        "TableName": "OrdersTable",
        "IndexName": "unsent",
        "KeyConditionExpression": "#unsent = :mark",
        "ExpressionAttributeNames": {"#unsent": "unsent"},
        "ExpressionAttributeValues": {":mark": {"S": "quarantine"}},
    }
    assert may("OperationsApi", "Query", **query, Select="COUNT")
    assert not may("OperationsApi", "Query", **query)
    other = {"ExpressionAttributeValues": {":mark": {"S": "0"}}}
    assert not may("OperationsApi", "Query", **query | other, Select="COUNT")


@each_function
def test_only_relays_and_sweepers_publish_and_only_on_the_topic_of_their_service(
    evaluator: Evaluator, function: str
) -> None:
    topics = {
        topic
        for topic in resources("AWS::SNS::Topic")
        if evaluator([(function, Request("sns:Publish", arn(topic)))]) == [True]
    }
    is_publisher = function.endswith(("Relay", "Sweeper"))
    service = FUNCTIONS[function].service.replace("-", "_")
    assert topics == ({f"{services()[service]}Events"} if is_publisher else set())


def test_functions_send_traces_only_if_they_are_traced() -> None:
    sending = [(function, Request("xray:PutTraceSegments", "*")) for function in FUNCTIONS]
    with_saga = {name for name, one in FUNCTIONS.items() if "Tracing" in one.properties}
    assert "OrdersCheckout" in with_saga < FUNCTIONS.keys()
    traced = {
        ("Active", "on"): with_saga,
        ("Active", "off"): with_saga - {"OrdersCheckout"},
        ("PassThrough", "on"): set(),
    }
    for parameters, expected in traced.items():
        with iam_simulate(*parameters) as evaluator:
            assert evaluator(sending) == [function in expected for function in FUNCTIONS]


# --- writing ---


@pytest.mark.parametrize("function", ["OrdersRelay", "OrdersSweeper"])
def test_publisher_marks_an_event_and_reads_nothing(
    may: May, evaluator: Evaluator, function: str
) -> None:
    unmarking: Item = {"TableName": "OrdersTable", "Key": EVENT}
    unmarking |= update("REMOVE #unsent", "unsent")

    def marks(**more: Any) -> bool:
        return may(function, "UpdateItem", **unmarking | more)

    assert marks()
    if function == "OrdersRelay":
        for shown in ("ALL_OLD", "ALL_NEW", "UPDATED_OLD"):
            assert not marks(ReturnValues=shown)
        assert not marks(**update("SET #event = #unsent", "event", "unsent"))
        # What a failed condition returns, if IAM counts that as a returned value.
        failing = unmarking | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        allowing = readings(evaluator, function, "dynamodb.UpdateItem", failing)
        assert not [reading for reading in allowing if reading.counts_failures]
    for table in ("UsersTable", "ProductsTable"):
        assert not marks(TableName=table)


def test_inventory_writes_events_in_transactions_only(may: May) -> None:
    event = {**EVENT, "pk": {"S": "PRODUCT#1"}}
    put = {"TableName": "ProductsTable", "Item": event}

    def records(function: str, **more: str) -> bool:
        item = {**event, **{name: {"S": value} for name, value in more.items()}}
        items = [{"Put": {**put, "Item": item}}]
        return may(function, "TransactWriteItems", TransactItems=items)

    assert records("ProductsInventory", event="{}")
    assert not records("ProductsInventory", event="{}", price_minor="1")
    for function in ("ProductsInventory", "ProductsRelay", "ProductsSweeper"):
        assert not may(function, "PutItem", **put)
        assert function == "ProductsInventory" or not records(function)


def test_inventory_and_sweeper_change_the_stock_of_a_product_only(may: May) -> None:
    def changes(function: str, *names: str) -> bool:
        change = {"Update": setting("ProductsTable", PRODUCT, *names)}
        return may(function, "TransactWriteItems", TransactItems=[change])

    # DynamoDB would delete a product that has `ttl`.
    for function, forbidden in (
        ("ProductsInventory", ("name", "ttl")),
        ("ProductsSweeper", ("name", "ttl", "price_minor")),
    ):
        assert changes(function, "available", "taken")
        assert not [name for name in forbidden if changes(function, "available", name)]
        rewriting = {"TableName": "ProductsTable", "Item": {**PRODUCT, "available": {"N": "1"}}}
        assert not may(function, "PutItem", **rewriting)
        named = {"Put": {**rewriting, "Item": {**PRODUCT, "name": {"S": "Mine"}}}}
        reserved = {"Put": {"TableName": "ProductsTable", "Item": RESERVATION}}
        for items in ([named], [named, reserved]):
            assert not may(function, "TransactWriteItems", TransactItems=items)
        # Outside a transaction it could return all attributes.
        moving = setting("ProductsTable", PRODUCT, "available")
        assert not may(function, "UpdateItem", **moving, ReturnValues="ALL_NEW")


@pytest.mark.parametrize(
    ("function", "table", "key"),
    [
        ("UsersApi", "UsersTable", USER),
        ("OrdersApi", "OrdersTable", EVENT),
        ("OrdersCheckout", "OrdersTable", EVENT),
        ("ProductsApi", "ProductsTable", PRODUCT),
    ],
)
def test_no_function_deletes_an_account_an_order_or_their_history(
    may: May, function: str, table: str, key: Item
) -> None:
    deletion = {"TableName": table, "Key": key}
    assert not may(function, "DeleteItem", **deletion)
    assert not may(function, "TransactWriteItems", TransactItems=[{"Delete": deletion}])


@pytest.mark.parametrize(
    ("function", "table", "own", "foreign"),
    [
        ("UsersApi", "UsersTable", {"Delete": {"Key": ADDRESS}}, {"Delete": {"Key": USER}}),
        ("ProductsApi", "ProductsTable", {"Delete": {"Key": WORD}}, {"Delete": {"Key": PRODUCT}}),
        (
            "ProductsInventory",
            "ProductsTable",
            {"Put": {"Item": RESERVATION}},
            {"Put": {"Item": PRODUCT}},
        ),
    ],
)  # fmt: skip
def test_transaction_reaches_other_items_if_iam_sees_all_of_it(
    evaluator: Evaluator, function: str, table: str, own: Item, foreign: Item
) -> None:
    # docs/security.md says so: beside an item that the function may delete or put, it reaches
    # others.
    items = [
        {kind: {"TableName": table, **wire} for kind, wire in one.items()} for one in (own, foreign)
    ]
    operation = "dynamodb.TransactWriteItems"
    allowing = readings(evaluator, function, operation, {"TransactItems": items})
    assert allowing == {reading for reading in READINGS if reading.sees_whole_transaction}

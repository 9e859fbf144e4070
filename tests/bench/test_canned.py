"""The canned AWS: what it answers, and that nobody asks it in vain unnoticed."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from bench.canned.answers import Answers, Uncanned
from bench.canned.items import NOTIFICATION_ID, ORDER_ID, PRODUCT_ID, USER_ID
from bench.canned.server import CannedAws
from notifications.models import mailbox
from notifications.repository import DynamoNotifications
from orders.repository import DynamoOrders
from products.catalogue.repository.products import DynamoProducts
from shared.storage.dynamodb import Table
from tests.support import shapes
from tools.local.stack import session
from tools.progress import Problem
from users.accounts.repository import DynamoUsers

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TABLE = "ProductsTable"


@pytest.fixture(scope="module")
def aws() -> Iterator[CannedAws]:
    with CannedAws(b"the public key") as aws:
        yield aws


@pytest.fixture
def dynamodb(aws: CannedAws) -> "DynamoDBClient":
    return session().client("dynamodb", endpoint_url=aws.endpoint)


def _answered(target: str | None, path: str = "/", body: bytes = b"{}") -> Any:
    return json.loads(Answers(b"the public key").answer(target, path, body))


def test_an_item_is_found_by_its_key_and_no_other(dynamodb: "DynamoDBClient") -> None:
    key = {"pk": {"S": f"PRODUCT#{PRODUCT_ID}"}, "sk": {"S": "PRODUCT"}}
    found = dynamodb.get_item(TableName=_TABLE, Key=key)["Item"]
    assert found["price_minor"] == {"N": "1250"}
    assert "Item" not in dynamodb.get_item(TableName=_TABLE, Key=key | {"sk": {"S": "OTHER"}})


def test_services_read_the_items_as_their_own(dynamodb: "DynamoDBClient") -> None:
    product = DynamoProducts(Table("ProductsTable", dynamodb)).find(PRODUCT_ID)
    order = DynamoOrders(Table("OrdersTable", dynamodb)).find(ORDER_ID)
    customer = DynamoUsers(Table("UsersTable", dynamodb)).find_customer(USER_ID)
    [told] = DynamoNotifications(Table("NotificationsTable", dynamodb)).newest_first(
        mailbox(USER_ID), unread=True, before=None, limit=10
    )
    assert (product.price_minor if product else None) == 1250
    assert (order.status if order else None) == "confirmed"
    assert (customer.is_active if customer else None) is True
    assert told.id == NOTIFICATION_ID


_KEY = {"pk": {"S": f"PRODUCT#{PRODUCT_ID}"}, "sk": {"S": "PRODUCT"}}


@pytest.mark.parametrize(
    ("service", "operation", "target", "path", "asked"),
    [
        *(
            ("dynamodb", operation, f"DynamoDB_20120810.{operation}", "/", asked)
            for operation, asked in (
                ("GetItem", {"TableName": _TABLE, "Key": _KEY}),
                ("BatchGetItem", {"RequestItems": {_TABLE: {"Keys": [_KEY]}}}),
                ("Query", {"TableName": _TABLE, "IndexName": "newest"}),
                ("PutItem", {}),
                ("TransactWriteItems", {}),
                ("UpdateItem", {"Key": _KEY}),
            )
        ),
        ("kms", "GetPublicKey", "TrentService.GetPublicKey", "/", {"KeyId": "TokenKey"}),
        ("sesv2", "SendEmail", None, "/v2/email/outbound-emails", {}),
        (
            "sns",
            "PublishBatch",
            None,
            "/",
            "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=0",
        ),
    ],
)
def test_an_answer_has_the_shape_of_aws_s(
    service: Any, operation: str, target: str | None, path: str, asked: Any
) -> None:
    body = asked.encode() if isinstance(asked, str) else json.dumps(asked).encode()
    answer = Answers(b"the public key").answer(target, path, body)
    model = session().client(service).meta.service_model.operation_model(operation)
    assert shapes.mistakes(model, 200, {}, answer) == []


def test_several_items_are_found_without_those_that_there_are_not() -> None:
    keys = [{"pk": {"S": f"PRODUCT#{id_}"}, "sk": {"S": "PRODUCT"}} for id_ in (PRODUCT_ID, "none")]
    body = json.dumps({"RequestItems": {_TABLE: {"Keys": keys}}}).encode()
    found = _answered("DynamoDB_20120810.BatchGetItem", body=body)["Responses"][_TABLE]
    assert [item["id"]["S"] for item in found] == [PRODUCT_ID]


def test_an_operation_that_nobody_canned_fails_the_benchmark_with_its_name() -> None:
    with CannedAws(b"the public key") as aws:
        aws.check()
        client = session().client("dynamodb", endpoint_url=aws.endpoint)
        with pytest.raises(ClientError):
            client.delete_table(TableName=_TABLE)
        with pytest.raises(Problem, match=r"DynamoDB_20120810\.DeleteTable"):
            aws.check()


@pytest.mark.parametrize(
    ("target", "path", "body", "name"),
    [
        ("DynamoDB_20120810.Query", "/", b'{"TableName": "X", "IndexName": "i"}', "X, index i"),
        ("TrentService.Sign", "/", b"{}", r"TrentService\.Sign"),
        (None, "/2015-03-31/functions/Nobody/invocations", b"{}", "lambda.Invoke of Nobody"),
        (None, "/", b"Action=Subscribe&TopicArn=x", "Subscribe"),
    ],
)
def test_what_nobody_canned_is_named(target: str | None, path: str, body: bytes, name: str) -> None:
    with pytest.raises(Uncanned, match=name):
        _answered(target, path, body)


def test_a_function_is_the_same_by_its_alias() -> None:
    answer = _answered(None, "/2015-03-31/functions/UsersApi%3Alive/invocations")
    assert json.loads(answer["body"])["status"] == "healthy"

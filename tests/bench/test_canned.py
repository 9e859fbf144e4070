"""The canned AWS: its answers have the shape of AWS's, and a missing one fails the benchmark."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.canned.answers import Answers, Uncanned
from bench.canned.items import PRODUCT_ID
from bench.canned.server import CannedAws
from tests.support import second_opinion
from tools.local.stack import session
from tools.progress import Problem

_TABLE = "ProductsTable"
_KEY = {"pk": {"S": f"PRODUCT#{PRODUCT_ID}"}, "sk": {"S": "PRODUCT"}}
_OTHER = {"pk": {"S": "PRODUCT#none"}, "sk": {"S": "PRODUCT"}}
_ANSWERS = Answers(b"the public key")


def answer(target: str | None, path: str = "/", body: object = None) -> bytes:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return _ANSWERS.answer(target, path, content)


@pytest.mark.parametrize(
    ("service", "operation", "target", "path", "body"),
    [
        *(
            ("dynamodb", operation, f"DynamoDB_20120810.{operation}", "/", body)
            for operation, body in (
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
        ("sns", "PublishBatch", None, "/", "Action=PublishBatch&Entries.member.1.Id=0"),
    ],
)
def test_answer_has_the_shape_of_aws(
    service: Any, operation: str, target: str | None, path: str, body: object
) -> None:
    model = session().client(service).meta.service_model.operation_model(operation)
    assert second_opinion.mistakes(model, 200, {}, answer(target, path, body)) == []


def test_items_are_found_by_their_keys() -> None:
    body = {"RequestItems": {_TABLE: {"Keys": [_KEY, _OTHER]}}}
    found = json.loads(answer("DynamoDB_20120810.BatchGetItem", body=body))["Responses"][_TABLE]
    assert [item["id"]["S"] for item in found] == [PRODUCT_ID]


@pytest.mark.parametrize(
    ("target", "path", "body", "name"),
    [
        ("DynamoDB_20120810.Query", "/", {"TableName": "X", "IndexName": "i"}, "X, index i"),
        ("TrentService.Sign", "/", {}, r"TrentService\.Sign"),
        (None, "/2015-03-31/functions/Unknown/invocations", {}, "lambda.Invoke of Unknown"),
        (None, "/", "Action=Subscribe&TopicArn=x", "Subscribe"),
    ],
)
def test_operation_without_an_answer_is_named(
    target: str | None, path: str, body: object, name: str
) -> None:
    with pytest.raises(Uncanned, match=name):
        answer(target, path, body)


def test_operation_without_an_answer_fails_the_benchmark() -> None:
    with CannedAws(b"the public key") as aws:
        aws.check()
        client = session().client("dynamodb", endpoint_url=aws.endpoint)
        with pytest.raises(ClientError):
            client.delete_table(TableName=_TABLE)
        with pytest.raises(Problem, match=r"DynamoDB_20120810\.DeleteTable"):
            aws.check()

"""The canned AWS: its answers have the shape of AWS's, and a missing one fails the benchmark."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.canned.answers import Answers
from bench.canned.items import PRODUCT_ID
from bench.canned.server import CannedAws
from tests.support import second_opinion
from tools.local.stack import session
from tools.progress import Problem

_TABLE = "ProductsTable"
_KEY = {"pk": {"S": f"PRODUCT#{PRODUCT_ID}"}, "sk": {"S": "PRODUCT"}}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("GetItem", {"TableName": _TABLE, "Key": _KEY}),
        ("BatchGetItem", {"RequestItems": {_TABLE: {"Keys": [_KEY]}}}),
        ("Query", {"TableName": _TABLE, "IndexName": "newest"}),
        ("UpdateItem", {"Key": _KEY}),
    ],
)
def test_answer_has_the_shape_of_dynamodb(operation: str, body: Any) -> None:
    model = session().client("dynamodb").meta.service_model.operation_model(operation)
    answer = Answers(b"").answer(f"DynamoDB_20120810.{operation}", "/", json.dumps(body).encode())
    assert second_opinion.mistakes(model, 200, {}, answer) == []


def test_operation_without_an_answer_fails_the_benchmark() -> None:
    with CannedAws(b"the public key") as aws:
        aws.check()
        client = session().client("dynamodb", endpoint_url=aws.endpoint)
        with pytest.raises(ClientError):
            client.delete_table(TableName=_TABLE)
        with pytest.raises(Problem, match=r"DynamoDB_20120810\.DeleteTable"):
            aws.check()

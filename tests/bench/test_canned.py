"""The canned AWS: an operation without an answer fails the benchmark."""

import pytest
from botocore.exceptions import ClientError

from bench.canned.server import CannedAws
from tools.local.stack import session
from tools.progress import Problem


def test_operation_without_an_answer_fails_the_benchmark() -> None:
    with CannedAws(b"the public key") as aws:
        aws.check()
        client = session().client("dynamodb", endpoint_url=aws.endpoint)
        with pytest.raises(ClientError):
            client.delete_table(TableName="ProductsTable")
        with pytest.raises(Problem, match=r"DynamoDB_20120810\.DeleteTable"):
            aws.check()

"""Requests that AWS refuses and responses that it never gives are reported."""

import json
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from shared.storage.dynamodb import to_wire
from tests.simulation import engine
from tests.simulation.faults import FAILURES, THROTTLING
from tests.support.aws import mocked_account
from tests.support.responses import mistakes
from tests.support.second_opinion import SecondOpinion
from tools.template import table_definition

_TABLE = "UsersTable"
_KEY = to_wire({"pk": "USER#1", "sk": "USER"})
_SESSION = Session("test", "test", region_name="eu-west-1")
_LISTED = {"Items": [_KEY], "Count": 1, "ScannedCount": 1}
_FAILED = {"__type": "ConditionalCheckFailedException", "message": "no"}
_OPERATIONS = {
    "dynamodb": "PutItem",
    "kms": "Sign",
    "lambda": "Invoke",
    "sesv2": "SendEmail",
    "sns": "PublishBatch",
    "sqs": "SendMessage",
}


def model(service: str, operation: str) -> Any:
    return _SESSION.client(service).meta.service_model.operation_model(operation)  # type: ignore[call-overload]  # any service


@pytest.mark.skipif(engine.reason_to_skip() is not None, reason=engine.reason_to_skip() or "")
def test_a_request_that_aws_refuses_is_reported_once() -> None:
    reported: list[str] = []
    session = Session("test", "test", region_name="eu-west-1")
    opinion = SecondOpinion(reported.append)
    opinion.listen(session.events)
    with mocked_account():
        dynamodb: Any = session.client("dynamodb", config=Config(parameter_validation=False))
        dynamodb.create_table(**table_definition(_TABLE))
        for _ in range(2):
            dynamodb.put_item(TableName=_TABLE, Item={**_KEY, "n": {"N": "1" * 39}})
        # What moto refuses too is the test's own business.
        with pytest.raises(dynamodb.exceptions.ClientError, match="ValidationException"):
            dynamodb.get_item(TableName=_TABLE, Key={"pk": {"S": ""}, "sk": {"S": ""}})
    opinion.close()
    assert ["38 significant digits" in one for one in reported] == [True]


@pytest.mark.parametrize(
    ("operation", "status", "body", "mistake"),
    [
        ("Query", 200, _LISTED, ""),
        ("Query", 200, {**_LISTED, "Count": "1"}, "Invalid type for parameter Count"),
        ("Query", 200, {**_LISTED, "Last": {}}, "Last is unknown"),
        ("PutItem", 400, _FAILED, ""),
        ("PutItem", 500, _FAILED, "has the status 400, not 500"),
        ("GetItem", 400, _FAILED, "is no error of this operation"),
    ],
)
def test_a_response_that_aws_never_gives_is_found(
    operation: str, status: int, body: object, mistake: str
) -> None:
    found = mistakes(model("dynamodb", operation), status, json.dumps(body).encode())
    assert mistake in "".join(found)
    assert bool(mistake) == bool(found)


@pytest.mark.parametrize("service", FAILURES)
def test_services_fail_and_throttle_as_aws_does(service: str) -> None:
    for code, status in ((FAILURES[service], 500), THROTTLING[service]):
        body = json.dumps({"__type": code}).encode()
        if service == "sns":
            body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()
        assert mistakes(model(service, _OPERATIONS[service]), status, body) == []

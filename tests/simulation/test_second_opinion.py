"""Requests that AWS refuses and responses that it never gives are reported, whatever stands for
AWS."""

import json
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from shared.storage.dynamodb import to_wire
from tests.simulation import engine
from tests.support.aws import mocked_account
from tests.support.second_opinion import SecondOpinion, mistakes
from tools.template import table_definition

_TABLE = "UsersTable"
_KEY = to_wire({"pk": "USER#1", "sk": "USER"})
_SESSION = Session("test", "test", region_name="eu-west-1")
_MAC = {"KeyId": "k", "Mac": "AAEC", "MacAlgorithm": "HMAC_SHA_256"}
_LISTED = {"Items": [_KEY], "Count": 1, "ScannedCount": 1}
_FAILED = {"__type": "ConditionalCheckFailedException", "message": "no"}
_THROTTLED = {"__type": "TooManyRequestsException"}


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
        dynamodb.update_item(
            TableName=_TABLE,
            Key=_KEY,
            UpdateExpression="SET #n = #n + :one",
            ExpressionAttributeNames={"#n": "n"},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        # What moto refuses too is the test's own business.
        with pytest.raises(dynamodb.exceptions.ClientError, match="ValidationException"):
            dynamodb.get_item(TableName=_TABLE, Key={"pk": {"S": ""}, "sk": {"S": ""}})
    opinion.close()
    assert ["38 significant digits" in one for one in reported] == [True]


@pytest.mark.parametrize(
    ("operation", "status", "body", "mistake"),
    [
        ("kms.GenerateMac", 200, _MAC, None),
        ("kms.GenerateMac", 200, {**_MAC, "Macc": "AAEC"}, "Macc is unknown"),
        ("dynamodb.Query", 200, _LISTED, None),
        ("dynamodb.Query", 200, {**_LISTED, "Count": "1"}, "Invalid type for parameter Count"),
        ("dynamodb.Query", 200, {**_LISTED, "LastEvaluatedKey": None}, "LastEvaluatedKey"),
        ("dynamodb.PutItem", 400, _FAILED, None),
        ("dynamodb.GetItem", 400, _FAILED, "is no error of this operation"),
        ("lambda.Invoke", 429, _THROTTLED, None),
        ("lambda.Invoke", 400, _THROTTLED, "has the status 429, not 400"),
    ],
)
def test_a_response_that_aws_never_gives_is_found(
    operation: str, status: int, body: object, mistake: str | None
) -> None:
    service, name = operation.split(".")
    model = _SESSION.client(service).meta.service_model.operation_model(name)  # type: ignore[call-overload]  # any service
    found = mistakes(model, status, {}, json.dumps(body).encode())
    assert found == [] if mistake is None else any(mistake in one for one in found), found

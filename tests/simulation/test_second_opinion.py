"""What AWS would refuse, or never answer, is noticed whatever stands for AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from shared.storage.dynamodb import to_wire
from tests.simulation import engine
from tests.support import shapes
from tests.support.aws import mocked_account
from tests.support.second_opinion import MOTO, SecondOpinion
from tools.template import table_definition

_TABLE = "UsersTable"
_KEY = to_wire({"pk": "USER#1", "sk": "USER"})
_SESSION = Session("test", "test", region_name="eu-west-1")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def dynamodb(said: list[str]) -> Iterator[Any]:
    """moto's, with a second opinion on what it is asked."""
    session = Session("test", "test", region_name="eu-west-1")
    opinion = SecondOpinion(said.append)
    opinion.listen(session.events)
    with mocked_account():
        client = session.client("dynamodb", config=Config(parameter_validation=False))
        client.create_table(**table_definition(_TABLE))
        yield client
    opinion.close()


@pytest.mark.skipif(engine.reason_to_skip() is not None, reason=engine.reason_to_skip() or "")
def test_what_moto_takes_and_aws_refuses_is_said_once(dynamodb: Any, said: list[str]) -> None:
    for _ in range(2):
        dynamodb.put_item(TableName=_TABLE, Item={**_KEY, "n": {"N": "1" * 39}})
        dynamodb.transact_write_items(
            TransactItems=[{"Delete": {"TableName": _TABLE, "Key": _KEY}}],
            ClientRequestToken="t" * 37,
        )
    assert ["38 significant digits" in one for one in said] == [True, False]
    assert "less than or equal to 36" in said[1]


def test_a_request_that_moto_refuses_as_well_is_none_of_its_business(
    dynamodb: Any, said: list[str]
) -> None:
    with pytest.raises(dynamodb.exceptions.ClientError, match="ValidationException"):
        dynamodb.get_item(TableName=_TABLE, Key={"pk": {"S": ""}, "sk": {"S": ""}})
    assert said == []


def test_what_depends_on_the_item_is_not_for_an_empty_table_to_judge(
    dynamodb: Any, said: list[str]
) -> None:
    dynamodb.put_item(TableName=_TABLE, Item={**_KEY, "n": {"N": "1"}})
    dynamodb.update_item(
        TableName=_TABLE,
        Key=_KEY,
        UpdateExpression="SET #n = #n + :one",
        ExpressionAttributeNames={"#n": "n"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert said == []


def test_the_known_mistakes_of_moto_still_happen() -> None:
    found: set[str] = set()

    def read(operation_model: Any, response_dict: Any, **_: object) -> None:
        answer = (response_dict[part] for part in ("status_code", "headers", "body"))
        found.update(shapes.mistakes(operation_model, *answer))

    session = Session("test", "test", region_name="eu-west-1")
    session.events.register("before-parse", read)
    with mocked_account():
        kms = session.client("kms")
        made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        kms.get_public_key(KeyId=made["KeyMetadata"]["KeyId"])
    assert found == MOTO


_MAC = {"KeyId": "k", "Mac": "AAEC", "MacAlgorithm": "HMAC_SHA_256"}
_FAILED = {"__type": "ConditionalCheckFailedException", "message": "no"}
_SENT = (
    "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>{}</PublishResponse>"
)
_ID = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
_LISTED = {"Items": [_KEY], "Count": 1, "ScannedCount": 1}

type Case = tuple[str, str, int, str, str | None]


def _json(where: str, answer: object, mistake: str | None, status: int = 200) -> Case:
    service, operation = where.split(".")
    return service, operation, status, json.dumps(answer), mistake


@pytest.mark.parametrize(
    ("service", "operation", "status", "body", "mistake"),
    [
        _json("kms.GenerateMac", _MAC, None),
        _json("kms.GenerateMac", {**_MAC, "Mac": "no base64!"}, ".Mac is no base64"),
        _json("kms.GenerateMac", {**_MAC, "MacAlgorithm": "MD5"}, "none of"),
        _json("kms.GenerateMac", {**_MAC, "Macc": "AAEC"}, ".Macc is no member of GenerateMacResponse"),
        _json("kms.GenerateMac", {"KeyId": "k", "Mac": "AAEC"}, ".MacAlgorithm is missing"),
        _json("dynamodb.Query", _LISTED, None),
        _json("dynamodb.Query", {**_LISTED, "Count": "1"}, ".Count is a str and no integer"),
        _json("dynamodb.Query", {**_LISTED, "Items": _KEY}, ".Items is no list"),
        _json("dynamodb.Query", {**_LISTED, "LastEvaluatedKey": None}, "is null"),
        _json("dynamodb.Query", {**_LISTED, "Items": [{"pk": {"S": "a", "N": "1"}}]}, "2 types"),
        _json("dynamodb.Query", {**_LISTED, "Items": [{"pk": {"N": 1}}]}, "is a int and no string"),
        _json("dynamodb.PutItem", {**_FAILED, "Item": _KEY}, None, 400),
        _json("dynamodb.PutItem", {**_FAILED, "Reason": "x"}, "Reason is no member", 400),
        _json("dynamodb.GetItem", _FAILED, "is no error of this operation", 400),
        _json("dynamodb.GetItem", {"__type": "ThrottlingException"}, "status 400, not 429", 429),
        _json("lambda.Invoke", {"__type": "TooManyRequestsException"}, None, 429),
        _json("lambda.Invoke", {"__type": "TooManyRequestsException"}, "status 429, not 400", 400),
        ("dynamodb", "GetItem", 200, "<html/>", "no JSON"),
        ("sns", "Publish", 200, _SENT.format(_ID), None),
        ("sns", "Publish", 200, _SENT.format(""), "RequestId is missing"),
        ("sns", "Publish", 400, "<ErrorResponse><Error/></ErrorResponse>", "Error/Code is missing"),
    ],
)  # fmt: skip
def test_an_answer_that_aws_never_gives_is_found(
    service: Any, operation: str, status: int, body: str, mistake: str | None
) -> None:
    model = _SESSION.client(service).meta.service_model.operation_model(operation)
    found = shapes.mistakes(model, status, {}, body.encode())
    assert found == [] if mistake is None else any(mistake in one for one in found)

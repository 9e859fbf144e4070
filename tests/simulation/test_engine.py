"""The simulated DynamoDB answers as dynoxide does, and dynoxide refuses what AWS is documented to refuse."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.simulation import engine
from tests.simulation.cases import CASES, asked, unlike
from tests.simulation.journal import Journal, Other
from tests.simulation.journeys import NAMES, journals
from tests.simulation.requests import (
    DEFINITION,
    Request,
    check,
    delete,
    get,
    get_all,
    put,
    query,
    together,
    update,
)
from tests.support.books import TABLES
from tools.template import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.skipif(
    engine.reason_to_skip() is not None, reason=engine.reason_to_skip() or ""
)


@pytest.fixture(scope="module")
def kept() -> dict[str, Journal]:
    return journals()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    with engine.started(tmp_path_factory.mktemp("dynoxide") / "log") as client:
        yield client


@pytest.fixture
def dynamodb(server: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    definitions: list[Any] = [DEFINITION, *map(table_definition, TABLES)]
    for definition in definitions:
        server.create_table(**definition)
    yield server
    for definition in definitions:
        server.delete_table(TableName=definition["TableName"])


@pytest.mark.parametrize("name", NAMES)
def test_what_the_shop_asks_is_answered_as_the_engine_does(
    kept: dict[str, Journal], dynamodb: "DynamoDBClient", name: str
) -> None:
    assert kept[name].replay(Other(dynamodb)) == []


@pytest.mark.parametrize("name", CASES)
def test_what_it_may_ask_one_day_is_answered_as_the_engine_does(
    dynamodb: "DynamoDBClient", name: str
) -> None:
    _, journal = asked(name)
    assert journal.replay(Other(dynamodb), unlike=unlike(name, "dynoxide")) == []


def _with(request: Request, **more: Any) -> Request:
    return Request(request.operation, request.body | more)


_LISTED = query("#group = :g", more={"IndexName": "whole"}, g="g")
_SET = update("a", "SET #text = :v", v="text")


# What AWS documents and moto, the emulator or both of them do not enforce: "Constraints in Amazon DynamoDB", the API
# reference of each operation, and the cases of the public suite paritysuite/dynamodb-conformance, which are run on AWS.
REFUSED = {
    "a name that is not used": _with(_SET, ExpressionAttributeNames={"#text": "text", "#x": "x"}),
    "a value that is not used": update("a", "SET #text = :v", v="text", unused=1),
    "a name that is not given": _with(_SET, ExpressionAttributeNames={"#other": "other"}),
    "a reserved word": _with(
        update("a", "SET #text = :v", v=1),
        UpdateExpression="SET timestamp = :v",
        ExpressionAttributeNames={},
    ),
    "an empty set of names": _with(get("a"), ExpressionAttributeNames={}),
    "an empty partition key": _with(get("a"), Key={"pk": {"S": ""}, "sk": {"S": "a"}}),
    "an empty sort key": get(""),
    "a partition key over 2048 bytes": _with(get("a"), Key={"pk": {"S": "é" * 1025}, "sk": {"S": "a"}}),
    "a sort key over 1024 bytes": put("é" * 513),
    "an empty key of an index": put("a", group=""),
    "a key of an index of another type": put("a", group=7),
    "a key without its sort key": _with(get("a"), Key={"pk": {"S": "a"}}),
    "a key with more than the key": _with(delete("a"), Key=put("a", more=1).body["Item"]),
    "a key of another type": _with(get("a"), Key={"pk": {"N": "1"}, "sk": {"S": "a"}}),
    "a change of a key": update("a", "SET #sk = :v", v="b"),
    "one attribute twice": update("a", "SET #text = :v REMOVE #text", v=1),
    "a number of 39 digits": _with(put("a"), Item=put("a").body["Item"] | {"n": {"N": "1" * 39}}),
    "a number over 1E126": _with(put("a"), Item=put("a").body["Item"] | {"n": {"N": "1E126"}}),
    "an empty set": _with(put("a"), Item=put("a").body["Item"] | {"s": {"SS": []}}),
    "a set with one value twice": _with(put("a"), Item=put("a").body["Item"] | {"s": {"SS": ["a", "a"]}}),
    "an item over 400 KB": put("a", text="x" * 400 * 1024),
    "what a put shows as new": _with(put("a"), ReturnValues="ALL_NEW"),
    "what a delete shows as new": _with(delete("a"), ReturnValues="ALL_NEW"),
    "a consistent read of an index": _with(_LISTED, ConsistentRead=True),
    "a limit of nothing": _with(_LISTED, Limit=0),
    "a filter by a key": query("#group = :g", only="#rank = :r", more={"IndexName": "whole"}, g="g", r=1),
    "a condition on what is no key": query("#group = :g AND #text = :t", more={"IndexName": "whole"}, g="g", t="t"),
    "a partition key that is not equal": query("#group > :g", more={"IndexName": "whole"}, g="g"),
    "a cursor without the index's key": _with(_LISTED, ExclusiveStartKey=get("a").body["Key"]),
    "a cursor that says too much": _with(
        _LISTED, ExclusiveStartKey=put("a", group="g", rank=1, more=1).body["Item"]
    ),
    "chosen attributes without a choice": _with(_LISTED, Select="SPECIFIC_ATTRIBUTES"),
    "a choice and all attributes": _with(
        _LISTED,
        Select="ALL_ATTRIBUTES",
        ProjectionExpression="#text",
        ExpressionAttributeNames={"#group": "group", "#text": "text"},
    ),
    "all attributes of an index that has some": _with(_LISTED, IndexName="keys", Select="ALL_ATTRIBUTES"),
    "overlapping paths": _with(get("a"), ProjectionExpression="#a, #a", ExpressionAttributeNames={"#a": "a"}),
    "an index that does not exist": _with(_LISTED, IndexName="none"),
    "one item twice in a batch": get_all("a", "a"),
    "101 items in a batch": get_all(*map(str, range(101))),
    "one item twice in a transaction": together("t", put("a"), delete("a")),
    "an item that is changed and checked": together("t", put("a"), check("a", "attribute_exists(#pk)")),
    "101 writes in a transaction": together("t", *(put(str(n)) for n in range(101))),
    "a transaction of nothing": together("t"),
    "a token over 36 characters": together("t" * 37, put("a")),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_the_engine_refuses_what_aws_refuses(dynamodb: "DynamoDBClient", what: str) -> None:
    request = REFUSED[what]
    with pytest.raises(ClientError) as refused:
        getattr(dynamodb, xform_name(request.operation))(**request.body)
    assert engine.malformed(refused.value)

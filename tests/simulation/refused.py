"""Requests that AWS is documented to refuse, whatever the table holds, and who accepts them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.simulation import engine
from tests.simulation.refusals import Refused
from tests.simulation.requests import (
    Party,
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


def _with(request: Request, **more: Any) -> Request:
    return Request(request.operation, request.body | more)


_LISTED = query("#group = :g", more={"IndexName": "whole"}, g="g")
_SET = update("a", "SET #text = :v", v="text")


# What AWS documents to refuse, and moto, the emulator or the simulation accept: "Constraints in Amazon DynamoDB", the API
# reference of each operation, and the cases of the public suite paritysuite/dynamodb-conformance, which are run on AWS.
REFUSED: Final[Mapping[str, Request]] = {
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
    "an update to an item over 400 KB": update("a", "SET #text = :v", v="x" * 400 * 1024),
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
    "a transaction over 4 MB": together("t", *(put(str(n), text="x" * 390 * 1024) for n in range(11))),
    "a token over 36 characters": together("t" * 37, put("a")),
}  # fmt: skip

# The parties that accept them, break on them or answer otherwise; all others refuse.
UNLIKE: Final[Mapping[Party, frozenset[str]]] = {
    "moto": frozenset(
        {
            "a partition key over 2048 bytes",
            "a key of an index of another type",
            "a key of another type",
            "a number of 39 digits",
            "a number over 1E126",
            "a set with one value twice",
            "a limit of nothing",
            "a filter by a key",
            "a cursor without the index's key",
            "a cursor that says too much",
            "an index that does not exist",
            "a transaction of nothing",
            "a transaction over 4 MB",
            "a token over 36 characters",
        }
    ),
    "emulator": frozenset(
        {
            "an empty set of names",
            "one attribute twice",
            "a filter by a key",
            "a cursor that says too much",
            "all attributes of an index that has some",
        }
    ),
    "simulation": frozenset(
        {
            "a reserved word",
            "an empty set of names",
            "a key with more than the key",
            "a number of 39 digits",
            "a number over 1E126",
            "an empty set",
            "a set with one value twice",
            "an item over 400 KB",
            "an update to an item over 400 KB",
            "what a put shows as new",
            "what a delete shows as new",
            "a consistent read of an index",
            "a limit of nothing",
            "a filter by a key",
            "a condition on what is no key",
            "a partition key that is not equal",
            "a cursor without the index's key",
            "a cursor that says too much",
            "chosen attributes without a choice",
            "a choice and all attributes",
            "all attributes of an index that has some",
            "overlapping paths",
            "an index that does not exist",
            "101 items in a batch",
            "101 writes in a transaction",
            "a transaction of nothing",
            "a transaction over 4 MB",
            "a token over 36 characters",
        }
    ),
}


def refuses(ask: Callable[[Request], object], request: Request) -> bool:
    """Whether the request is refused as malformed, as AWS does."""
    try:
        ask(request)
    except ClientError as error:
        return engine.malformed(error) is not None
    except Refused as refusal:
        return refusal.code == "ValidationException"
    except (LookupError, ValueError):  # it breaks
        return False
    return False


def asking(client: Any) -> Callable[[Request], object]:
    """What puts requests to a DynamoDB, through a client that does not judge them itself."""
    return lambda request: getattr(client, xform_name(request.operation))(**request.body)

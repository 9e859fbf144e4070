"""Requests to a DynamoDB with one table, put down shortly."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from shared.storage.dynamodb import Item, to_wire

type Party = Literal["moto", "emulator", "dynoxide", "simulation"]

TABLE: Final = "Cases"
_NAME: Final = re.compile(r"#(\w+)")
DEFINITION: Final[dict[str, Any]] = {
    "TableName": TABLE,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": type_}
        for name, type_ in (("pk", "S"), ("sk", "S"), ("group", "S"), ("rank", "N"))
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": "group", "KeyType": "HASH"},
                {"AttributeName": "rank", "KeyType": "RANGE"},
            ],
            "Projection": projection,
        }
        for name, projection in (
            ("whole", {"ProjectionType": "ALL"}),
            ("keys", {"ProjectionType": "KEYS_ONLY"}),
            ("some", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text", "number"]}),
        )
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


@dataclass(frozen=True)
class Request:
    """One request; `unlike` are those who are known to answer otherwise than AWS does, and `aws` is what AWS documents."""

    operation: str
    body: dict[str, Any]
    unlike: tuple[Party, ...] = ()
    aws: str = ""

    def but(self, *parties: Party, aws: str) -> "Request":
        """The same, and these answer otherwise.

        Args:
            aws: what AWS documents, and where.
        """
        return replace(self, unlike=parties, aws=aws)


def key(sk: str) -> dict[str, Any]:
    return to_wire({"pk": "case", "sk": sk})


def put(sk: str, condition: str = "", /, *, values: Item | None = None, **item: Any) -> Request:
    wire = {"TableName": TABLE, "Item": key(sk) | to_wire(item)}
    return Request("PutItem", wire | _expressions(values or {}, ConditionExpression=condition))


def update(sk: str, update: str, condition: str = "", /, **values: Any) -> Request:
    wire = {"TableName": TABLE, "Key": key(sk), "ReturnValues": "ALL_NEW"}
    expressions = _expressions(values, UpdateExpression=update, ConditionExpression=condition)
    return Request("UpdateItem", wire | expressions)


def delete(sk: str, condition: str = "", /, **values: Any) -> Request:
    wire = {"TableName": TABLE, "Key": key(sk)}
    return Request("DeleteItem", wire | _expressions(values, ConditionExpression=condition))


def check(sk: str, condition: str, /, **values: Any) -> Request:
    return Request("ConditionCheck", delete(sk, condition, **values).body)


def get(sk: str, only: str = "") -> Request:
    wire = {"TableName": TABLE, "Key": key(sk)}
    return Request("GetItem", wire | _expressions({}, ProjectionExpression=only))


def get_all(*sks: str) -> Request:
    return Request("BatchGetItem", {"RequestItems": {TABLE: {"Keys": [key(sk) for sk in sks]}}})


def query(
    condition: str, /, *, only: str = "", more: Mapping[str, Any] | None = None, **values: Any
) -> Request:
    expressions = _expressions(values, KeyConditionExpression=condition, FilterExpression=only)
    return Request("Query", {"TableName": TABLE, **expressions, **(more or {})})


def together(token: str, *requests: Request) -> Request:
    parts = [
        {
            request.operation.removesuffix("Item"): {
                name: value for name, value in request.body.items() if name != "ReturnValues"
            }
        }
        for request in requests
    ]
    return Request("TransactWriteItems", {"TransactItems": parts, "ClientRequestToken": token})


def _expressions(values: Item, **expressions: str) -> dict[str, Any]:
    given = {name: text for name, text in expressions.items() if text}
    wire: dict[str, Any] = dict(given)
    if names := {name for text in given.values() for name in _NAME.findall(text)}:
        wire["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        wire["ExpressionAttributeValues"] = to_wire({f":{n}": v for n, v in values.items()})
    if "ConditionExpression" in wire:
        wire["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return wire

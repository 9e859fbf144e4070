"""Requests to a DynamoDB with one table, that the shop's own journeys leave out: the simulation
answers them as the reference engine does."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.storage.dynamodb import Item, to_wire

type Request = tuple[str, dict[str, Any]]

TABLE: Final = "Cases"
_NAME: Final = re.compile(r"#(\w+)")
_PROJECTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "everything": {"ProjectionType": "ALL"},
    "keys": {"ProjectionType": "KEYS_ONLY"},
    "some": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text", "number"]},
}


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


DEFINITION: Final[dict[str, Any]] = {
    "TableName": TABLE,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": type_}
        for name, type_ in (("pk", "S"), ("sk", "S"), ("group", "S"), ("rank", "N"))
    ],
    "KeySchema": _schema("pk", "sk"),
    "GlobalSecondaryIndexes": [
        {"IndexName": name, "KeySchema": _schema("group", "rank"), "Projection": projection}
        for name, projection in _PROJECTIONS.items()
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


def key(sk: str) -> dict[str, Any]:
    return to_wire({"pk": "case", "sk": sk})


def put(sk: str, condition: str = "", /, *, values: Item | None = None, **item: Any) -> Request:
    body = {"TableName": TABLE, "Item": key(sk) | to_wire(item)}
    return "PutItem", body | _expressions(values or {}, ConditionExpression=condition)


def update(sk: str, update: str, condition: str = "", /, **values: Any) -> Request:
    body = {"TableName": TABLE, "Key": key(sk), "ReturnValues": "ALL_NEW"}
    expressions = _expressions(values, UpdateExpression=update, ConditionExpression=condition)
    return "UpdateItem", body | expressions


def delete(sk: str, condition: str = "", /, **values: Any) -> Request:
    body = {"TableName": TABLE, "Key": key(sk)}
    return "DeleteItem", body | _expressions(values, ConditionExpression=condition)


def check(sk: str, condition: str, /, **values: Any) -> Request:
    return "ConditionCheck", delete(sk, condition, **values)[1]


def get(sk: str, only: str = "") -> Request:
    body = {"TableName": TABLE, "Key": key(sk)}
    return "GetItem", body | _expressions({}, ProjectionExpression=only)


def get_all(*sks: str) -> Request:
    return "BatchGetItem", {"RequestItems": {TABLE: {"Keys": [key(sk) for sk in sks]}}}


def query(
    condition: str, /, *, only: str = "", more: Mapping[str, Any] | None = None, **values: Any
) -> Request:
    expressions = _expressions(values, KeyConditionExpression=condition, FilterExpression=only)
    return "Query", {"TableName": TABLE, **expressions, **(more or {})}


def together(token: str, *requests: Request) -> Request:
    """One transaction."""
    parts = [
        {operation.removesuffix("Item"): {n: v for n, v in body.items() if n != "ReturnValues"}}
        for operation, body in requests
    ]
    return "TransactWriteItems", {"TransactItems": parts, "ClientRequestToken": token}


def _expressions(values: Item, **expressions: str) -> dict[str, Any]:
    body: dict[str, Any] = {name: text for name, text in expressions.items() if text}
    if names := {name for text in body.values() for name in _NAME.findall(text)}:
        body["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        body["ExpressionAttributeValues"] = to_wire({f":{n}": v for n, v in values.items()})
    if "ConditionExpression" in body:
        body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return body


_ITEM: Final[Item] = {
    "number": 9,
    "same": 9,
    "text": "mugs and cups",
    "list": ["one", 2],
    "map": {"a": True, "b": [1]},
    "nothing": None,
}
_CONDITIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("#number = :v", {"v": 9}),
    ("#number = :v", {"v": "9"}),
    ("#number <> :v", {"v": 9}),
    ("#number < :v", {"v": 10}),
    ("#number < :v", {"v": "a"}),
    ("#number >= :v", {"v": 9}),
    ("#number = #same", {}),
    ("#missing = :v", {"v": 9}),
    ("#missing <> :v", {"v": 9}),
    ("#missing < :v", {"v": 9}),
    ("#missing = #absent", {}),
    ("#missing <> #absent", {}),
    ("#text > :v", {"v": "Mug"}),
    ("#text BETWEEN :v AND :w", {"v": "mug", "w": "mugs and cups"}),
    ("#number BETWEEN :v AND :w", {"v": 8, "w": 10}),
    ("#number BETWEEN :v AND :w", {"v": 10, "w": 80}),
    ("#number = :v OR #number = :w AND #missing = :v", {"v": 9, "w": 8}),
    ("(#number = :v OR #number = :w) AND #missing = :v", {"v": 9, "w": 8}),
    ("NOT #number = :v AND #number = :w", {"v": 8, "w": 9}),
    ("attribute_exists(#text) AND attribute_not_exists(#missing)", {}),
    ("attribute_exists(#nothing)", {}),
    ("begins_with(#text, :v)", {"v": "mug"}),
    ("begins_with(#missing, :v)", {"v": "cup"}),
    ("contains(#text, :v)", {"v": "s a"}),
    ("contains(#list, :v)", {"v": "one"}),
    ("contains(#list, :v)", {"v": "on"}),
    ("#map = :v", {"v": {"b": [1], "a": True}}),
    ("#number = ", {}),
    ("#number = :v", {"v": 9, "unused": 1}),
)
_UPDATES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("SET #number = #number - :v, #same = #number + :v", {"v": 1}),
    ("SET #number = #same, #same = #number", {}),
    ("SET #number = if_not_exists(#number, :v)", {"v": 1}),
    ("SET #fresh = if_not_exists(#fresh, :v) + :w", {"v": 1, "w": 2}),
    ("SET #list = list_append(#list, :v)", {"v": ["three"]}),
    ("SET #new = list_append(if_not_exists(#new, :v), :w)", {"v": [], "w": ["first"]}),
    ("ADD #number :v, #counted :w", {"v": -4, "w": 3}),
    ("REMOVE #text, #missing", {}),
    ("SET #text = :v REMOVE #same ADD #number :w", {"v": "", "w": 1}),
    ("SET #number = #missing + :v", {"v": 1}),
    ("SET #number = #text + :v", {"v": 1}),
    ("SET #list = list_append(#missing, :v)", {"v": ["three"]}),
    ("ADD #text :v", {"v": 1}),
    ("SET #group = :v", {"v": 1}),
    ("SET #number = :v REMOVE #number", {"v": 1}),
    ("SET #number = :v SET #same = :v", {"v": 1}),
    ("SET #pk = :v", {"v": "other"}),
)


def _updates() -> Iterator[Request]:
    for number, (expression, values) in enumerate(_UPDATES):
        yield put(f"{number}", **_ITEM)
        yield update(f"{number}", expression, **values)


def _queries() -> Iterator[Request]:
    ranks = (2, 10, -1, 9, 100)
    for rank in ranks:
        yield put(f"{rank}", group="g", rank=rank, text=f"text {rank % 2}", number=rank, other=1)
    yield put("unranked", group="g", text="text 0")
    yield put("elsewhere", group="h", rank=3)
    starts = [key(f"{rank}") | to_wire({"group": "g", "rank": rank}) for rank in ranks]
    for index in _PROJECTIONS:
        for forward in (True, False):
            more: dict[str, Any] = {"IndexName": index, "ScanIndexForward": forward}
            yield query("#group = :g AND #rank > :r", more=more, g="g", r=2)
            yield query("#group = :g AND #rank BETWEEN :r AND :s", more=more, g="g", r=2, s=9)
            yield query("#group = :g", only="#text = :t", more=more, g="g", t="text 0")
            for limit in (1, 5, 6):
                for start in ({}, *({"ExclusiveStartKey": start} for start in starts)):
                    yield query("#group = :g", more={**more, **start, "Limit": limit}, g="g")
            page = {**more, "Limit": 3}
            yield query("#group = :g", only="#number > :n", more=page, g="g", n=5)
    for forward in (True, False):
        more = {"ScanIndexForward": forward}
        yield query("#pk = :pk AND begins_with(#sk, :start)", more=more, pk="case", start="1")
        yield query("#pk = :pk AND #sk < :end", more=more | {"Limit": 2}, pk="case", end="2")
    yield query("#pk = :pk", pk="missing")


_ADDING: Final = together("t-7", update("a", "ADD #number :v", v=1))
_CONDITIONAL: Final = together("t-8", update("a", "ADD #number :v", "#number = :w", v=1, w=2))
CASES: Final[Mapping[str, tuple[Request, ...]]] = {
    "conditions": (
        put("a", **_ITEM),
        *(update("a", "REMOVE #other", condition, **values) for condition, values in _CONDITIONS),
    ),
    "updates": (*_updates(),),
    "missing items": (
        update("set", "SET #number = :v", v=1),
        update("added", "ADD #number :v", v=1),
        update("copied", "SET #number = #other"),
        update("refused", "SET #number = :v", "attribute_exists(#pk)", v=1),
        *(get(sk) for sk in ("set", "added", "copied", "refused")),
    ),
    "puts and deletes": (
        put("a", number=1, text="old"),
        get("a", "#pk, #text"),
        put("a", number=2),
        get("a"),
        put("a", "attribute_not_exists(#pk)", number=3),
        put("a", "#number = :seen", number=3, values={"seen": 2}),
        put("b", "attribute_exists(#pk)", number=3),
        delete("a", "#number = :seen", seen=2),
        delete("a", "#number = :seen", seen=3),
        delete("a", "attribute_exists(#pk)"),
        get("a"),
        put(""),
        put("c", group=""),
        put("d", group=7),
        put("e", rank="high"),
    ),
    "batches": (
        put("a", number=1),
        put("b", number=2),
        get_all("b", "a", "c"),
        get_all("a", "a"),
        ("Scan", {"TableName": TABLE}),
        ("GetItem", {"TableName": "NoTable", "Key": key("a")}),
    ),
    "queries": (*_queries(),),
    "transactions": (
        put("a", number=5),
        together("t-1", put("b", number=1), update("a", "ADD #number :v", v=1)),
        together(
            "t-2",
            put("c", number=1),
            put("a", "attribute_not_exists(#pk)", number=0),
            update("d", "SET #number = :v", "attribute_exists(#pk)", v=1),
            check("b", "#number = :v", v=1),
        ),
        together("t-3", check("b", "#number = :v", v=2), delete("a")),
        together("t-4", put("a", number=1), delete("a")),
        together("t-5", put("c", number=1), update("a", "SET #text = #missing")),
        together("t-6", delete("a"), delete("missing"), check("b", "#number = :v", v=1)),
        ("Scan", {"TableName": TABLE}),
    ),
    "tokens": (
        _ADDING,
        _ADDING,
        together("t-7", update("a", "ADD #number :v", v=2)),
        _CONDITIONAL,
        update("a", "SET #number = :v", v=2),
        _CONDITIONAL,
        _CONDITIONAL,
        get("a"),
    ),
}

"""The simulated DynamoDB answers as dynoxide does, which is tested against AWS itself."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, product
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.storage.dynamodb import (
    Check,
    ConditionFailed,
    Delete,
    Item,
    Operation,
    Put,
    Table,
    TransactionFailed,
    Update,
    to_wire,
)
from shared.storage.expressions import expressions
from tests.simulation import engine
from tests.simulation.comparison import Client, compared
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.fixtures import opened_shop, shop
from tests.simulation.journeys import PLAYS
from tests.simulation.shop import SimulatedShop
from tests.support.books import TABLES
from tools.template import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["opened_shop", "shop"]

needs_engine = pytest.mark.skipif(
    engine.reason_to_skip() is not None, reason=engine.reason_to_skip() or ""
)

# --- a table with one index of each kind ---

_PROJECTIONS: Final[dict[str, dict[str, Any]]] = {
    "everything": {"ProjectionType": "ALL"},
    "keys": {"ProjectionType": "KEYS_ONLY"},
    "some": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text", "n"]},
}


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


CASES: Final[dict[str, Any]] = {
    "TableName": "Cases",
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

# --- random requests ---

_KEYS: Final = ("a", "b", "c")
_VALUES: Final[Item] = {
    "v": 9, "w": -3, "t": "mug", "u": "mugs and cups", "l": ["one", 2], "pk": "case", "b": "b",
}  # fmt: skip
_CONDITIONS: Final = (
    *(f"#n {operator} :v" for operator in ("=", "<>", "<", "<=", ">", ">=")),
    "#n = :t",
    "#n < :t",
    "#n = #m",
    "#n <> #m",
    "#text > :t",
    "#n BETWEEN :w AND :v",
    "#text BETWEEN :t AND :u",
    "begins_with(#text, :t)",
    "contains(#text, :t)",
    "#list = :l",
    *(f"attribute{which}exists(#{name})" for which in ("_", "_not_") for name in ("n", "map")),
)
# By the attribute that they change: none may be changed twice.
_SETS: Final = {
    "n": ("#n = :v", "#n = #m", "#n = #n + :w", "#n = #m - :v"),
    "m": ("#m = :w", "#m = if_not_exists(#n, :v)", "#m = if_not_exists(#m, :v) + :w"),
    "text": ("#text = :t", "#text = if_not_exists(#text, :u)", "#text = #missing"),
    "list": ("#list = :l", "#list = list_append(#list, :l)"),
    "group": ("#group = :t", "#group = :u"),
    "rank": ("#rank = :v", "#rank = :w"),
}
_KEY_CONDITIONS: Final = {
    "table": ("#pk = :pk", "#pk = :pk AND begins_with(#sk, :b)", "#pk = :pk AND #sk < :b"),
    "index": (
        "#group = :t",
        "#group = :t AND #rank > :w",
        "#group = :u AND #rank BETWEEN :w AND :v",
    ),
}

type Step = Callable[[Table], object]

conditions = st.recursive(
    st.sampled_from(_CONDITIONS),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=4,
)
items = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-5, 12),
        "m": st.integers(-5, 12),
        "text": st.sampled_from(["", "mug", "mugs and cups", "cup"]),
        "list": st.just(["zero"]),
        "map": st.just({"a": True, "b": [1], "c": None}),
        "group": st.sampled_from(["mug", "mugs and cups"]),
        "rank": st.integers(-5, 12),
    },
)


def _key(sk: str) -> Item:
    return {"pk": "case", "sk": sk}


def _stock(table: Table) -> None:
    """Two items that have every attribute, and one that has none."""
    shared = {"list": ["one", 2], "map": {"a": True, "b": [1], "c": None}, "group": "mug"}
    table.put(_key("a") | shared | {"n": 9, "m": 9, "text": "mugs and cups", "rank": 9})
    table.put(_key("b") | shared | {"n": -5, "m": 12, "text": "mug", "rank": 10})
    table.put(_key("c"))


def _used(*texts: str | None) -> Item:
    """The values that expressions name."""
    named = {name for text in texts for name in re.findall(r":(\w+)", text or "")}
    return {name: _VALUES[name] for name in named}


@st.composite
def updates(draw: st.DrawFn) -> str:
    # An update that only removes attributes creates an item in the engine, and none in AWS.
    clauses: dict[str, list[str]] = {"SET": ["#other = :v"], "REMOVE": [], "ADD": []}
    for name in draw(st.lists(st.sampled_from(sorted(_SETS)), unique=True)):
        adds = ["ADD"] if name in ("n", "m", "rank") else []
        clause = draw(st.sampled_from(["SET", "SET", "REMOVE", *adds]))
        changes = {"SET": _SETS[name], "REMOVE": (f"#{name}",), "ADD": (f"#{name} :v",)}
        clauses[clause].append(draw(st.sampled_from(changes[clause])))
    return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)


@st.composite
def operations(draw: st.DrawFn, sk: str) -> Operation:
    condition = draw(conditions)
    maybe = draw(st.sampled_from([None, None, None, condition]))
    update = draw(updates())
    choices: tuple[Operation, ...] = (
        Put(_key(sk) | draw(items), maybe, _used(maybe)),
        Update(_key(sk), update, maybe, _used(update, maybe)),
        Delete(_key(sk), maybe, _used(maybe)),
        Check(_key(sk), condition, _used(condition)),
    )
    return draw(st.sampled_from(choices))


def _write(operation: Operation) -> Step:
    match operation:
        case Put(item, condition, values):
            return lambda table: table.put(item, condition=condition, values=values)
        case Update(key, update, condition, values):
            return lambda table: table.update(key, update, condition=condition, values=values)
        case Delete(key, condition, values):
            return lambda table: table.delete(key, condition=condition, values=values)
    return lambda table: table.get(operation.key, only=["n", "text"])


def _transaction(operations: tuple[Operation, ...]) -> Step:
    return lambda table: table.transact(operations)


def _query(index: str | None, condition: str, shown: str | None, **options: Any) -> Step:
    def query(table: Table) -> None:
        start = None
        for _ in range(3):
            values = _used(condition, shown)
            page = table.query(condition, values, index=index, filter=shown, start=start, **options)
            if (start := page.last_key) is None:
                return

    return query


@st.composite
def queries(draw: st.DrawFn) -> Step:
    index = draw(st.none() | st.sampled_from(sorted(_PROJECTIONS)))
    return _query(
        index,
        draw(st.sampled_from(_KEY_CONDITIONS["index" if index else "table"])),
        draw(st.none() | conditions),
        limit=draw(st.none() | st.integers(1, 3)),
        forward=draw(st.booleans()),
    )


steps = st.lists(
    st.sampled_from(_KEYS).flatmap(operations).map(_write)
    | st.tuples(*map(operations, _KEYS)).map(_transaction)
    | st.just(lambda table: table.get_many([_key(sk) for sk in _KEYS]))
    | queries(),
    min_size=3,
    max_size=12,
)

# --- the comparison ---


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    with engine.started(tmp_path_factory.mktemp("dynoxide") / "log") as client:
        yield client


@pytest.fixture
def reference(server: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    definitions: list[Any] = [CASES, *map(table_definition, TABLES)]
    for definition in definitions:
        server.create_table(**definition)
    yield server
    for definition in definitions:
        server.delete_table(TableName=definition["TableName"])


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb(clock: Clock) -> DynamoDB:
    dynamodb = DynamoDB(clock)
    dynamodb.create(CASES)
    return dynamodb


@pytest.fixture
def table(dynamodb: DynamoDB) -> Table:
    client: Any = Client(dynamodb)
    return Table("Cases", client)


@needs_engine
@pytest.mark.parametrize("name", PLAYS)
def test_requests_of_the_shop_are_answered_as_by_the_engine(
    shop: SimulatedShop, reference: "DynamoDBClient", name: str
) -> None:
    with compared(shop.cloud.dynamodb, reference) as differing:
        PLAYS[name](shop)
        shop.come_to_rest()
    assert differing == []


@needs_engine
def test_every_form_of_an_expression_is_answered_as_by_the_engine(
    dynamodb: DynamoDB, table: Table, reference: "DynamoDBClient"
) -> None:
    with compared(dynamodb, reference) as differing:
        for condition, sk in product(_CONDITIONS, _KEYS):
            _stock(table)
            with suppress(ConditionFailed):
                table.delete(_key(sk), condition=condition, values=_used(condition))
        for update, sk in product(chain(*_SETS.values()), _KEYS):
            _stock(table)
            with suppress(ClientError):
                table.update(_key(sk), f"SET {update}", values=_used(update))
        _stock(table)
        for index, limit, forward in product((None, *_PROJECTIONS), (None, 1, 2), (True, False)):
            for condition in _KEY_CONDITIONS["index" if index else "table"]:
                for shown in (None, "#n > :w", "#m > :w"):
                    _query(index, condition, shown, limit=limit, forward=forward)(table)
    assert differing == []


@needs_engine
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_random_requests_are_answered_as_by_the_engine(
    dynamodb: DynamoDB, table: Table, reference: "DynamoDBClient", steps: Sequence[Step]
) -> None:
    with compared(dynamodb, reference) as differing:
        _stock(table)
        for step in steps:
            with suppress(ConditionFailed, TransactionFailed, ClientError):
                step(table)
    assert differing == []


def add(table: Table, by: int, token: str, condition: str | None = None) -> None:
    """Add to the number of an item, in a transaction."""
    texts = {"UpdateExpression": "ADD #n :v", "ConditionExpression": condition}
    target: Any = {"TableName": "Cases", "Key": to_wire(_key("a"))}
    items: Any = [{"Update": target | expressions({"v": by}, **texts)}]
    with suppress(ClientError):
        table.client.transact_write_items(TransactItems=items, ClientRequestToken=token)


@needs_engine
def test_tokens_and_invalid_keys_are_answered_as_by_the_engine(
    dynamodb: DynamoDB, table: Table, reference: "DynamoDBClient"
) -> None:
    with compared(dynamodb, reference) as differing:
        for by in (1, 1, 2):
            add(table, by, "token")
        add(table, 1, "of a refused one", "attribute_exists(#text)")
        table.update(_key("a"), "SET #text = :t", values={"t": "mug"})
        for _ in range(2):
            add(table, 1, "of a refused one", "attribute_exists(#text)")
        for keys in ([_key("")], [_key("a")] * 2, [_key("a" * 1025)], [_key("a"), _key("b")]):
            with suppress(ClientError):
                table.get_many(keys)
        with suppress(ClientError):
            table.transact([Put(_key("a")), Delete(_key("a"))])
    assert differing == []


def test_update_that_only_removes_attributes_creates_no_item(
    dynamodb: DynamoDB, table: Table
) -> None:
    """API reference, AttributeValueUpdate, DELETE. The engine creates one."""
    table.update(_key("a"), "REMOVE #n")
    assert table.get(_key("a")) is None
    assert dynamodb.tables["Cases"].stream == []


def test_stream_has_a_record_for_each_write_that_changes_an_item(
    dynamodb: DynamoDB, table: Table
) -> None:
    for number in (1, 1, 2, 2):
        table.put(_key("a") | {"n": number})
    table.transact([Update(_key("a"), "ADD #n :v", values={"v": 1}), Put(_key("b"))])
    with suppress(ConditionFailed):
        table.delete(_key("a"), condition="attribute_exists(#text)")
    records = dynamodb.tables["Cases"].stream
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "INSERT"]
    images = [record["dynamodb"].get("OldImage", {}).get("n") for record in records]
    assert images == [None, {"N": "1"}, {"N": "2"}, None]


def test_token_is_known_for_ten_minutes(table: Table, clock: Clock) -> None:
    for clock.now, total in ((0, 1), (599, 1), (600, 2)):
        add(table, 1, "token")
        assert table.get(_key("a")) == _key("a") | {"n": total}


def test_index_lags_behind_its_table_until_it_catches_up(
    dynamodb: DynamoDB, table: Table, clock: Clock
) -> None:
    def listed() -> int:
        return len(table.query("#group = :g", {"g": "g"}, index="everything").items)

    table.put(_key("a") | {"group": "g", "rank": 1})
    dynamodb.let_indexes_fall_behind()
    clock.now += 1
    table.put(_key("b") | {"group": "g", "rank": 2})
    assert (listed(), table.get(_key("b")) is None) == (1, False)
    dynamodb.let_indexes_catch_up()
    assert listed() == 2

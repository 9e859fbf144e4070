"""The simulated DynamoDB answers as dynoxide does, which is tested against AWS itself."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

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
    expressions,
    to_wire,
)
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

_KEYS: Final = ("a", "b", "c")
_VALUES: Final[Item] = {
    "v": 9, "w": -3, "t": "mug", "u": "mugs and cups", "l": ["one", 2], "a": "a", "b": "b",
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
    "#n = :v OR #n = :w AND #text = :u",
    "(#n = :v OR #n = :w) AND #text = :t",
)
_UPDATES: Final = (
    "SET #n = :v",
    "SET #n = #m, #m = #n",
    "SET #n = #n + :w, #m = #n - :v",
    "SET #m = if_not_exists(#m, :v) + :w",
    "SET #text = #missing",
    "SET #list = list_append(#list, :l)",
    "SET #text = :t REMOVE #list, #missing ADD #n :v",
    "ADD #n :w",
    "ADD #text :v",
)
# Indexes of each projection, and their keys.
_INDEXES: Final = (
    ("OrdersTable", None, "pk", "sk"),
    ("OrdersTable", "by-user", "user_id", "placed"),
    ("UsersTable", "by-creation", "listing", "created_at"),
    ("UsersTable", "unsent", "unsent", "at"),
)
_RANGES: Final = ("", " AND begins_with(#{}, :b)", " AND #{} BETWEEN :a AND :b", " AND #{} > :a")


def _key(sk: str) -> Item:
    return {"pk": "case", "sk": sk}


_TRANSACTIONS: Final[tuple[tuple[Operation, ...], ...]] = (
    (Put(_key("d")), Update(_key("a"), "ADD #n :v", values={"v": 1}), Delete(_key("b"))),
    (Put(_key("a"), "attribute_not_exists(#pk)"), Delete(_key("b")), Delete(_key("missing"))),
    (Check(_key("a"), "#n = :v", {"v": 9}), Delete(_key("c"), "attribute_exists(#pk)")),
    (Check(_key("a"), "#n = :v", {"v": 8}), Delete(_key("c"), "attribute_exists(#missing)")),
    (Update(_key("a"), "SET #n = #missing"), Put(_key("b"))),
    (Put(_key("a")), Delete(_key("a"))),
)


def _used(*texts: str) -> Item:
    """The values that expressions name."""
    named = {name for text in texts for name in re.findall(r":(\w+)", text)}
    return {name: _VALUES[name] for name in named}


def _stock(table: Table) -> None:
    """Two items that have every attribute, and one that has none."""
    shared = {"list": ["one", 2], "map": {"a": True, "b": [1], "c": None}}
    table.put(_key("a") | shared | {"n": 9, "m": 9, "text": "mugs and cups"})
    table.put(_key("b") | shared | {"n": -5, "m": 12, "text": "mug"})
    table.put(_key("c"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    with engine.started(tmp_path_factory.mktemp("dynoxide") / "log") as client:
        yield client


@pytest.fixture
def reference(server: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    definitions: list[Any] = [table_definition(name) for name in TABLES]
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
    for name in TABLES:
        dynamodb.create(table_definition(name))
    return dynamodb


@pytest.fixture
def table(dynamodb: DynamoDB) -> Table:
    client: Any = Client(dynamodb)
    return Table("OrdersTable", client)


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
def test_conditions_and_updates_are_answered_as_by_the_engine(
    dynamodb: DynamoDB, table: Table, reference: "DynamoDBClient"
) -> None:
    with compared(dynamodb, reference) as differing:
        for sk in _KEYS:
            for condition in _CONDITIONS:
                _stock(table)
                with suppress(ConditionFailed):
                    table.delete(_key(sk), condition=condition, values=_used(condition))
            for update in _UPDATES:
                _stock(table)
                with suppress(ClientError):
                    table.update(_key(sk), update, values=_used(update))
        table.get_many([_key("a"), _key("missing")])
        table.get(_key("a"), only=["n", "text"])
    assert differing == []


@needs_engine
def test_transactions_are_answered_as_by_the_engine(
    dynamodb: DynamoDB, table: Table, reference: "DynamoDBClient"
) -> None:
    with compared(dynamodb, reference) as differing:
        for operations in _TRANSACTIONS:
            _stock(table)
            with suppress(TransactionFailed, ClientError):
                table.transact(operations)
            table.get_many([_key(sk) for sk in (*_KEYS, "d")], consistent=True)
    assert differing == []


@needs_engine
@pytest.mark.parametrize("source", _INDEXES)
def test_queries_are_answered_as_by_the_engine(
    dynamodb: DynamoDB,
    table: Table,
    reference: "DynamoDBClient",
    source: tuple[str, str | None, str, str],
) -> None:
    table.name, index, hash_, range_ = source
    with compared(dynamodb, reference) as differing:
        for number, (sk, place) in enumerate([("1", "b"), ("2", "a"), ("3", "b2"), ("4", "b")]):
            table.put({"pk": "hash", "sk": sk, "n": number, hash_: "hash", range_: place})
        table.put(_key("in no index"))
        for named, shown, limit, forward in product(
            _RANGES, (None, "#n > :v"), (None, 1, 2), (True, False)
        ):
            condition, start = f"#{hash_} = :hash{named.format(range_)}", None
            values = _used(named) | {"hash": "hash"} | ({"v": 1} if shown else {})
            for _ in range(3):
                page = table.query(
                    condition,
                    values,
                    index=index,
                    filter=shown,
                    limit=limit,
                    start=start,
                    forward=forward,
                )
                if (start := page.last) is None:
                    break
    assert differing == []


def add(table: Table, by: int, token: str, condition: str | None = None) -> None:
    """Add to the number of an item, in a transaction."""
    texts = {"UpdateExpression": "ADD #n :v", "ConditionExpression": condition}
    target: Any = {"TableName": "OrdersTable", "Key": to_wire(_key("a"))}
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

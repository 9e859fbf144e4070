"""The simulated DynamoDB answers as dynoxide does, which is tested against AWS itself."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from shared.storage.dynamodb import Item, from_wire
from tests.simulation import engine
from tests.simulation.cases import (
    CASES,
    DEFINITION,
    TABLE,
    Request,
    get,
    put,
    query,
    together,
    update,
)
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.journal import Journal, journal_of
from tests.simulation.journeys import NAMES, journals
from tests.simulation.refusals import Refused
from tests.support.books import TABLES
from tools.template import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

needs_engine = pytest.mark.skipif(
    engine.reason_to_skip() is not None, reason=engine.reason_to_skip() or ""
)


class Minutes:
    """The time of the simulated DynamoDB."""

    now = 0.0

    def __call__(self) -> float:
        return self.now * 60


@pytest.fixture(scope="module")
def recorded() -> dict[str, Journal]:
    return journals()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DynamoDBClient"]:
    with engine.started(tmp_path_factory.mktemp("dynoxide") / "log") as client:
        yield client


@pytest.fixture
def reference(server: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    definitions: list[Any] = [DEFINITION, *map(table_definition, TABLES)]
    for definition in definitions:
        server.create_table(**definition)
    yield server
    for definition in definitions:
        server.delete_table(TableName=definition["TableName"])


@pytest.fixture
def minutes() -> Minutes:
    return Minutes()


@pytest.fixture
def dynamodb(minutes: Minutes) -> DynamoDB:
    dynamodb = DynamoDB(minutes)
    dynamodb.create(DEFINITION)
    return dynamodb


def ask(dynamodb: DynamoDB, *requests: Request) -> None:
    for operation, body in requests:
        dynamodb.answer(operation, body)


def found(dynamodb: DynamoDB, sk: str) -> Item | None:
    item = dynamodb.answer(*get(sk)).get("Item")
    return from_wire(item) if item else None


@needs_engine
@pytest.mark.parametrize("name", NAMES)
def test_requests_of_the_shop_are_answered_as_by_the_engine(
    recorded: dict[str, Journal], reference: "DynamoDBClient", name: str
) -> None:
    assert recorded[name].replay(reference) == []


@needs_engine
@pytest.mark.parametrize("name", CASES)
def test_other_requests_are_answered_as_by_the_engine(
    dynamodb: DynamoDB, reference: "DynamoDBClient", name: str
) -> None:
    with journal_of(dynamodb) as journal:
        for request in CASES[name]:
            with suppress(Refused):
                ask(dynamodb, request)
    assert journal.replay(reference) == []


def test_an_update_that_only_removes_attributes_creates_no_item(dynamodb: DynamoDB) -> None:
    """API reference, AttributeValueUpdate, DELETE. The engine creates one."""
    ask(dynamodb, update("a", "REMOVE #number"))
    assert found(dynamodb, "a") is None
    assert dynamodb.tables[TABLE].stream == []


def test_a_stream_has_a_record_for_each_write_that_changes_an_item(dynamodb: DynamoDB) -> None:
    changing = update("a", "SET #number = :v", v=2)
    ask(dynamodb, put("a", number=1), put("a", number=1), changing, changing)
    ask(dynamodb, together("t", update("a", "ADD #number :v", v=1), put("b")))
    with suppress(Refused):
        ask(dynamodb, update("a", "SET #number = :v", "#number = :w", v=4, w=9))
    records = dynamodb.tables[TABLE].stream
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "INSERT"]
    images = [record["dynamodb"].get("OldImage", {}).get("number") for record in records]
    assert images == [None, {"N": "1"}, {"N": "2"}, None]


def test_a_token_is_known_for_ten_minutes(dynamodb: DynamoDB, minutes: Minutes) -> None:
    adding = together("token", update("a", "ADD #number :v", v=1))
    ask(dynamodb, adding, adding)
    minutes.now = 9.9
    ask(dynamodb, adding)
    assert found(dynamodb, "a") == {"pk": "case", "sk": "a", "number": 1}
    minutes.now = 10
    ask(dynamodb, adding)
    assert found(dynamodb, "a") == {"pk": "case", "sk": "a", "number": 2}


def test_an_index_may_lag_behind_its_table(dynamodb: DynamoDB) -> None:
    listed = query("#group = :g", more={"IndexName": "everything"}, g="g")
    ask(dynamodb, put("a", group="g", rank=1))
    dynamodb.let_indexes_fall_behind()
    ask(dynamodb, put("b", group="g", rank=2))
    assert dynamodb.answer(*listed)["Count"] == 1
    assert found(dynamodb, "b") is not None
    dynamodb.let_indexes_catch_up()
    assert dynamodb.answer(*listed)["Count"] == 2

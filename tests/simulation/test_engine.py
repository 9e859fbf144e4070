"""The simulated DynamoDB answers as dynoxide does, and dynoxide refuses what AWS is documented to refuse."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation import engine
from tests.simulation.cases import CASES, asked, unlike
from tests.simulation.journal import Journal, Other
from tests.simulation.journeys import NAMES, journals
from tests.simulation.refused import REFUSED, asking, refuses
from tests.simulation.requests import DEFINITION
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


@pytest.mark.parametrize("what", REFUSED)
def test_the_engine_refuses_what_aws_refuses(dynamodb: "DynamoDBClient", what: str) -> None:
    assert refuses(asking(dynamodb), REFUSED[what])

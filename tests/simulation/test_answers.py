"""The simulated DynamoDB answers as others do: all that the shop asks on its journeys, and what it may ask one day.

moto is asked here, dynoxide in test_engine.py, the emulator in tests/stack. What all of them do otherwise than AWS stands here by itself.
"""

import pytest
from boto3.session import Session
from botocore.config import Config

from shared.runtime import aws
from shared.storage.dynamodb import Item, from_wire
from tests.simulation.cases import CASES, asked, unlike
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.journal import Journal, Other
from tests.simulation.journeys import NAMES, journals
from tests.simulation.refusals import Refused
from tests.simulation.refused import REFUSED, UNLIKE, asking, refuses
from tests.simulation.requests import DEFINITION, TABLE, Request, get, put, query, together, update
from tests.support.aws import make_table, mocked_account
from tests.support.books import TABLES


class Minutes:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now * 60


@pytest.fixture(scope="module")
def kept() -> dict[str, Journal]:
    return journals()


@pytest.fixture
def minutes() -> Minutes:
    return Minutes()


@pytest.fixture
def dynamodb(minutes: Minutes) -> DynamoDB:
    dynamodb = DynamoDB(minutes)
    dynamodb.create(DEFINITION)
    return dynamodb


def ask(dynamodb: DynamoDB, *requests: Request) -> None:
    for request in requests:
        dynamodb.answer(request.operation, request.body)


def found(dynamodb: DynamoDB, sk: str) -> Item | None:
    item = dynamodb.answer(get(sk).operation, get(sk).body).get("Item")
    return from_wire(item) if item else None


def moto() -> Other:
    return Other(aws.client("dynamodb"), keeps_tokens=False, looks_ahead=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_shop_asks_is_answered_as_moto_does(kept: dict[str, Journal], name: str) -> None:
    with mocked_account():
        for table in TABLES:
            make_table(table)
        assert kept[name].replay(moto()) == []


@pytest.mark.parametrize("name", CASES)
def test_what_it_may_ask_one_day_is_answered_as_moto_does(name: str) -> None:
    _, journal = asked(name)
    with mocked_account():
        aws.client("dynamodb").create_table(**DEFINITION)
        assert journal.replay(moto(), unlike=unlike(name, "moto")) == []


def test_moto_refuses_what_aws_refuses_but_for_what_is_known() -> None:
    session = Session("test", "test", region_name="eu-west-1")
    with mocked_account():
        client = session.client("dynamodb", config=Config(parameter_validation=False))
        client.create_table(**DEFINITION)
        accepted = {
            what for what, request in REFUSED.items() if not refuses(asking(client), request)
        }
    assert accepted == UNLIKE["moto"]


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses_what_aws_refuses_but_for_what_is_known(dynamodb: DynamoDB, what: str) -> None:
    def asked_here(request: Request) -> object:
        return dynamodb.answer(request.operation, request.body)

    assert refuses(asked_here, REFUSED[what]) is (what not in UNLIKE["simulation"])


def test_what_is_not_there_equals_nothing(dynamodb: DynamoDB) -> None:
    ask(dynamodb, put("a"), update("a", "SET #seen = :v", "#missing <> #absent", v=1))
    with pytest.raises(Refused, match="ConditionalCheckFailed"):
        ask(dynamodb, update("a", "SET #seen = :v", "#missing = #absent", v=2))


def test_an_update_that_only_takes_away_makes_no_item(dynamodb: DynamoDB) -> None:
    ask(dynamodb, update("a", "REMOVE #number"))
    assert found(dynamodb, "a") is None
    assert dynamodb.tables[TABLE].stream == []


def test_a_token_is_known_for_ten_minutes(dynamodb: DynamoDB, minutes: Minutes) -> None:
    adding = together("token", update("a", "ADD #number :v", v=1))
    minutes.now = 1
    ask(dynamodb, adding, adding)
    minutes.now = 10.9
    ask(dynamodb, adding)
    assert found(dynamodb, "a") == {"pk": "case", "sk": "a", "number": 1}
    minutes.now = 11
    ask(dynamodb, adding)
    assert found(dynamodb, "a") == {"pk": "case", "sk": "a", "number": 2}


def test_an_index_may_be_behind_its_table(dynamodb: DynamoDB) -> None:
    listed = query("#group = :g", more={"IndexName": "whole"}, g="g")

    def count() -> int:
        return int(dynamodb.answer(listed.operation, listed.body)["Count"])

    ask(dynamodb, put("a", group="g", rank=1))
    dynamodb.let_indexes_fall_behind()
    ask(dynamodb, put("b", group="g", rank=2))
    assert (count(), found(dynamodb, "b") is not None) == (1, True)
    dynamodb.let_indexes_catch_up()
    assert count() == 2

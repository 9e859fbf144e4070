"""The simulated DynamoDB answers as the emulator's does."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config

from tests.simulation.cases import CASES, CHANGES, asked, unlike
from tests.simulation.journal import Journal, Other
from tests.simulation.journeys import NAMES, journals
from tests.simulation.refused import REFUSED, UNLIKE, asking, refuses
from tests.simulation.requests import DEFINITION, TABLE
from tests.support.books import TABLES
from tests.support.cloud import Cloud
from tools.local import stack
from tools.template import table_definition


@pytest.fixture(scope="module")
def kept() -> dict[str, Journal]:
    return journals()


@pytest.fixture
def dynamodb(cloud: Cloud) -> Iterator[Any]:
    """With tables of its own. Those of the deployed shop have longer names."""
    client = cloud.client("dynamodb")
    definitions = [DEFINITION, *map(table_definition, TABLES)]
    try:
        for definition in definitions:
            client.create_table(**definition)
        yield client
    finally:
        for definition in definitions:
            client.delete_table(TableName=definition["TableName"])


@pytest.mark.parametrize("name", NAMES)
def test_what_the_shop_asks_is_answered_as_the_emulator_does(
    kept: dict[str, Journal], dynamodb: Any, name: str
) -> None:
    assert kept[name].replay(Other(dynamodb)) == []


@pytest.mark.parametrize("name", [name for name in CASES if name != CHANGES])
def test_what_it_may_ask_one_day_is_answered_as_the_emulator_does(dynamodb: Any, name: str) -> None:
    _, journal = asked(name)
    assert journal.replay(Other(dynamodb), unlike=unlike(name, "emulator")) == []


@pytest.mark.parametrize("what", REFUSED)
def test_the_emulator_refuses_what_aws_refuses_but_for_what_is_known(
    cloud: Cloud, dynamodb: Any, what: str
) -> None:
    client = stack.session().client(
        "dynamodb",
        endpoint_url=cloud.shop.endpoint,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    assert refuses(asking(client), REFUSED[what]) is (what not in UNLIKE["emulator"])


def test_streams_tell_what_the_emulator_s_tell(cloud: Cloud, dynamodb: Any) -> None:
    simulated, journal = asked(CHANGES)
    assert journal.replay(Other(dynamodb)) == []
    records = _records(cloud.client("dynamodbstreams"), dynamodb)
    assert list(map(_told, records)) == list(map(_told, simulated.tables[TABLE].stream))


def _records(streams: Any, dynamodb: Any) -> list[Any]:
    stream = dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records: list[Any] = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    return records


def _told(record: Any) -> tuple[Any, ...]:
    change = record["dynamodb"]
    images = change.get("OldImage"), change.get("NewImage")
    return record["eventName"], change["Keys"], *images

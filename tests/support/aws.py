"""The template's tables in a mocked account (moto), for functions that make their own clients, and
in the simulated DynamoDB. One thread only: moto has no real transactions."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from moto import mock_aws

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.simulation.cloud import Cloud
from tests.simulation.comparison import Client
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.wire import Wire
from tools.template import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def pretend_credentials() -> None:
    """What an AWS client asks for before it is made."""
    os.environ.update(_ENVIRONMENT)


@contextmanager
def mocked_account() -> Iterator[None]:
    """An empty account; nothing leaves the process."""
    pretend_credentials()
    # The session stays from test to test, for it takes longer to make than most tests: moto hooks
    # into all that were made since its import.
    with mock_aws():
        yield


def make_table(logical_id: str) -> Table:
    """The template's table, empty."""
    client = aws.client("dynamodb")
    client.create_table(**table_definition(logical_id))
    return Table(logical_id, client)


def simulated_table(logical_id: str) -> Table:
    """The template's table in the simulated DynamoDB, empty: as quick as a fake of a repository."""
    [table] = simulated_tables(logical_id)
    return table


def simulated_tables(*logical_ids: str) -> list[Table]:
    """Several tables of one simulated DynamoDB."""
    dynamodb = DynamoDB(time.monotonic)
    client = cast("DynamoDBClient", Client(dynamodb))
    for logical_id in logical_ids:
        dynamodb.create(table_definition(logical_id))
    return [Table(logical_id, client) for logical_id in logical_ids]


def wired_table(logical_id: str) -> Table:
    """The same through botocore, which checks requests and responses: for tests of repositories."""
    [table] = wired_tables(logical_id)
    return table


def wired_tables(*logical_ids: str) -> list[Table]:
    """Several tables of one account, in the same way."""
    pretend_credentials()
    cloud = Cloud(time.monotonic, invoke=lambda _name, _payload: (b"", None))
    for logical_id in logical_ids:
        cloud.dynamodb.create(table_definition(logical_id))
    with Wire(cloud, time.sleep).tapped(aws._session().events):
        client = aws.client("dynamodb")
    return [Table(logical_id, client) for logical_id in logical_ids]


def before_next(table: Table, method: str, *actions: Callable[[], object]) -> None:
    """Act before the next calls of a method of the table's client, once for each action: what a
    concurrent request does. The actions' own calls do not count."""
    client, waiting = table.client, list(actions)
    call = getattr(client, method)

    def act_and_call(**request: Any) -> Any:
        delattr(client, method)
        waiting.pop(0)()
        if waiting:
            setattr(client, method, act_and_call)
        return call(**request)

    setattr(client, method, act_and_call)

"""A mocked account with the template's tables in it (moto). One thread only: moto has no real
transactions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tools.template import table_definition

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

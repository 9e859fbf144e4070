"""The environment that a service's entries are given, on a mocked account."""

from typing import Final

import pytest

from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.support.aws import make_table

ISSUER: Final = "https://tests.example"


def given_environment(monkeypatch: pytest.MonkeyPatch, table: str, **own: str) -> Table:
    """Make the tables, the key and the topic, and set the variables that name them; return the
    table.

    Args:
        table: the table's name in the template.
        own: the variables that only this service's functions read, beside those of every API and
            outbox.
    """
    kms = aws.client("kms")
    token_key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    make_table("KeysTable")
    topic = aws.client("sns").create_topic(Name="events")
    variables = {
        "TABLE_NAME": table,
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_KEY_ID": token_key["KeyMetadata"]["KeyId"],
        "KEYS_TABLE": "KeysTable",
        "CORS_ORIGINS": "",
        "TOPIC_ARN": topic["TopicArn"],
        "SHARDS": "1",
        **own,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return make_table(table)

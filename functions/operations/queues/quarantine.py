"""Events that relays could not publish, and marked with a reason."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MARK: Final = "quarantine"  # as in shared.messaging.outbox


class QuarantinedEvents:
    """Counts them. The function may count and read nothing of them: events have personal data.

    Args:
        tables: the names of tables with events, by service.
    """

    def __init__(self, dynamodb: "DynamoDBClient", tables: Mapping[str, str]) -> None:
        self._dynamodb = dynamodb
        self._tables = tables

    def counts(self) -> dict[str, int]:
        """The number of quarantined events of each service; of a megabyte of them at most."""
        return {service: self._count(table) for service, table in self._tables.items()}

    def _count(self, table: str) -> int:
        answer = self._dynamodb.query(
            TableName=table,
            IndexName="unsent",
            Select="COUNT",
            KeyConditionExpression="#unsent = :mark",
            ExpressionAttributeNames={"#unsent": "unsent"},
            ExpressionAttributeValues={":mark": {"S": _MARK}},
        )
        return answer["Count"]

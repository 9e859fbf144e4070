"""Events that a service's relay could not publish: they stay in the service's table, marked, with the reason."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer

from tools.dlq.queues import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

# As in shared.messaging.outbox: tools do not import what runs on Lambda.
_INDEX: Final = "unsent"
_QUARANTINE: Final = "quarantine"
_SHARD: Final = "0"  # any: the sweeper looks into all
_TABLES: Final = {
    "UsersTableName": "users-events",
    "ProductsTableName": "products-events",
    "OrdersTableName": "orders-events",
}
_plain = TypeDeserializer().deserialize


class QuarantinedEvents:
    """The quarantined events of one table, listed and released as the messages of a dead-letter queue are.

    Args:
        name: what people call them.
        table: the table.
    """

    def __init__(self, dynamodb: "DynamoDBClient", name: str, table: str) -> None:
        self._dynamodb = dynamodb
        self.name = name
        self._table = table

    def count(self) -> int:
        """How many there are."""
        return sum(1 for _ in self._items())

    def peek(self, limit: int, only: str | None = None) -> list[DeadLetter]:
        """So many events at most, oldest first.

        Args:
            limit: how many.
            only: the id of an event, to see that one alone.
        """
        return [_letter(item) for item in islice(self._chosen(only), limit)]

    def redrive(
        self, most: int, only: str | None = None, *, tell: Callable[[int], None] = lambda _: None
    ) -> int:
        """Release events, so that the service's sweeper publishes them; return how many.

        Args:
            most: how many at most.
            only: the id of an event, to release that one alone.
            tell: is called after each with the number so far.
        """
        update = "SET #unsent = :shard REMOVE #reason"
        return self._update(most, only, update, {":shard": {"S": _SHARD}}, tell)

    def purge(
        self, most: int, only: str | None = None, *, tell: Callable[[int], None] = lambda _: None
    ) -> int:
        """Give events up: they stay in the history with the reason, and are never published. Arguments as those of `redrive`."""
        return self._update(most, only, "REMOVE #unsent", {}, tell)

    def _update(
        self,
        most: int,
        only: str | None,
        update: str,
        values: "Mapping[str, Any]",
        tell: Callable[[int], None],
    ) -> int:
        done = 0
        # Read before the first is updated: an updated event leaves the index.
        for item in list(islice(self._chosen(only), most)):
            names = {"#unsent": _INDEX} | ({"#reason": "reason"} if "#reason" in update else {})
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"pk": item["pk"], "sk": item["sk"]},
                UpdateExpression=update,
                # Another operator may have released it, and the sweeper published it since.
                ConditionExpression="#unsent = :quarantine",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":quarantine": {"S": _QUARANTINE}, **values},
            )
            done += 1
            tell(done)
        return done

    def _chosen(self, only: str | None) -> Iterator[Any]:
        return (item for item in self._items() if only in (None, _id(item)))

    def _items(self) -> Iterator[Any]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=_INDEX,
            KeyConditionExpression="#unsent = :quarantine",
            ExpressionAttributeNames={"#unsent": _INDEX},
            ExpressionAttributeValues={":quarantine": {"S": _QUARANTINE}},
        )
        for page in pages:
            yield from page["Items"]


def quarantines_of(
    dynamodb: "DynamoDBClient", outputs: "Mapping[str, str]"
) -> dict[str, QuarantinedEvents]:
    """The quarantined events of a stack's tables, by name."""
    return {
        name: QuarantinedEvents(dynamodb, name, outputs[output])
        for output, name in _TABLES.items()
        if output in outputs
    }


def _id(item: Any) -> str:
    """The event's id, made of its keys: what is in it may be anything."""
    version = item["sk"]["S"].partition("#")[2].lstrip("0")
    return f"{item['pk']['S'].partition('#')[2]}.{version}"


def _letter(item: Any) -> DeadLetter:
    event = _plain(item["event"]) if "event" in item else None
    reason = item.get("reason", {}).get("S", "none")
    return DeadLetter(
        id=_id(item),
        at=datetime.fromisoformat(item["at"]["S"]),
        body=json.dumps(event, default=str, ensure_ascii=False),
        notes={"Reason": reason},
    )

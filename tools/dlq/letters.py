"""Dead letters in SQS, and quarantined events in a service's table: read, moved back, deleted."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

_HIDDEN_SECONDS: Final = 120
# As in shared.outbox: tools do not import what runs on Lambda.
_QUARANTINE: Final = "quarantine"
_SHARD: Final = "0"  # any: the sweeper queries all shards
_TABLES: Final = ("Users", "Products", "Orders")
_plain = TypeDeserializer().deserialize


@dataclass(frozen=True)
class DeadLetter:
    """A message in a dead-letter queue, or an event in quarantine.

    Attributes:
        at: when it was written; where SQS itself moved the message, when it was first sent.
        notes: the message attributes that the worker wrote, see shared.dead_letters; without a
            `Reason` where SQS itself moved the message.
        handle: what its queue deletes it by.
    """

    id: str
    at: datetime
    body: str
    notes: Mapping[str, str]
    handle: Any

    @property
    def event(self) -> Mapping[str, Any]:
        """The event in the body; empty where there is none."""
        try:
            event = json.loads(self.body)
        except ValueError:
            return {}
        return event if isinstance(event, dict) else {}


class DeadLetterQueue:
    """The dead-letter queue of an SQS queue.

    SQS shows a message only by receiving it, which hides it from other readers for a while.

    Args:
        source_url: the queue that the messages come from.
        wait_seconds: AWS keeps a queue on many servers; a receive without waiting asks only some.
    """

    def __init__(
        self, sqs: "SQSClient", name: str, url: str, source_url: str, *, wait_seconds: int = 1
    ) -> None:
        self.name = name
        self._sqs = sqs
        self.url = url
        self.source_url = source_url
        self._wait_seconds = wait_seconds

    def count(self) -> int:
        """SQS's estimate, with the messages that another reader has received."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self.url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(number) for number in attributes.values())

    @contextlib.contextmanager
    def reading(self) -> Iterator[Iterator[DeadLetter]]:
        """Each message once; afterwards the messages that are left are visible again."""
        received: dict[str, DeadLetter] = {}
        try:
            yield self._receive(received)
        finally:
            for letter in received.values():
                # A deleted message has no visibility, and others reappear after the time-out.
                with contextlib.suppress(BotoCoreError, ClientError):
                    self._sqs.change_message_visibility(
                        QueueUrl=self.url, ReceiptHandle=letter.handle, VisibilityTimeout=0
                    )

    def _receive(self, received: dict[str, DeadLetter]) -> Iterator[DeadLetter]:
        while True:
            messages = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=self._wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            # SQS may deliver a message twice.
            new = {m["MessageId"]: _message(m) for m in messages if m["MessageId"] not in received}
            if not new:
                return
            received |= new
            yield from new.values()

    def redrive(self, letter: DeadLetter) -> None:
        """Send the message to its queue, then delete it here: an interruption loses nothing."""
        self._sqs.send_message(QueueUrl=self.source_url, MessageBody=letter.body)
        self.purge(letter)

    def purge(self, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=letter.handle)


class QuarantinedEvents:
    """The events of one table that its relay could not publish, with the reason."""

    def __init__(self, dynamodb: "DynamoDBClient", name: str, table: str) -> None:
        self.name = name
        self._dynamodb = dynamodb
        self._table = table

    def count(self) -> int:
        return sum(1 for _ in self._items())

    @contextlib.contextmanager
    def reading(self) -> Iterator[Iterator[DeadLetter]]:
        # Read to the end first: a released event leaves the index.
        yield iter([_quarantined(item) for item in self._items()])

    def redrive(self, letter: DeadLetter) -> None:
        """Mark the event as unsent, so that the service's sweeper publishes it."""
        self._update(letter, "SET unsent = :shard REMOVE reason", {":shard": {"S": _SHARD}})

    def purge(self, letter: DeadLetter) -> None:
        """Remove the mark: the event stays in the history and is never published."""
        self._update(letter, "REMOVE unsent", {})

    def _update(self, letter: DeadLetter, update: str, values: Mapping[str, Any]) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=letter.handle,
            UpdateExpression=update,
            # Another operator may have released it, and the sweeper published it since.
            ConditionExpression="unsent = :quarantine",
            ExpressionAttributeValues={":quarantine": {"S": _QUARANTINE}, **values},
        )

    def _items(self) -> Iterator[Any]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="unsent",
            KeyConditionExpression="unsent = :quarantine",
            ExpressionAttributeValues={":quarantine": {"S": _QUARANTINE}},
        )
        for page in pages:
            yield from page["Items"]


type DeadLetters = DeadLetterQueue | QuarantinedEvents


def dead_letters_of(
    sqs: "SQSClient", dynamodb: "DynamoDBClient", outputs: Mapping[str, str]
) -> dict[str, DeadLetters]:
    """All dead letters of a stack, by name: `checkout`, `notifications`, `orders-events`, …"""
    found: dict[str, DeadLetters] = {}
    for output, url in sorted(outputs.items()):
        name = output.removesuffix("DeadLettersUrl")
        if name != output and (source := outputs.get(f"{name}QueueUrl")):
            found[name.lower()] = DeadLetterQueue(sqs, name.lower(), url, source)
    for service in _TABLES:
        name = f"{service.lower()}-events"
        if table := outputs.get(f"{service}TableName"):
            found[name] = QuarantinedEvents(dynamodb, name, table)
    return found


def _message(message: Any) -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    return DeadLetter(
        id=message["MessageId"],
        at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        body=message["Body"],
        notes={name: a["StringValue"] for name, a in attributes.items() if "StringValue" in a},
        handle=message["ReceiptHandle"],
    )


def _quarantined(item: Any) -> DeadLetter:
    # The id is made of the keys: the event itself may be anything.
    aggregate = item["pk"]["S"].partition("#")[2]
    version = item["sk"]["S"].partition("#")[2].lstrip("0")
    event = _plain(item["event"]) if "event" in item else None
    return DeadLetter(
        id=f"{aggregate}.{version}",
        at=datetime.fromisoformat(item["at"]["S"]),
        body=json.dumps(event, default=str, ensure_ascii=False),
        notes={"Reason": item.get("reason", {}).get("S", "none")},
        handle={"pk": item["pk"], "sk": item["sk"]},
    )

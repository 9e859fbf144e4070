"""The shop's queues in SQS."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from operations.queues.errors import PurgeInProgress, QueueNotFound
from operations.queues.models import DeadLetter, QueueDepth, QueueUrls
from shared.contracts.events import TYPE_ATTRIBUTE
from shared.runtime import clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SHOWN: Final = 10
_MOST_MOVED: Final = 100  # seconds, of the ten that the function has
_BATCH: Final = 10
# AWS keeps a queue on many servers: a receive that waits asks all of them.
_WAIT_SECONDS: Final = 1
_MOVE_SECONDS: Final = 60
_RECEIVES: Final = 3
_NO_REASON: Final = "SQS moved it: its last attempt ended without an answer"
_COUNTS: Final = {
    "waiting": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


class SqsQueues:
    """Queues by their names.

    Methods with a name raise `QueueNotFound`.
    """

    def __init__(self, sqs: "SQSClient", urls: Mapping[str, QueueUrls]) -> None:
        self._sqs = sqs
        self._urls = urls

    def depths(self) -> list[QueueDepth]:
        """How many messages each queue has."""
        return [
            QueueDepth(
                name, **self._counts(urls.source), dead_letters=self._depth(urls.dead_letters)
            )
            for name, urls in self._urls.items()
        ]

    def count(self, name: str) -> int:
        """The number of its dead letters."""
        return self._depth(self._find(name).dead_letters)

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Up to ten dead letters.

        SQS shows a message only by receiving it, which adds one to its receive count. Nothing reads
        that of a dead letter. The visibility timeout of 0 hides no message from other readers.
        """
        url, found = self._find(name).dead_letters, dict[str, DeadLetter]()
        for _ in range(_RECEIVES):
            received = self._receive(url, visibility=0)
            new = {one["MessageId"]: _described(one) for one in received} | found
            if len(new) in (len(found), SHOWN):
                return [*new.values()]
            found = new
        return [*found.values()][:SHOWN]

    def redrive(self, name: str) -> int:
        """Send up to 100 dead letters to their queue again; return their number.

        Each is sent before it is deleted: an interruption loses none, and workers handle an event
        again without harm.
        """
        urls = self._find(name)
        # Letters that fail again meanwhile come back, and are not moved a second time.
        most, moved = min(self._depth(urls.dead_letters), _MOST_MOVED), 0
        while moved < most:
            received = self._receive(
                urls.dead_letters, visibility=_MOVE_SECONDS, most=min(_BATCH, most - moved)
            )
            if not received:
                break
            self._move(urls, received)
            moved += len(received)
        return moved

    def purge(self, name: str) -> None:
        """Delete all its dead letters; SQS takes up to a minute.

        Raises:
            PurgeInProgress: they were purged less than a minute ago.
        """
        try:
            self._sqs.purge_queue(QueueUrl=self._find(name).dead_letters)
        except ClientError as error:
            if error.response["Error"]["Code"].endswith("PurgeQueueInProgress"):
                raise PurgeInProgress from None
            raise

    def _find(self, name: str) -> QueueUrls:
        if name not in self._urls:
            raise QueueNotFound
        return self._urls[name]

    def _counts(self, url: str) -> dict[str, int]:
        wanted: Any = [*_COUNTS.values()]
        given: Any = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
        return {name: int(given["Attributes"][attribute]) for name, attribute in _COUNTS.items()}

    def _depth(self, url: str) -> int:
        return sum(self._counts(url).values())

    def _receive(self, url: str, *, visibility: int, most: int = _BATCH) -> "list[MessageTypeDef]":
        return self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=most,
            VisibilityTimeout=visibility,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])

    def _move(self, urls: QueueUrls, received: "list[MessageTypeDef]") -> None:
        for message in received:
            # The worker compares the event with the type that the topic's filter has admitted. The
            # other attributes describe the failure.
            kept: Any = {
                name: {"DataType": "String", "StringValue": value}
                for name, value in _attributes(message).items()
                if name == TYPE_ATTRIBUTE
            }
            self._sqs.send_message(
                QueueUrl=urls.source, MessageBody=message["Body"], MessageAttributes=kept
            )
            self._sqs.delete_message(
                QueueUrl=urls.dead_letters, ReceiptHandle=message["ReceiptHandle"]
            )


def _attributes(message: "MessageTypeDef") -> dict[str, str]:
    given = message.get("MessageAttributes", {})
    return {name: one["StringValue"] for name, one in given.items() if "StringValue" in one}


def _described(message: "MessageTypeDef") -> DeadLetter:
    try:
        event = dict(json.loads(message["Body"]))
    except (TypeError, ValueError):
        event = {}
    at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    type_, id_, request_id = (_text(event.get(name)) for name in ("type", "id", "request_id"))
    return DeadLetter(
        id=message["MessageId"],
        at=clock.rfc3339(at),
        event_type=type_,
        event_id=id_,
        request_id=request_id,
        reason=_attributes(message).get("Reason", _NO_REASON),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

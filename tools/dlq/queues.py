"""Dead-letter queues over SQS.

SQS has no way to look at a queue: a message that is received is hidden from everybody else until a time-out, and may be
delivered twice. So all of this reads by `Reading`, which shows each message once and lets go of what was not deleted.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched, islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH: Final = 10
# Long enough for ten messages to be worked on; who is killed meanwhile hides them so long.
_HIDDEN_SECONDS: Final = 120


@dataclass(frozen=True)
class DeadLetter:
    """A message in a dead-letter queue.

    Attributes:
        at: when it was given up; where SQS itself moved it, when it was first sent.
        notes: what its worker wrote beside it, see shared.messaging.dead_letters; without a `Reason` where SQS itself moved it.
    """

    id: str
    at: datetime
    body: str
    notes: Mapping[str, str]

    @property
    def event(self) -> Mapping[str, Any]:
        """The event in it; empty where there is none."""
        try:
            event = json.loads(self.body)
        except ValueError:
            return {}
        return event if isinstance(event, dict) else {}


class DeadLetterQueue:
    """The dead-letter queue of one queue.

    Args:
        name: what people call the queue.
        url: the dead-letter queue.
        source_url: the queue that its messages come from.
        patience: seconds to wait until a queue counts as empty. AWS keeps a queue on many servers, and an answer
            without waiting asks a few of them.
    """

    def __init__(
        self, sqs: "SQSClient", name: str, url: str, source_url: str, *, patience: int = 1
    ) -> None:
        self._sqs = sqs
        self.name = name
        self._url = url
        self._source_url = source_url
        self._patience = patience

    def count(self) -> int:
        """How many messages there are, by SQS's estimate, those included that somebody else reads at this moment."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(number) for number in attributes.values())

    def peek(self, limit: int, only: str | None = None) -> list[DeadLetter]:
        """So many messages at most, oldest first as far as SQS says; they stay where they are.

        Args:
            limit: how many.
            only: the id of a message, to see that one alone.
        """
        with self._reading() as reading:
            return list(islice(_chosen(reading, only), limit))

    def redrive(
        self, most: int, only: str | None = None, *, tell: Callable[[int], None] = lambda _: None
    ) -> int:
        """Move messages back to their queue, without what was written beside them; return how many it were.

        Each is sent first and deleted then: who is interrupted leaves one message in both queues, and none in neither.
        Those that fail again while this goes on are left alone.

        Args:
            most: how many at most.
            only: the id of a message, to move that one alone.
            tell: is told after each how many it are.
        """
        sent: set[str] = set()
        with self._reading() as reading:
            for letter in _chosen(reading, only):
                if letter.notes.get("SourceMessageId") in sent:
                    continue
                answer = self._sqs.send_message(QueueUrl=self._source_url, MessageBody=letter.body)
                reading.delete(letter)
                sent.add(answer["MessageId"])
                tell(len(sent))
                if len(sent) == most:
                    break
        return len(sent)

    def purge(
        self, most: int, only: str | None = None, *, tell: Callable[[int], None] = lambda _: None
    ) -> int:
        """Delete messages for good; return how many it were. Arguments as those of `redrive`."""
        deleted = 0
        with self._reading() as reading:
            for letter in islice(_chosen(reading, only), most):
                reading.delete(letter)
                deleted += 1
                tell(deleted)
        return deleted

    @contextlib.contextmanager
    def _reading(self) -> Iterator["Reading"]:
        reading = Reading(self._sqs, self._url, self._patience)
        try:
            yield reading
        finally:
            reading.end()


class Reading:
    """One person's going through a queue, each message once."""

    def __init__(self, sqs: "SQSClient", url: str, patience: int) -> None:
        self._sqs = sqs
        self._url = url
        self._patience = patience
        self._handles: dict[str, str] = {}

    def __iter__(self) -> Iterator[DeadLetter]:
        seen: set[str] = set()
        while new := {each.id: each for each in self._received() if each.id not in seen}:
            seen |= new.keys()
            yield from new.values()

    def delete(self, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self._handles.pop(letter.id))

    def end(self) -> None:
        """Show everybody again what was not deleted."""
        for handles in batched(self._handles.values(), _BATCH, strict=False):
            # What cannot be shown now shows itself when its time is up.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                        for place, handle in enumerate(handles)
                    ],
                )

    def _received(self) -> list[DeadLetter]:
        messages = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=self._patience,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        self._handles |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        return [_letter(message) for message in messages]


def queues_of(sqs: "SQSClient", outputs: Mapping[str, str]) -> dict[str, DeadLetterQueue]:
    """The dead-letter queues of a stack by name: each pair of outputs `<Name>DeadLettersUrl` and `<Name>QueueUrl`."""
    queues = {}
    for output, url in sorted(outputs.items()):
        name = output.removesuffix("DeadLettersUrl")
        if name != output and (source := outputs.get(f"{name}QueueUrl")):
            queues[name.lower()] = DeadLetterQueue(sqs, name.lower(), url, source)
    return queues


def _chosen(letters: "Reading", only: str | None) -> Iterator[DeadLetter]:
    """All of them, or the one with that id."""
    if only is None:
        return iter(letters)
    return islice((letter for letter in letters if letter.id == only), 1)


def _letter(message: "MessageTypeDef") -> DeadLetter:
    notes = {
        name: attribute["StringValue"]
        for name, attribute in message.get("MessageAttributes", {}).items()
        if "StringValue" in attribute
    }
    return DeadLetter(
        id=message["MessageId"],
        at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        body=message["Body"],
        notes=notes,
    )

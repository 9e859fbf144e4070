"""`make dlq`: shows dead letters and quarantined events, moves them back, or deletes them.

Of the open shop on a port of this machine, or with --env of a deployed shop, with this machine's
AWS credentials.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from tools.local import stack
from tools.local.arguments import Parser, add_where, where
from tools.progress import Problem, exit_code

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

_HIDDEN_SECONDS: Final = 120
# As in shared.messaging: tools do not import what runs on Lambda.
_TYPE: Final = "type"
_QUARANTINE: Final = {":quarantine": {"S": "quarantine"}}
_SHARD: Final = {":shard": {"S": "0"}}  # any: the sweeper queries all shards
_DONE: Final = {"redrive": "moved back", "purge": "deleted"}


@dataclass(frozen=True)
class Letter:
    """A message in a dead-letter queue, or an event in quarantine.

    Attributes:
        at: when it was written; where SQS itself moved the message, when it was first sent.
        notes: what the worker wrote, see shared.messaging.redelivery; empty where SQS itself
            moved the message.
        handle: what its queue deletes it by.
    """

    id: str
    at: datetime
    body: str
    notes: Mapping[str, str]
    handle: Any

    def described(self) -> dict[str, str]:
        """Its lines by their labels, without the body, which has personal data."""
        try:
            event = dict(json.loads(self.body))
        except (TypeError, ValueError):
            event = {}
        minutes = (datetime.now(UTC) - self.at) // timedelta(minutes=1)
        return {
            "id": self.id,
            "since": f"{self.at:%Y-%m-%d %H:%M:%S} UTC, {minutes} min ago",
            "event": f"{event.get('type', 'no event')} {event.get('id', '')}".strip(),
            "RequestId": str(event.get("request_id", "unknown")),
            "Reason": "none: SQS moved it after the last attempt timed out",
            **self.notes,
        }


@dataclass
class DeadLetterQueue:
    """The dead-letter queue of an SQS queue, `source_url`.

    SQS shows a message only by receiving it, which hides it from other readers for a while. AWS
    keeps a queue on many servers, and a receive without waiting asks only some.
    """

    sqs: "SQSClient"
    url: str
    source_url: str
    wait_seconds: int = 1

    def count(self) -> int:
        """SQS's estimate, with the messages that another reader has received."""
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(number) for number in attributes.values())

    @contextlib.contextmanager
    def reading(self) -> Iterator[Iterator[Letter]]:
        """Each message once; afterwards the messages that are left are visible again."""
        received: dict[str, Letter] = {}
        try:
            yield self._receive(received)
        finally:
            for letter in received.values():
                # A deleted message has no visibility, and others reappear after the time-out.
                with contextlib.suppress(BotoCoreError, ClientError):
                    self.sqs.change_message_visibility(
                        QueueUrl=self.url, ReceiptHandle=letter.handle, VisibilityTimeout=0
                    )

    def _receive(self, received: dict[str, Letter]) -> Iterator[Letter]:
        while True:
            messages = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=self.wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            # SQS may deliver a message twice.
            new = {m["MessageId"]: _message(m) for m in messages if m["MessageId"] not in received}
            if not new:
                return
            received |= new
            yield from new.values()

    def redrive(self, letter: Letter) -> None:
        """Send the message to its queue, then delete it here: an interruption loses nothing."""
        self.sqs.send_message(
            QueueUrl=self.source_url,
            MessageBody=letter.body,
            # The worker compares the event with the type that the topic's filter has admitted.
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in letter.notes.items()
                if name == _TYPE
            },
        )
        self.purge(letter)

    def purge(self, letter: Letter) -> None:
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=letter.handle)


def _message(message: Any) -> Letter:
    attributes = message.get("MessageAttributes", {})
    return Letter(
        id=message["MessageId"],
        at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        body=message["Body"],
        notes={name: a["StringValue"] for name, a in attributes.items() if "StringValue" in a},
        handle=message["ReceiptHandle"],
    )


@dataclass
class QuarantinedEvents:
    """The events of one table that its relay could not publish, with the reason."""

    dynamodb: "DynamoDBClient"
    table: str

    def count(self) -> int:
        with self.reading() as letters:
            return len(list(letters))

    @contextlib.contextmanager
    def reading(self) -> Iterator[Iterator[Letter]]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            IndexName="unsent",
            KeyConditionExpression="unsent = :quarantine",
            ExpressionAttributeValues=_QUARANTINE,
        )
        # Read to the end first: a released event leaves the index.
        yield iter([_quarantined(item) for page in pages for item in page["Items"]])

    def redrive(self, letter: Letter) -> None:
        """Mark the event as unsent, so that the service's sweeper publishes it."""
        self._update(letter, "SET unsent = :shard REMOVE reason", _SHARD)

    def purge(self, letter: Letter) -> None:
        """Remove the mark: the event stays in the history and is never published."""
        self._update(letter, "REMOVE unsent", {})

    def _update(self, letter: Letter, update: str, values: Mapping[str, Any]) -> None:
        self.dynamodb.update_item(
            TableName=self.table,
            Key=letter.handle,
            UpdateExpression=update,
            # Another operator may have released it, and the sweeper published it since.
            ConditionExpression="unsent = :quarantine",
            ExpressionAttributeValues={**_QUARANTINE, **values},
        )


def _quarantined(item: Any) -> Letter:
    # The id is made of the keys: the event itself may be anything.
    aggregate, version = (item[name]["S"].partition("#")[2] for name in ("pk", "sk"))
    event = TypeDeserializer().deserialize(item["event"]) if "event" in item else None
    return Letter(
        id=f"{aggregate}.{version.lstrip('0')}",
        at=datetime.fromisoformat(item["at"]["S"]),
        body=json.dumps(event, default=str, ensure_ascii=False),
        notes={"Reason": item.get("reason", {}).get("S", "none")},
        handle={"pk": item["pk"], "sk": item["sk"]},
    )


type Letters = DeadLetterQueue | QuarantinedEvents


def of_stack(
    sqs: "SQSClient", dynamodb: "DynamoDBClient", outputs: Mapping[str, str]
) -> dict[str, Letters]:
    """All dead letters of a stack, by name: `checkout`, `notifications`, `orders-events`, …"""
    found: dict[str, Letters] = {}
    for output, value in sorted(outputs.items()):
        name = output.removesuffix("DeadLettersUrl")
        if name != output and (source := outputs.get(f"{name}QueueUrl")):
            found[name.lower()] = DeadLetterQueue(sqs, value, source)
        service = output.removesuffix("TableName")
        if service != output:
            found[f"{service.lower()}-events"] = QuarantinedEvents(dynamodb, value)
    return found


def list_all(queues: Mapping[str, Letters], suffix: str) -> None:
    """Print the number of letters of each queue; `suffix` are make's arguments for this shop."""
    counts = {name: queue.count() for name, queue in queues.items()}
    for name, count in counts.items():
        print(f"  {name:<{max(map(len, counts))}}  {count:>6}")
    for name in filter(counts.__getitem__, counts):
        print(f"To see why: make dlq ACTION=show QUEUE={name}{suffix}")
    if not any(counts.values()):
        print("Nothing to do.")


def show(queue: Letters, only: str = "", limit: int = 10) -> None:
    """Print letters and their reasons; with the id of one, that one with its body."""
    count = queue.count()
    with queue.reading() as letters:
        shown = list(islice((one for one in letters if only in ("", one.id)), limit))
    for letter in shown:
        for name, value in {
            **letter.described(),
            **({"body": letter.body} if only else {}),
        }.items():
            print(f"  {name:<17}{_printable(value)}")
        print()
    print(f"{len(shown)} of {max(count, len(shown))}.", end=" ")
    print("ACTION=redrive has them handled again, ACTION=purge deletes them; ID=… means one alone.")


def change(queue: Letters, name: str, action: str, only: str = "", *, agreed: bool = False) -> None:
    """Redrive or purge letters, if the person at the terminal agrees.

    Raises:
        Problem: there is no such letter, or no terminal.
    """
    # At most so many: letters that fail again meanwhile come back into the queue.
    most = 1 if only else queue.count()
    question = f"{action.title()} {_printable(only) or most} of {name}? Type {name}: "
    if not agreed and _answer(question) != name:
        print("Nothing was changed.")
        return
    done = 0
    with queue.reading() as letters:
        for letter in islice((one for one in letters if only in ("", one.id)), most):
            (queue.redrive if action == "redrive" else queue.purge)(letter)
            done += 1
    if only and not done:
        raise Problem(f"There is no message {_printable(only)} in {name}.")
    print(f"▸ {_DONE[action]}: {done} of {most}")
    if done < most:
        print("SQS shows no more now: another reader may have received them, for two minutes.")


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        raise Problem("There is no terminal to answer from: nothing was changed.") from None


def _printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _parse() -> argparse.Namespace:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m tools.dlq", description=__doc__)
    add_where(parser)
    parser.add_argument("--action", default="", choices=("", "list", "show", *_DONE))
    parser.add_argument("--queue", default="")
    parser.add_argument("--id", default="", help="one message alone")
    parser.add_argument("--limit", type=int, default=10, help="how many to show")
    parser.add_argument("--yes", action="store_true", help="redrive without asking")
    return parser.parse_args()


def main() -> None:
    options = _parse()
    name, action = options.queue, options.action
    try:
        shop = where(options)
        outputs = stack.outputs(shop.client("cloudformation"), shop.stack)
        queues = of_stack(shop.client("sqs"), shop.client("dynamodb"), outputs)
        if action == "list" or not (action or name):
            list_all(queues, shop.suffix)
        elif name not in queues:
            names = " or ".join(f"QUEUE={name}" for name in queues)
            raise Problem(f"There is no queue {_printable(name)!r}: choose {names}.")
        elif action in ("", "show"):
            show(queues[name], options.id, options.limit)
        else:
            agreed = options.yes and action == "redrive"
            change(queues[name], name, action, options.id, agreed=agreed)
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"The queues cannot be used: {cause}") from None


if __name__ == "__main__":
    sys.exit(exit_code(main))

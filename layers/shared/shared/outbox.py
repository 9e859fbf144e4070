"""The outbox: an event is an item beside what it tells of, written in the same transaction, and published from the
table's stream. Until it is published it carries the mark `unsent`, by which a sweeper finds what stayed behind.

The event items of an aggregate are its history: they are never deleted, and rewritten only to erase a person's data.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared import aws, clock, context, logging, metrics
from shared.contracts.events import Event, EventType
from shared.deadline import Deadline
from shared.dynamodb import Item, Put, Table, Update, from_wire
from shared.settings import OutboxSettings

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

INDEX = "unsent"
SORT_PREFIX = "EVENT#"
_SHARDS = 4
_PATIENCE = timedelta(minutes=1)  # how long the stream may take before the sweeper steps in
_SWEEP_LIMIT = 200

# What SNS takes in one PublishBatch: so many messages, and so many bytes of them and their attributes.
_BATCH: Final = 10
_BATCH_BYTES: Final = 262_144
_ATTRIBUTE: Final = "type"
# What a call may take, with all its attempts and the SDK's pauses between them. None begins with less time than that: what
# is left then comes again, where a function that ran out of time would begin anew with all.
CALL_SECONDS: Final = 10.0
# So many batches in a row that the topic did not take: the others would wait as long for the same answer.
_FAILED_BATCHES: Final = 3


def event(
    type_: EventType, *, aggregate_id: str, version: int, at: str, data: dict[str, Any]
) -> Event:
    """The event of an aggregate's change, under the request at hand."""
    return Event(
        id=f"{aggregate_id}.{version}",
        type=type_,
        aggregate_id=aggregate_id,
        version=version,
        at=at,
        request_id=context.request_id(),
        data=data,
    )


def sort_key(version: int) -> str:
    """The sort key of the event that made its aggregate's version."""
    return f"{SORT_PREFIX}{version:010d}"


def recording(pk: str, fact: Event) -> Put:
    """The operation that writes the event into its aggregate's partition; it fails if that version has one."""
    unsent = str(random.randrange(_SHARDS))  # noqa: S311  # spreads the index, no secret
    return Put({**_item(pk, fact), "unsent": unsent}, condition="attribute_not_exists(#pk)")


def noting(pk: str, fact: Event) -> Put:
    """The same for an event that only the history tells: it is not published."""
    return Put(_item(pk, fact), condition="attribute_not_exists(#pk)")


def rewriting(table: Table, pk: str, instead: Mapping[str, str], *, up_to: int) -> list[Update]:
    """The operations that write `instead` over what the events of the aggregate, up to a version, hold under these names
    in their data. They belong into a transaction that fails if the aggregate has come to another version.

    The events may be published meanwhile: an event item changes in nothing else but its mark.
    """
    operations: list[Update] = []
    start: Item | None = None
    while True:
        facts, start = history(table, pk, start=start)
        for fact in facts:
            if fact.version > up_to:
                return operations
            told = {name: text for name, text in instead.items() if name in fact.data}
            rewritten = fact.model_copy(update={"data": fact.data | told})
            operations.append(
                Update(
                    {"pk": pk, "sk": sort_key(fact.version)},
                    "SET #event = :event",
                    values={"event": rewritten.model_dump(mode="json")},
                )
            )
        if start is None:
            return operations


def _item(pk: str, fact: Event) -> Item:
    return {
        "pk": pk,
        "sk": sort_key(fact.version),
        "at": fact.at,
        "event": fact.model_dump(mode="json"),
    }


def history(
    table: Table, pk: str, *, limit: int | None = None, start: Item | None = None
) -> tuple[list[Event], Item | None]:
    """The aggregate's events, oldest first, and the key to go on from."""
    page = table.query(
        "#pk = :pk AND begins_with(#sk, :prefix)",
        {"pk": pk, "prefix": SORT_PREFIX},
        limit=limit,
        start=start,
        consistent=True,
    )
    return [Event.model_validate(item["event"]) for item in page.items], page.last_key


class Relay:
    """Publishes event items on the topic and takes their marks off.

    A failure between the two publishes an event again later: readers take an event for the same by its id.
    """

    def __init__(self, table: Table, sns: "SNSClient", topic_arn: str) -> None:
        self._table = table
        self._sns = sns
        self._topic_arn = topic_arn

    @classmethod
    def connected(cls, settings: OutboxSettings) -> "Relay":
        """The relay of a function, from its settings."""
        # All attempts at a call fit into CALL_SECONDS.
        table = Table(settings.table_name, aws.client("dynamodb", connect=0.5, read=1))
        sns = aws.client("sns", connect=0.5, read=2, attempts=2)
        return cls(table, sns, settings.topic_arn)

    def relay(self, stream_event: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Publish the new event items of a stream's batch; the answer names the records that were not published."""
        places: dict[tuple[str, str], str] = {}
        items: list[Item] = []
        for record in stream_event["Records"]:
            image = record["dynamodb"].get("NewImage")
            if image is None or "unsent" not in image or "event" not in image:
                continue
            item = from_wire(image)
            places[item["pk"], item["sk"]] = record["dynamodb"]["SequenceNumber"]
            items.append(item)
        unpublished = self.publish(items, deadline)
        return {
            "batchItemFailures": [
                {"itemIdentifier": places[item["pk"], item["sk"]]} for item in unpublished
            ]
        }

    def sweep(self, deadline: Deadline) -> int:
        """Publish what has been unsent for over a minute; return how many were found."""
        before = clock.rfc3339(clock.now() - _PATIENCE)
        found = 0
        for shard in range(_SHARDS):
            page = self._table.query(
                "#unsent = :shard AND #at < :before",
                {"shard": str(shard), "before": before},
                index=INDEX,
                limit=_SWEEP_LIMIT,
            )
            found += len(page.items)
            self.publish(page.items, deadline)
        if found:
            logging.logger().warning("republished events that had stayed unsent: %s", found)
            metrics.count("UnsentEventsSwept", found)
        return found

    def publish(self, items: Sequence[Item], deadline: Deadline) -> list[Item]:
        """Publish event items, in their order; return those to publish again: the topic did not take them, or the time is over."""
        unpublished: list[Item] = []
        failed = 0
        for batch in _batches([_message(item) for item in items]):
            is_worth_it = deadline.allows(CALL_SECONDS) and failed < _FAILED_BATCHES
            taken = self._sent(batch) if is_worth_it else frozenset[int]()
            failed = 0 if taken else failed + 1
            for place, message in enumerate(batch):
                logging.begin(
                    message.fact.request_id, event_id=message.fact.id, event_type=message.fact.type
                )
                if place not in taken:
                    logging.logger().error("could not publish %s", message.fact.type)
                elif deadline.allows(CALL_SECONDS) and self._is_marked_off(message):
                    logging.logger().info("published %s", message.fact.type)
                    continue
                unpublished.append(message.item)
        if published := len(items) - len(unpublished):
            metrics.count("EventsPublished", published)
        return unpublished

    def _sent(self, batch: Sequence["_Message"]) -> frozenset[int]:
        """Send a batch, under its first event's request; return the places of those that the topic took."""
        logging.begin(batch[0].fact.request_id)
        try:
            answer = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[
                    {
                        "Id": str(place),
                        "Message": message.text,
                        "MessageAttributes": {
                            _ATTRIBUTE: {"DataType": "String", "StringValue": message.fact.type}
                        },
                    }
                    for place, message in enumerate(batch)
                ],
            )
        except (BotoCoreError, ClientError):
            # Other batches go on; this one comes again, by the stream or by the sweeper.
            logging.logger().exception("could not publish a batch")
            return frozenset()
        for refused in answer.get("Failed", ()):
            logging.logger().error("the topic refused an event: %s", refused["Code"])
        return frozenset(int(entry["Id"]) for entry in answer.get("Successful", ()))

    def _is_marked_off(self, message: "_Message") -> bool:
        key = {"pk": message.item["pk"], "sk": message.item["sk"]}
        try:
            if not self._table.take_off(key, "unsent"):
                logging.logger().warning("the item of an event that was published is gone")
        except (BotoCoreError, ClientError):
            logging.logger().exception("could not mark %s as published", message.fact.type)
            return False
        return True


@dataclass(frozen=True)
class _Message:
    """An event item on its way to the topic."""

    item: Item
    fact: Event
    text: str
    size: int


def _message(item: Item) -> _Message:
    fact = Event.model_validate(item["event"])
    text = fact.model_dump_json()
    # What SNS counts, in bytes: the message, and its attribute's name, type and value.
    attribute = len(_ATTRIBUTE) + len("String") + len(fact.type)
    return _Message(item, fact, text, size=len(text.encode()) + attribute)


def _batches(messages: Iterable[_Message]) -> Iterator[list[_Message]]:
    """As few batches as SNS takes, in the same order. An event that is too large is alone, and keeps no other back."""
    batch: list[_Message] = []
    size = 0
    for message in messages:
        size += message.size
        if batch and (len(batch) == _BATCH or size > _BATCH_BYTES):
            yield batch
            batch, size = [], message.size
        batch.append(message)
    if batch:
        yield batch

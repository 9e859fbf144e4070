"""Publishes the events of an outbox on the topic, and removes their marks.

An event that can never be published (it is invalid or too large, or the topic refuses it as such)
is quarantined: its mark becomes `QUARANTINE`, and `reason` says why. `make dlq` lists it and
releases it.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.calls.deadline import Deadline
from shared.contracts.events import TYPE_ATTRIBUTE, Event
from shared.errors import OwnError
from shared.messaging.outbox import INDEX
from shared.runtime import aws, clock, logging, metrics
from shared.runtime.error_text import describe
from shared.runtime.settings import OutboxSettings
from shared.storage.dynamodb import Item, Table, from_wire
from shared.storage.shards import MARKS

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

QUARANTINE: Final = "quarantine"  # instead of a number, so that no sweep finds it
_SWEEP_AFTER = timedelta(minutes=1)  # how long the stream may take before the sweeper steps in
_SWEEP_LIMIT = 200

# What SNS takes in one PublishBatch: so many messages, and so many bytes of them and their
# attributes.
_BATCH: Final = 10
_BATCH_BYTES: Final = 262_144
# The topic's errors that are a message's own fault. Others (a key that KMS has disabled, a missing
# permission) are reported as the sender's fault as well, but would quarantine every event.
_REFUSALS: Final = frozenset({"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"})
# A relay publishes what it does not know.
_ANY_SCHEMA: Final = 1_000_000
# What a call may take, with all its attempts and the SDK's pauses between them. No call begins with
# less time left: the rest is retried later. A function that Lambda ends would repeat the whole
# batch.
CALL_SECONDS: Final = 10.0
# After so many failed batches in a row no further one is sent: each would wait as long for the same
# answer.
_FAILED_BATCHES: Final = 3


class Relay:
    """Publishes event items on the topic, then removes their marks. After a failure between the two
    an event is published again later: readers recognise it by its id."""

    def __init__(self, table: Table, sns: "SNSClient", topic_arn: str) -> None:
        self._table = Table(table.name, table.client, _ANY_SCHEMA, shards=table.shards)
        self._sns = sns
        self._topic_arn = topic_arn

    @classmethod
    def connected(cls, settings: OutboxSettings) -> "Relay":
        """The relay of a function, from its settings."""
        # All attempts at a call fit into CALL_SECONDS.
        client = aws.client("dynamodb", connect=0.5, read=1)
        table = Table(settings.table_name, client, shards=settings.shards)
        sns = aws.client("sns", connect=0.5, read=2, attempts=2)
        return cls(table, sns, settings.topic_arn)

    def relay(self, stream_event: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Publish the new event items of a stream's batch; the answer names the records that were
        not published."""
        places: dict[tuple[str, str], str] = {}
        items: list[Item] = []
        for record in stream_event["Records"]:
            image = record["dynamodb"].get("NewImage")
            if image is None or "unsent" not in image:
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
        """Publish events that have been unsent for over a minute, and count the quarantined ones;
        return how many were unsent."""
        quarantined = self._table.query(
            "#unsent = :mark", {"mark": QUARANTINE}, index=INDEX, limit=_SWEEP_LIMIT
        )
        before = clock.rfc3339(clock.now() - _SWEEP_AFTER)
        found = 0
        for mark in range(MARKS * self._table.shards):
            page = self._table.query(
                "#unsent = :mark AND #at < :before",
                {"mark": str(mark), "before": before},
                index=INDEX,
                limit=_SWEEP_LIMIT,
            )
            found += len(page.items)
            self.publish(page.items, deadline)
        if found:
            logging.logger().warning("republished events that had stayed unsent: %s", found)
        if quarantined.items:
            logging.logger().warning("events are quarantined: %s", len(quarantined.items))
        if stuck := found + len(quarantined.items):
            metrics.count("EventsStuck", stuck)
        return found

    def publish(self, items: Sequence[Item], deadline: Deadline) -> list[Item]:
        """Publish event items, in their order; return those to publish again: the topic did not
        take them, or the time is over.

        Items that can never be published are quarantined, and are not among those.
        """
        unpublished: list[Item] = []
        messages: list[_Message] = []
        for item in items:
            try:
                messages.append(_message(item))
            except Exception as cause:  # noqa: BLE001  # whatever is wrong with one item, the others are published
                logging.begin(None)
                if not self._is_quarantined(item, describe(cause), deadline):
                    unpublished.append(item)
        failed = 0
        batches = deque(_batches(messages))
        while batches:
            batch = batches.popleft()
            is_worth_it = deadline.allows(CALL_SECONDS) and failed < _FAILED_BATCHES
            refusals = self._sent(batch) if is_worth_it else {}
            if len(batch) > 1 and len(refusals) == len(batch) and all(refusals.values()):
                # One event may be at fault for all of them: the topic does not say which.
                batches.extendleft([message] for message in reversed(batch))
                continue
            failed = 0 if refusals else failed + 1
            for place, message in enumerate(batch):
                if not self._is_settled(message, refusals.get(place), deadline):
                    unpublished.append(message.item)
        return unpublished

    def _sent(self, batch: Sequence["_Message"]) -> dict[int, str]:
        """Send a batch, under its first event's request; return why the topic never takes an event,
        by its place: empty if it has taken it. An event without an entry is retried later."""
        logging.begin(batch[0].fact.request_id)
        try:
            answer = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[
                    {
                        "Id": str(place),
                        "Message": message.text,
                        "MessageAttributes": {
                            TYPE_ATTRIBUTE: {"DataType": "String", "StringValue": message.fact.type}
                        },
                    }
                    for place, message in enumerate(batch)
                ],
            )
        except (BotoCoreError, ClientError) as error:
            # Other batches go on; the stream or the sweeper retries this one.
            logging.logger().exception("could not publish a batch")
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            return dict.fromkeys(range(len(batch)), code) if code in _REFUSALS else {}
        refusals = dict.fromkeys((int(entry["Id"]) for entry in answer.get("Successful", ())), "")
        for refused in answer.get("Failed", ()):
            logging.logger().error("the topic refused an event: %s", refused["Code"])
            if refused.get("SenderFault") and refused["Code"] in _REFUSALS:
                refusals[int(refused["Id"])] = refused["Code"]
        return refusals

    def _is_settled(self, message: "_Message", refusal: str | None, deadline: Deadline) -> bool:
        """Whether the event need not be published again, now that its item says so."""
        fact = message.fact
        logging.begin(fact.request_id, event_id=fact.id)
        if refusal is None:
            logging.logger().error("could not publish %s", fact.type)
            return False
        if refusal:
            reason = f"the topic refuses it: {refusal}"
            return self._is_quarantined(message.item, reason, deadline)
        if not self._is_changed(message.item, "REMOVE #unsent", deadline):
            return False
        logging.logger().info("published %s", fact.type)
        return True

    def _is_quarantined(self, item: Item, reason: str, deadline: Deadline) -> bool:
        values = {"mark": QUARANTINE, "reason": reason}
        update = "SET #unsent = :mark, #reason = :reason"
        if not self._is_changed(item, update, deadline, values):
            return False
        logging.logger().error("quarantined %s %s: %s", item["pk"], item["sk"], reason)
        metrics.count("EventsStuck")
        return True

    def _is_changed(
        self, item: Item, update: str, deadline: Deadline, values: dict[str, str] | None = None
    ) -> bool:
        """Change the mark of an event; False if the event has to be relayed again for it."""
        if not deadline.allows(CALL_SECONDS):
            return False
        try:
            if not self._table.update_unseen(
                {"pk": item["pk"], "sk": item["sk"]}, update, values=values
            ):
                logging.logger().warning("the item of an event is gone")
        except (BotoCoreError, ClientError):
            logging.logger().exception("could not change the mark of an event")
            return False
        return True


@dataclass(frozen=True)
class _Message:
    """An event item on its way to the topic."""

    item: Item
    fact: Event
    text: str
    size: int  # in bytes, as SNS counts it


class _TooLarge(OwnError):
    """More than the topic takes of one event."""


def _message(item: Item) -> _Message:
    fact = Event.model_validate(item["event"])
    # As it is stored: the model would leave out what it does not know.
    text = json.dumps(item["event"], ensure_ascii=False, separators=(",", ":"), default=_fraction)
    # What SNS counts, in bytes: the message, and its attribute's name, type and value.
    attribute = len(TYPE_ATTRIBUTE) + len("String") + len(fact.type)
    size = len(text.encode()) + attribute
    if size > _BATCH_BYTES:
        raise _TooLarge(f"the event has {size} bytes")
    return _Message(item, fact, text, size)


def _fraction(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError("JSON has no such value")


def _batches(messages: Iterable[_Message]) -> Iterator[list[_Message]]:
    """As few batches as SNS takes, in the same order."""
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

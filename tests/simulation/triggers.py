"""What AWS does by itself, done when a test asks for it: streams reach their relays, queues their
workers, schedules tick.

It keeps to what AWS promises: a batch without an answer is delivered again, and so is a message
that was not handled, after its visibility time-out. Where it does more than AWS promises a test
must say so itself: `publish` and `deliver` bring nothing that was done a second time
(tests/histories do), and the topic hands every event to its queues at once and once. A stream does
not wait for a batch that failed, as AWS does, nor halve it: that is harder, not easier.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, Final

from tests.simulation.cloud import ACCOUNT, REGION, Cloud, Message, Queue
from tests.simulation.resources import STREAMS, SWEEPERS, WORKERS, Stream
from tests.support.lambda_events import QUEUE_RECORD, SCHEDULED

_MOST_ROUNDS: Final = 60


class Broken(BaseException):
    """The simulation itself made a mistake: no function and no trigger may take it for one of
    AWS's."""


class Lost(Exception):
    """The outcome of the invocation is unknown: its process died, or its time was up."""


@dataclass
class _Batch:
    records: list[dict[str, Any]]
    attempts: int = 0


class Triggers(ABC):
    """All event sources of the template."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._waiting: dict[str, list[_Batch]] = {}

    @abstractmethod
    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Run a function.

        Raises:
            Lost: it died, or ran out of time.
        """

    def forget_deliveries(self) -> None:
        """Streams give up what waits in them, as they do when its attempts are used up or a day has
        passed."""
        self._waiting.clear()
        for stream in STREAMS:
            self.cloud.dynamodb.tables[stream.table].stream = []

    def snapshot_deliveries(self) -> Callable[[], None]:
        """What brings back what waits in the streams now."""
        kept = {
            table: [replace(batch, records=list(batch.records)) for batch in batches]
            for table, batches in self._waiting.items()
        }

        def restore() -> None:
            self._waiting = {
                table: [replace(batch, records=list(batch.records)) for batch in batches]
                for table, batches in kept.items()
            }

        return restore

    def publish(self) -> int:
        """Bring what is new in the tables to the relays, each batch once; return how much was new
        or is done now."""
        moved = 0
        for stream in STREAMS:
            waiting = self._waiting.setdefault(stream.table, [])
            new = self._new_records(stream)
            moved += len(new)
            waiting += [
                _Batch(list(records)) for records in batched(new, stream.batch_size, strict=False)
            ]
            for batch in list(waiting):
                moved += self._relay(stream, batch)
                if not batch.records or batch.attempts >= stream.attempts:
                    waiting.remove(batch)
        return moved

    def _new_records(self, stream: Stream) -> list[Any]:
        table = self.cloud.dynamodb.tables[stream.table]
        taken: list[Any] = table.stream
        table.stream = []
        return list(filter(stream.carries, taken))

    def _relay(self, stream: Stream, batch: _Batch) -> int:
        """Hand a batch to its relay; it is delivered again from the first record that failed."""
        batch.attempts += 1
        before = len(batch.records)
        try:
            answer = self.invoke(stream.relay, {"Records": batch.records})
        except Exception:  # noqa: BLE001  # as Lambda does: the batch is delivered again after any error
            return 0
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        places = [
            place
            for place, record in enumerate(batch.records)
            if record["dynamodb"]["SequenceNumber"] in failed
        ]
        batch.records = batch.records[places[0] :] if places else []
        return before - len(batch.records)

    def deliver(self, queue: str, *, times: int = 1, backwards: bool = False) -> int:
        """Hand all that a queue shows to its worker, and return how much was done and deleted.

        Args:
            times: how often each message comes.
            backwards: the newest first.
        """
        shown = [m for m in self.cloud.queues[queue].messages if m.visible_at <= self.cloud.now()]
        copies = [message for message in shown[:: -1 if backwards else 1] for _ in range(times)]
        return self.hand_over(queue, copies)

    def hand_over(self, queue: str, messages: Iterable[Message]) -> int:
        """Hand these messages of a queue to its worker, as often as they are named and in this
        order."""
        source, worker = self.cloud.queues[queue], WORKERS[queue]
        done = 0
        ended: set[str] = set()
        for batch in batched(messages, worker.batch_size, strict=False):
            records = [
                as_record(queue, f"{place}", message)
                for place, message in enumerate(batch)
                if self._received(source, message)
            ]
            if not records:
                continue
            try:
                answer = self.invoke(worker.function, {"Records": records})
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            except Exception:  # noqa: BLE001  # as Lambda does
                failed = {record["messageId"] for record in records}
            handled = [record for record in records if record["messageId"] not in failed]
            ended |= {record["receiptHandle"] for record in handled}
            done += len(handled)
        # Of several copies, one that was done deletes the message; the others were on their way
        # already.
        source.messages = [m for m in source.messages if m.id not in ended]
        return done

    def _received(self, source: Queue, message: Message) -> bool:
        message.received += 1
        message.first_received_at = message.first_received_at or self.cloud.now()
        message.visible_at = self.cloud.now() + source.visibility_seconds
        if source.dead_letters and message.received > source.most_receives:
            if message in source.messages:
                source.messages.remove(message)
                self.cloud.queues[source.dead_letters].messages.append(message)
            return False
        return True

    def tick(self, sweeper: str) -> None:
        """The schedule calls a sweeper. One that fails is called again when the schedule says
        so."""
        if sweeper not in SWEEPERS:
            raise ValueError(f"{sweeper} has no schedule")
        with suppress(Exception):
            self.invoke(sweeper, SCHEDULED)

    def settle(self) -> None:
        """Go on until nothing moves any more: what is still in a queue then waits for its time."""
        for _ in range(_MOST_ROUNDS):
            if not self.publish() + sum(self.deliver(queue) for queue in WORKERS):
                return
        raise AssertionError("the shop does not come to rest")

    def is_quiet(self) -> bool:
        """Whether no message and no record is on its way, visible or not."""
        return not any(self._waiting.values()) and not any(
            self.cloud.queues[queue].messages for queue in WORKERS
        )


def as_record(queue: str, id_: str, message: Message) -> dict[str, Any]:
    """A message as Lambda hands it to a function."""
    first_received = str(int(message.first_received_at * 1000))
    return QUEUE_RECORD | {
        "messageId": id_,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {
            **QUEUE_RECORD["attributes"],
            "ApproximateReceiveCount": str(message.received),
            "SentTimestamp": first_received,
            "ApproximateFirstReceiveTimestamp": first_received,
        },
        "messageAttributes": {
            name: {"dataType": given["DataType"], "stringValue": given["StringValue"]}
            for name, given in message.attributes.items()
        },
        "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
    }

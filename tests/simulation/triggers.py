"""What AWS does by itself, done when a test asks for it: streams reach their relays, queues their
workers, schedules tick.

A batch without an answer is delivered again, and so is a message that was not handled, after its
visibility timeout. Where AWS promises less, a test brings events again or in another order
(tests/histories). A stream does not wait for a batch that failed, nor halve it, as AWS does: that
is harder, not easier.
"""

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from tests.simulation.cloud import ACCOUNT, REGION, Cloud, Message, Queue
from tests.simulation.resources import SCHEDULES, STREAMS, WORKERS, Stream
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
        """Return what restores what waits in the streams now."""
        kept = copy.deepcopy(self._waiting)

        def restore() -> None:
            self._waiting = copy.deepcopy(kept)

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
        try:
            answer = self.invoke(stream.relay, {"Records": batch.records})
        except Exception:  # noqa: BLE001  # as Lambda does: the batch is delivered again after any error
            return 0
        done = relayed(batch.records, answer)
        batch.records = batch.records[done:]
        return done

    def deliver(self, queue: str) -> int:
        """Hand all visible messages of a queue to its worker; return the number it handled."""
        now = self.cloud.now()
        return self.hand_over(
            queue, [m for m in self.cloud.queues[queue].messages if m.visible_at <= now]
        )

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
            with suppress(Exception):  # as Lambda does
                handles = handled(records, self.invoke(worker.function, {"Records": records}))
                ended.update(handles)
                done += len(handles)
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
        if sweeper not in SCHEDULES:
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


def relayed(records: Sequence[Any], answer: Any) -> int:
    """How many of a stream's records are done: those before the first that failed."""
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return next(
        (n for n, r in enumerate(records) if r["dynamodb"]["SequenceNumber"] in failed),
        len(records),
    )


def handled(records: Sequence[Any], answer: Any) -> list[str]:
    """The receipt handles of a queue's records that a worker handled."""
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return [r["receiptHandle"] for r in records if r["messageId"] not in failed]


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

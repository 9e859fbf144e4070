"""What AWS does between the services by itself: streams reach their relays, queues their workers, schedules tick.

Each source is a loop in a thread of its own. It keeps to what AWS promises and no more: a batch whose worker died comes
again, as a whole.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import batched
from typing import Any, Final

from tests.kills.account import Account
from tests.kills.crew import Crew
from tests.kills.lambda_service import LambdaService
from tests.simulation.resources import STREAMS, SWEEPERS, WORKERS, Stream
from tests.support import lambda_events
from tools.runtime_api import Answer

# 21 in the template. A stream that gives up this early leaves events to the sweepers.
_STREAM_ATTEMPTS: Final = 2
_POLLERS: Final = 2  # of each queue
_PAUSE: Final = 0.2


class EventSources:
    """All of the template; `crew` are their loops."""

    def __init__(self, account: Account, service: LambdaService) -> None:
        self.crew = Crew()
        self._account = account
        self._service = service
        self.redelivered: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()
        """Records that a stream gave up after its attempts."""
        self.dead_letters: Counter[str] = Counter()
        self._empty_polls: Counter[str] = Counter()
        # What was received of each queue and not deleted: the last receipt handle of each message.
        self._handles: dict[str, dict[str, str]] = {queue: {} for queue in WORKERS}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the loops."""
        for queue in WORKERS:
            for _ in range(_POLLERS):
                self.crew.loop(lambda queue=queue: self._poll_queue(queue))  # type: ignore[misc]  # bound now
        for stream in STREAMS:
            self.crew.loop(self._stream_poller(stream))

    def tick(self) -> None:
        """Every schedule calls its sweeper; one that is killed is called again when the schedule says so."""
        for sweeper in SWEEPERS:
            self._invoke(sweeper, lambda_events.schedule(sweeper))

    def show_everything(self) -> None:
        """What was put off comes again now, and dead letters are brought back as `make dlq` does."""
        sqs = self._account.client("sqs")
        with self._lock:
            waiting = {queue: list(handles.values()) for queue, handles in self._handles.items()}
        for queue, handles in waiting.items():
            url = self._account.names[queue]
            for handle in handles:
                # Deleted meanwhile, or moved to the dead letters.
                with suppress(sqs.exceptions.ClientError):
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
                    )
            self._redrive(queue)

    def wait_until_idle(self, seconds: float = 30) -> None:
        """Until the streams are read to their ends and the queues show nothing."""
        deadline = time.monotonic() + seconds
        seen = Counter(self._empty_polls)
        while time.monotonic() < deadline and not self.crew.is_over:
            time.sleep(_PAUSE)
            polled = all(self._empty_polls[s.table] >= seen[s.table] + 2 for s in STREAMS)
            if polled and not any(self.waiting_in(queue)[0] for queue in WORKERS):
                # What was taken out of them last is still worked on.
                with self._service.paused():
                    return

    def waiting_in(self, queue: str) -> tuple[int, int]:
        """How many messages the queue shows or delays, and how many it hides."""
        shown = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        hidden = "ApproximateNumberOfMessagesNotVisible"
        got = self._account.client("sqs").get_queue_attributes(
            QueueUrl=self._account.names[queue], AttributeNames=[*shown, hidden]
        )["Attributes"]
        return sum(int(got.get(name, 0)) for name in shown), int(got[hidden])

    def _invoke(self, function: str, event: Any) -> Answer:
        return self._service.invoke(function, json.dumps(event, default=_as_json).encode())

    def _poll_queue(self, queue: str) -> None:
        sqs, url, worker = self._account.client("sqs"), self._account.names[queue], WORKERS[queue]
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=worker.batch_size,
            WaitTimeSeconds=1,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return
        with self._lock:
            self._handles[queue] |= {m["MessageId"]: m["ReceiptHandle"] for m in messages}
        self.redelivered[queue] += sum(
            int(m["Attributes"]["ApproximateReceiveCount"]) > 1 for m in messages
        )
        answer = self._invoke(worker.function, {"Records": [as_record(queue, m) for m in messages]})
        if answer.error:
            return
        failed = {failure["itemIdentifier"] for failure in answer.json()["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                self._delete(queue, message["MessageId"], message["ReceiptHandle"])

    def _delete(self, queue: str, id_: str, handle: str) -> None:
        sqs = self._account.client("sqs")
        # Where it has been shown again meanwhile, this handle is too old: it comes once more.
        with suppress(sqs.exceptions.ReceiptHandleIsInvalid):
            sqs.delete_message(QueueUrl=self._account.names[queue], ReceiptHandle=handle)
        with self._lock:
            if self._handles[queue].get(id_) == handle:
                del self._handles[queue][id_]

    def _redrive(self, queue: str) -> None:
        sqs = self._account.client("sqs")
        source = self._account.names[queue]
        dead = self._account.names[queue.replace("Queue", "DeadLetters")]
        while letters := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages"):
            for letter in letters:
                sqs.send_message(QueueUrl=source, MessageBody=letter["Body"])
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
                self.dead_letters[queue] += 1

    def _stream_poller(self, stream: Stream) -> Callable[[], None]:
        streams = self._account.client("dynamodbstreams")
        [arn] = [s["StreamArn"] for s in streams.list_streams(TableName=stream.table)["Streams"]]
        [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

        def poll() -> None:
            nonlocal iterator
            got = streams.get_records(ShardIterator=iterator, Limit=stream.batch_size)
            iterator = got["NextShardIterator"]
            records = [
                {**record, "eventSourceARN": arn}
                for record in json.loads(json.dumps(got["Records"], default=_as_json))
                if stream.carries(record)
            ]
            for batch in batched(records, stream.batch_size, strict=False):
                self._relay(stream, list(batch))
            if not got["Records"]:
                self._empty_polls[stream.table] += 1
                time.sleep(_PAUSE)

        return poll

    def _relay(self, stream: Stream, records: list[dict[str, Any]]) -> None:
        """Hand a batch to its relay; from the first record that failed on it comes again, until the stream gives up."""
        for _ in range(_STREAM_ATTEMPTS):
            answer = self._invoke(stream.relay, {"Records": records})
            if answer.error:
                continue
            failed = {failure["itemIdentifier"] for failure in answer.json()["batchItemFailures"]}
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            if not failed:
                return
            records = records[min(numbers.index(number) for number in failed) :]
        self.given_up[stream.table] += len(records)


def as_record(queue: str, message: Any) -> dict[str, Any]:
    """A message as it was received from its queue, as Lambda hands it to a function."""
    return lambda_events.queue_record(
        queue,
        id_=message["MessageId"],
        handle=message["ReceiptHandle"],
        body=message["Body"],
        attributes=message["Attributes"],
        message_attributes=message.get("MessageAttributes", {}),
    )


def _as_json(value: Any) -> Any:
    """A stream's times, which are the only thing in it that is not JSON."""
    return value.timestamp()

"""How a message waits: it is sent to its queue again with a delay, and the delivered copy is finished.

So waiting takes neither an attempt of the queue's redrive policy nor a place among the messages in flight. Each such
message carries since when it waits.

A message that failed for good reasons to count the attempt stays in the queue, and is shown again after `delay`: without
that it would come after the queue's visibility time-out, six times the function's own, which is for an invocation that died.
"""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared import clock, logging

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from mypy_boto3_sqs import SQSClient

_FIRST_SECONDS: Final = 5
_LONGEST_SECONDS: Final = 900  # what SQS takes as DelaySeconds
_LONGEST_PAUSE: Final = 300
_WAITING_SINCE: Final = "WaitingSince"


class ComeAgain(Exception):
    """No failure: what can be done now is done, and the rest must wait for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"there is more to do in {math.ceil(seconds)} s")
        self.seconds = seconds


class GiveUp(Exception):
    """No later delivery succeeds before an operator has acted: the message goes to the dead letters at once, and `make dlq`
    moves it back then."""


def delay(attempt: int) -> int:
    """Seconds until the next delivery after the given attempt, counted from 1: 5, 10, 20, … up to 15 minutes."""
    return int(min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** (attempt - 1)))


def pause(waited: float, *, longest: float) -> float:
    """Seconds to wait for what has been waited for so long: half as long again, at least 5 s, with jitter."""
    base = min(max(waited / 2, _FIRST_SECONDS), longest)
    return base * random.uniform(1, 1.2)  # noqa: S311  # not for secrets


class Redelivery:
    """Lets messages of one queue wait.

    Args:
        queue_url: the queue.
        sqs: gives the client, asked for when the first message must wait: most invocations have none.
    """

    def __init__(self, queue_url: str, sqs: Callable[[], "SQSClient"]) -> None:
        self._queue_url = queue_url
        self._sqs = sqs

    def send_again(self, record: "SQSRecord", *, seconds: float | None = None) -> bool:
        """Send the message again, to be delivered after `seconds`; by default half as long as it has waited.

        The caller may finish the delivered message only if this returns True. A caller that dies in between leaves two
        messages, as does a queue that delivers twice: workers handle an event again without harm.
        """
        since = waiting_since(record)
        if seconds is None:
            waited = (clock.now() - since).total_seconds()
            seconds = pause(waited, longest=_LONGEST_PAUSE)
        try:
            self._sqs().send_message(
                QueueUrl=self._queue_url,
                MessageBody=record.body,
                DelaySeconds=min(math.ceil(seconds), _LONGEST_SECONDS),
                MessageAttributes={
                    _WAITING_SINCE: {"DataType": "String", "StringValue": clock.rfc3339(since)}
                },
            )
        except (BotoCoreError, ClientError):
            logging.logger().warning("a message could not be sent again", exc_info=True)
            return False
        return True

    def put_off(self, receipt_handle: str, *, seconds: int) -> None:
        """Let the queue show the message again after so long."""
        try:
            self._sqs().change_message_visibility(
                QueueUrl=self._queue_url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (BotoCoreError, ClientError):
            # Then the queue's own time-out holds: later, but nothing is lost.
            logging.logger().warning("a message could not be put off", exc_info=True)


def waiting_since(record: "SQSRecord") -> datetime:
    """When the message was first received, also before it was sent again."""
    attribute = record["messageAttributes"].get(_WAITING_SINCE)
    if attribute:
        return datetime.fromisoformat(attribute["stringValue"])
    first = int(record.attributes.approximate_first_receive_timestamp) / 1000
    return datetime.fromtimestamp(first, UTC)

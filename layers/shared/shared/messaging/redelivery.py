"""What becomes of a message that was not handled: it waits, or it goes to the dead letters.

A message that waits is sent to its queue again with a delay, and the delivered copy is finished. So
waiting takes neither an attempt of the queue's redrive policy nor a place among the messages in
flight. The attribute `WaitingSince` of such a message has the time at which it was first received.

A message whose failure counts as an attempt stays in the queue, and is visible again after `delay`:
without that it would stay hidden for the queue's visibility timeout, six times the function's own
time-out, which is for an invocation that died.
"""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.contracts.events import TYPE_ATTRIBUTE
from shared.errors import OwnError
from shared.runtime import clock, logging, metrics
from shared.runtime.error_text import describe
from shared.runtime.settings import QueueSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from mypy_boto3_sqs import SQSClient

_FIRST_SECONDS: Final = 5
_LONGEST_SECONDS: Final = 900  # what SQS takes as DelaySeconds
_LONGEST_PAUSE: Final = 300
_LONGEST_REASON: Final = 300
_WAITING_SINCE: Final = "WaitingSince"


class RetryLater(OwnError):
    """Not a failure: what can be done now is done, and the rest has to wait for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"there is more to do in {math.ceil(seconds)} s")
        self.seconds = seconds


class PermanentFailure(OwnError):
    """No later delivery succeeds before an operator has acted: the message goes to the dead letters
    at once, and the operator moves it back with `make dlq`."""


def delay(attempt: int) -> int:
    """Seconds until the next delivery after the given attempt, counted from 1: 5, 10, 20, … up to
    15 minutes."""
    return int(min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** (attempt - 1)))


def pause(waited: float, *, longest: float) -> float:
    """Seconds until the next attempt: half the time `waited` so far, between 5 s and `longest`,
    plus up to a fifth of jitter."""
    base = min(max(waited / 2, _FIRST_SECONDS), longest)
    return base * random.uniform(1, 1.2)  # noqa: S311  # not for secrets


class MessageQueue:
    """One queue and its dead-letter queue. A worker may finish the delivered message only after
    `send_again` or `give_up` has returned True. If it dies in between, the message is there twice,
    which is harmless: workers handle an event again without harm.

    Args:
        sqs: returns the client; called when the first message needs it, because most invocations
            have none that does.
    """

    def __init__(self, settings: QueueSettings, sqs: Callable[[], "SQSClient"]) -> None:
        self._settings = settings
        self._sqs = sqs

    def send_again(self, record: "SQSRecord", *, seconds: float | None = None) -> bool:
        """Send the message again, to be delivered after `seconds`; by default after `pause`, from
        the time that it has waited."""
        since = waiting_since(record)
        if seconds is None:
            waited = (clock.now() - since).total_seconds()
            seconds = pause(waited, longest=_LONGEST_PAUSE)
        return self._is_sent(
            self._settings.queue_url,
            record,
            {_WAITING_SINCE: clock.rfc3339(since)},
            seconds=min(math.ceil(seconds), _LONGEST_SECONDS),
        )

    def give_up(self, record: "SQSRecord", reason: str, *, function: str) -> bool:
        """Write the message and why it failed into the dead-letter queue.

        The queue's own redrive policy would move a message without a reason. It remains for what no
        worker can report: attempts that died, and a dead-letter queue that could not be reached.
        """
        attributes = {
            "Reason": reason,
            "FailedFunction": function,
            "RequestId": logging.request_id(),
            "Attempts": record.attributes.approximate_receive_count,
            "FirstReceivedAt": clock.rfc3339(waiting_since(record)),
            "SourceMessageId": record.message_id,
        }
        if not self._is_sent(self._settings.dead_letters_url, record, attributes):
            return False
        logging.logger().error("given up: %s", reason)
        metrics.count("DeadLetters")
        return True

    def is_last(self, attempt: int) -> bool:
        """Whether that attempt, counted from 1, is a message's last."""
        return attempt >= self._settings.delivery_attempts

    def delay_delivery(self, receipt_handle: str, *, seconds: int) -> None:
        """Make the message visible again after `seconds`."""
        try:
            self._sqs().change_message_visibility(
                QueueUrl=self._settings.queue_url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (BotoCoreError, ClientError):
            # Then the queue's visibility timeout holds: later, but nothing is lost.
            logging.logger().warning(
                "the delivery of a message could not be delayed", exc_info=True
            )

    def _is_sent(
        self, queue_url: str, record: "SQSRecord", attributes: dict[str, str], *, seconds: int = 0
    ) -> bool:
        if stated := stated_type(record):
            attributes = {TYPE_ATTRIBUTE: stated, **attributes}
        try:
            self._sqs().send_message(
                QueueUrl=queue_url,
                MessageBody=record.body,
                DelaySeconds=seconds,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )
        except (BotoCoreError, ClientError):
            # Then it is delivered again; after the last attempt the redrive policy moves it.
            logging.logger().warning("a message could not be sent", exc_info=True)
            return False
        return True


def reason_of(error: Exception) -> str:
    """What failed, in a short printable line without the data that it failed on."""
    text = "".join(c if c.isprintable() else " " for c in describe(error))
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def stated_type(record: "SQSRecord") -> str | None:
    """The type that the filter of a subscription has admitted: a message of a topic has it as an
    attribute, and keeps it when it is sent again or given up. None for a message that no topic
    sent."""
    attribute = record["messageAttributes"].get(TYPE_ATTRIBUTE)
    return attribute["stringValue"] if attribute else None


def waiting_since(record: "SQSRecord") -> datetime:
    """When the message was first received, also before it was sent again."""
    attribute = record["messageAttributes"].get(_WAITING_SINCE)
    if attribute:
        return datetime.fromisoformat(attribute["stringValue"])
    first = int(record.attributes.approximate_first_receive_timestamp) / 1000
    return datetime.fromtimestamp(first, UTC)

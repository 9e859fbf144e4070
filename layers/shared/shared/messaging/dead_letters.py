"""Where the messages of a queue go that their worker gives up: the dead-letter queue, with the
reason beside them.

The queue's own redrive policy would move a message without a reason. It remains for what no worker
can report: attempts that died, and a dead-letter queue that could not be reached.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.messaging.redelivery import waiting_since
from shared.runtime import clock, context, logging, metrics
from shared.runtime.error_text import describe

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from mypy_boto3_sqs import SQSClient

_LONGEST_REASON = 300


class DeadLetters:
    """The dead-letter queue of one queue.

    Args:
        url: the dead-letter queue.
        attempts: how often the queue delivers a message; its redrive policy's `maxReceiveCount`.
        sqs: returns the client; called when a message is given up, because most invocations give up
            none.
    """

    def __init__(self, url: str, attempts: int, sqs: Callable[[], "SQSClient"]) -> None:
        self._url = url
        self._attempts = attempts
        self._sqs = sqs

    def are_due_after(self, attempt: int) -> bool:
        """Whether that attempt, counted from 1, was a message's last."""
        return attempt >= self._attempts

    def take(self, record: "SQSRecord", reason: str, *, function: str) -> bool:
        """Write the message and why it failed into the dead-letter queue.

        The caller may finish the delivered message only if this returns True. A caller that dies in
        between leaves the message in both queues, which is harmless: workers handle an event again
        without harm.
        """
        attributes = {
            "Reason": reason,
            "FailedFunction": function,
            "RequestId": context.request_id(),
            "Attempts": record.attributes.approximate_receive_count,
            "FirstReceivedAt": clock.rfc3339(waiting_since(record)),
            "SourceMessageId": record.message_id,
        }
        try:
            self._sqs().send_message(
                QueueUrl=self._url,
                MessageBody=record.body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )
        except (BotoCoreError, ClientError):
            # Then it is delivered again, and after the last attempt the queue's redrive policy
            # moves it.
            logging.logger().warning("a dead letter could not be written", exc_info=True)
            return False
        logging.logger().error("given up: %s", reason)
        metrics.count("DeadLetters")
        return True


def reason_of(error: Exception) -> str:
    """What failed, in a short printable line without the data that it failed on."""
    text = "".join(c if c.isprintable() else " " for c in describe(error))
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"

"""When a failed message comes again: soon at first, for most failures pass, and later with every attempt.

Without this it would come after the queue's visibility time-out, six times the function's own and so minutes later;
that is the time for an invocation that died.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared import logging

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_FIRST_SECONDS = 5
_LONGEST_SECONDS = 900


class ComeAgain(Exception):
    """No failure: what can be done now is done, and the rest must wait. The message is to come again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"there is more to do in {seconds} s")
        self.seconds = seconds


class GiveUp(Exception):
    """No later delivery succeeds before an operator has acted: the message goes to the dead letters at once, and `make dlq`
    moves it back then."""


def delay(attempt: int) -> int:
    """Seconds until the next delivery after the given attempt, counted from 1: 5, 10, 20, … up to 15 minutes."""
    return int(min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** (attempt - 1)))


class Redelivery:
    """Puts messages of one queue off.

    Args:
        queue_url: the queue.
        sqs: gives the client, asked for when the first message is put off: most invocations have none.
    """

    def __init__(self, queue_url: str, sqs: Callable[[], "SQSClient"]) -> None:
        self._queue_url = queue_url
        self._sqs = sqs

    def put_off(self, receipt_handle: str, *, seconds: int) -> None:
        """Let the message come again after so long."""
        try:
            self._sqs().change_message_visibility(
                QueueUrl=self._queue_url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (BotoCoreError, ClientError):
            # Then the queue's own time-out holds: later, but nothing is lost.
            logging.logger().warning("a message could not be put off", exc_info=True)

"""A queue and its dead-letter queue in memory, and batches of messages."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError, EndpointConnectionError

from shared.contracts.events import Event
from shared.messaging.workers import queue_worker
from shared.runtime.settings import QueueSettings
from tests.support.context import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

REFUSED: Final = ClientError({"Error": {"Code": "InternalError"}}, "AnyOperation")
FIRST_RECEIVED: Final = "2026-11-20T08:30:00.131Z"


class Queues:
    """What the worker asked of them, in the order of its calls.

    Args:
        down: the name of the queue all of whose calls fail, with `failure`.
        cannot_send: whether sending to the queue fails.

    Attributes:
        delayed: handles of messages whose visibility was changed, and by how many seconds.
        resent: bodies that were sent to the queue again, with their delay and since when they wait.
        dead_letters: bodies in the dead-letter queue, with their attributes.
    """

    def __init__(
        self, *, down: str = "", cannot_send: bool = False, failure: Exception = REFUSED
    ) -> None:
        self.delayed: list[tuple[str, int]] = []
        self.resent: list[tuple[str, int, str]] = []
        self.dead_letters: list[tuple[str, dict[str, str]]] = []
        self._down = down
        self._failure = failure
        self._cannot_send = cannot_send

    def deliver(
        self, react: Callable[[Event], None], batch: dict[str, Any], function: str = "Worker"
    ) -> list[str]:
        """Have a worker handle the batch; return the ids of the messages that failed."""
        settings = QueueSettings("the-queue", "the-dead-letters", delivery_attempts=8)
        worker = queue_worker(react, settings, lambda: cast("SQSClient", self))
        answer = worker(batch, LambdaContext(function_name=function))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803  # boto3's names
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        self._reach(QueueUrl, "the-queue")
        self.delayed.append((ReceiptHandle, VisibilityTimeout))

    def send_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MessageBody: str,  # noqa: N803
        MessageAttributes: dict[str, dict[str, str]],  # noqa: N803
        DelaySeconds: int | None = None,  # noqa: N803
    ) -> None:
        attributes = {name: value["StringValue"] for name, value in MessageAttributes.items()}
        if DelaySeconds is None:
            self._reach(QueueUrl, "the-dead-letters")
            self.dead_letters.append((MessageBody, attributes))
            return
        self._reach(QueueUrl, "the-queue")
        if self._cannot_send:
            raise EndpointConnectionError(endpoint_url="the-queue")
        self.resent.append((MessageBody, DelaySeconds, attributes["WaitingSince"]))

    def _reach(self, queue: str, expected: str) -> None:
        assert queue == expected
        if queue == self._down:
            raise self._failure


def an_event(number: int) -> Event:
    return Event(
        id=f"order-{number}.1",
        type="order.placed",
        aggregate_id=f"order-{number}",
        version=1,
        at="2026-11-20T12:00:00.000Z",
        request_id=f"request-{number}",
        data={},
    )


def delivered(*bodies: str, attempt: int = 1) -> dict[str, Any]:
    """A batch of messages m0, m1, …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"handle-{number}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(attempt),
                    "ApproximateFirstReceiveTimestamp": "1795163400131",
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
                "awsRegion": "eu-west-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def events(count: int, attempt: int = 1) -> dict[str, Any]:
    bodies = (an_event(number).model_dump_json() for number in range(count))
    return delivered(*bodies, attempt=attempt)

"""A queue whose worker gave messages up, and a person at the tool."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from shared.runtime.aws import client
from tools.dlq import commands
from tools.dlq.commands import Desk
from tools.dlq.queues import DeadLetter, DeadLetterQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Shop:
    """A queue and its dead letters on a mocked account, and somebody who answers the tool's questions."""

    def __init__(self) -> None:
        self.sqs = client("sqs")
        self.source = self.sqs.create_queue(QueueName="Checkout")["QueueUrl"]
        self.url = self.sqs.create_queue(QueueName="CheckoutDeadLetters")["QueueUrl"]
        self.asked: list[str] = []
        self.answers: str | None = ""

    @property
    def letters(self) -> DeadLetterQueue:
        return DeadLetterQueue(self.sqs, "checkout", self.url, self.source, patience=0)

    @property
    def desk(self) -> Desk:
        return Desk({"checkout": self.letters}, "the shop", " PORT=3100", self._answer)

    def _answer(self, question: str) -> str:
        self.asked.append(question)
        if self.answers is None:
            raise EOFError
        return self.answers

    def given_up(self, *bodies: str) -> list[DeadLetter]:
        """Messages that SQS itself moved."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)
        return self.letters.peek(100)

    def waiting(self) -> list[Any]:
        """What the source queue shows."""
        return self.sqs.receive_message(
            QueueUrl=self.source,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
        ).get("Messages", [])

    def redrive(self, *, only: str | None = None, agreed: bool = False) -> None:
        commands.redrive(self.desk, self.letters, only=only, agreed=agreed)

    def purge(self, *, only: str | None = None) -> None:
        commands.purge(self.desk, self.letters, only=only)


def bodies(letters: list[DeadLetter]) -> list[str]:
    return [letter.body for letter in letters]


def refusing(sqs: "SQSClient", operation: str) -> None:
    """AWS refuses an operation from now on."""

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, operation)

    sqs.meta.events.register(f"before-call.sqs.{operation}", refuse)

"""A topic of SNS in memory."""

from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError

from shared.contracts.events import Event

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012:events"
LARGEST_BATCH, LARGEST_BYTES = 10, 262_144  # "PublishBatch", Amazon SNS API Reference


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "PublishBatch")


class FakeTopic:
    """Takes messages, except of the aggregates in `refused`, and of batches with an aggregate in
    `broken`.

    Attributes:
        refusal: its answer for each message that it refuses.
        failure: what the client raises for a batch with one of those in `broken`.
        takes_seconds: how long each call takes.
    """

    def __init__(self) -> None:
        self.refusal: dict[str, Any] = {"Code": "InternalError", "SenderFault": False}
        self.failure: Exception = client_error("InternalError")
        self.texts: list[str] = []
        self.events: list[Event] = []
        self.types: list[Any] = []
        self.batches: list[int] = []
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        self.takes_seconds = 0.0
        self.seconds = 0.0

    @property
    def aggregates(self) -> list[str]:
        return [fact.aggregate_id for fact in self.events]

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: Any) -> Any:  # noqa: N803  # boto3's names
        assert TopicArn == TOPIC
        self.seconds += self.takes_seconds
        entries = PublishBatchRequestEntries
        self.batches.append(len(entries))
        facts = {entry["Id"]: Event.model_validate_json(entry["Message"]) for entry in entries}
        assert len(facts) == len(entries) <= LARGEST_BATCH
        if self.broken & {fact.aggregate_id for fact in facts.values()}:
            raise self.failure
        if sum(map(_bytes, entries)) > LARGEST_BYTES:
            raise client_error("BatchRequestTooLong")
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            fact = facts[entry["Id"]]
            if fact.aggregate_id in self.refused:
                answer["Failed"].append({"Id": entry["Id"], **self.refusal})
                continue
            self.texts.append(entry["Message"])
            self.events.append(fact)
            self.types.append(entry["MessageAttributes"])
            answer["Successful"].append({"Id": entry["Id"], "MessageId": "m"})
        return answer

    def client(self) -> "SNSClient":
        return cast("SNSClient", self)


def _bytes(entry: Any) -> int:
    """What SNS counts of a batch's entry."""
    texts = [entry["Message"]]
    for name, attribute in entry["MessageAttributes"].items():
        texts += [name, attribute["DataType"], attribute["StringValue"]]
    return len("".join(texts).encode())

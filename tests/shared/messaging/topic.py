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
        published: the entries that it took.
        batches: the size of each batch.
    """

    def __init__(self) -> None:
        self.refusal: dict[str, Any] = {"Code": "InternalError", "SenderFault": False}
        self.failure: Exception = client_error("InternalError")
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        self.published: list[Any] = []
        self.batches: list[int] = []

    @property
    def events(self) -> list[Event]:
        return [_event(entry) for entry in self.published]

    @property
    def aggregates(self) -> list[str]:
        return [fact.aggregate_id for fact in self.events]

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: Any) -> Any:  # noqa: N803  # boto3's names
        assert TopicArn == TOPIC
        entries = PublishBatchRequestEntries
        self.batches.append(len(entries))
        assert len({entry["Id"] for entry in entries}) == len(entries) <= LARGEST_BATCH
        if any(_event(entry).aggregate_id in self.broken for entry in entries):
            raise self.failure
        if sum(map(_bytes, entries)) > LARGEST_BYTES:
            raise client_error("BatchRequestTooLong")
        refused = [entry for entry in entries if _event(entry).aggregate_id in self.refused]
        taken = [entry for entry in entries if entry not in refused]
        self.published += taken
        return {
            "Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in taken],
            "Failed": [{"Id": entry["Id"], **self.refusal} for entry in refused],
        }

    def client(self) -> "SNSClient":
        return cast("SNSClient", self)


def _event(entry: Any) -> Event:
    return Event.model_validate_json(entry["Message"])


def _bytes(entry: Any) -> int:
    """What SNS counts of a batch's entry."""
    texts = [entry["Message"]]
    for name, attribute in entry["MessageAttributes"].items():
        texts += [name, attribute["DataType"], attribute["StringValue"]]
    return len("".join(texts).encode())

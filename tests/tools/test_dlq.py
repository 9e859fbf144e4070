"""`make dlq`: dead letters are listed, shown, moved back and deleted, and none is lost."""

from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from shared.messaging import outbox
from shared.messaging.publishing import Relay
from shared.messaging.workers import queue_worker
from shared.runtime.aws import client
from shared.runtime.settings import QueueSettings
from shared.storage.dynamodb import Table
from tests.shared.messaging.topic import TOPIC, FakeTopic
from tests.support.aws import make_table
from tests.support.context import LambdaContext, a_deadline
from tools.dlq import (
    DeadLetterQueue,
    Letters,
    QuarantinedEvents,
    change,
    list_all,
    of_stack,
    show,
)
from tools.progress import Problem
from tools.template import table_definition, template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

EVENT = '{"id": "order-1.1", "type": "order.placed", "request_id": "request-1"}'
EMAIL = "ada@example.com"


@pytest.fixture
def queue(account: None) -> DeadLetterQueue:
    sqs = client("sqs")
    source, url = (
        sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("Checkout", "CheckoutDeadLetters")
    )
    return DeadLetterQueue(sqs, url, source, wait_seconds=0)


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


@pytest.fixture
def relay(table: Table) -> Relay:
    return Relay(table, cast("SNSClient", FakeTopic()), TOPIC)


@pytest.fixture
def quarantine(table: Table, relay: Relay) -> Letters:
    """Two events that are not valid, which a sweep has found."""
    for aggregate in "ab":
        event = {"type": "order.placed", "id": f"{aggregate}.12", "data": {"email": EMAIL}}
        key = {"pk": f"ORDER#{aggregate}", "sk": outbox.sort_key(12)}
        table.put({**key, "at": "2020-01-02T12:00:00.000Z", "unsent": "3", "event": event})
    relay.sweep(a_deadline())
    return of_stack(client("sqs"), table.client, {"OrdersTableName": table.name})["orders-events"]


def test_tables_of_quarantined_events_are_those_of_the_template_that_have_such() -> None:
    outputs = {
        name: output["Value"]["Ref"]
        for name, output in template()["Outputs"].items()
        if "Ref" in output["Value"]
    }
    sources = of_stack(cast("SQSClient", None), cast("DynamoDBClient", None), outputs).values()
    tables = [source.table for source in sources if isinstance(source, QuarantinedEvents)]
    assert tables
    for table in tables:
        indexes = table_definition(table).get("GlobalSecondaryIndexes", [])
        assert outbox.INDEX in {index["IndexName"] for index in indexes}, table


def answers(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """The person at the terminal answers so."""
    monkeypatch.setattr("builtins.input", lambda _question: answer)


def bodies(queue: Letters) -> list[str]:
    with queue.reading() as letters:
        return sorted(letter.body for letter in letters)


def send(queue: DeadLetterQueue, *texts: str) -> None:
    """Dead letters that SQS itself moved."""
    for text in texts:
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=text)


def moved_back(queue: DeadLetterQueue) -> list[Any]:
    answer = queue.sqs.receive_message(
        QueueUrl=queue.source_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def test_dead_letter_of_a_worker_is_shown_with_its_reason_and_moved_without(
    queue: DeadLetterQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {
        "messageId": "m0",
        "receiptHandle": "handle",
        "body": "not an event",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": "1795163400131",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    worker = queue_worker(lambda _fact: None, QueueSettings(queue.source_url, queue.url, 8))
    worker({"Records": [record]}, LambdaContext(function_name="OrdersCheckout"))
    with queue.reading() as letters:
        [letter] = letters
    capsys.readouterr()
    show(queue)
    shown = capsys.readouterr().out
    assert letter.id in shown
    assert f"RequestId        {letter.notes['RequestId']}" in shown
    assert "Attempts         1" in shown
    assert "Reason           ValidationError: body json_invalid" in shown
    # The body may have personal data.
    assert "not an event" not in shown
    show(queue, letter.id)
    assert "body             not an event" in capsys.readouterr().out
    change(queue, "checkout", "redrive", agreed=True)
    [moved] = moved_back(queue)
    assert moved["Body"] == "not an event"
    assert "MessageAttributes" not in moved


def test_dead_letter_moved_by_sqs_is_shown_by_its_event(
    queue: DeadLetterQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    send(queue, EVENT, "\x1b[2Jcleared")
    with queue.reading() as letters:
        ids = {letter.body: letter.id for letter in letters}
    show(queue, ids[EVENT])
    shown = capsys.readouterr().out
    assert "event            order.placed order-1.1" in shown
    assert "RequestId        request-1" in shown
    assert "Reason           none: SQS moved it" in shown
    show(queue, ids["\x1b[2Jcleared"])
    # A terminal would obey the raw characters.
    assert r"body             \x1b[2Jcleared" in capsys.readouterr().out


def test_redriven_message_keeps_the_type_that_its_filter_admitted(queue: DeadLetterQueue) -> None:
    attributes = {
        name: {"DataType": "String", "StringValue": name} for name in ("type", "WaitingSince")
    }
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=EVENT, MessageAttributes=attributes)  # type: ignore[arg-type]  # of the stubs' own kind
    change(queue, "checkout", "redrive", agreed=True)
    [moved] = moved_back(queue)
    assert moved["MessageAttributes"] == {"type": attributes["type"]}


def test_redrive_of_one_message_leaves_the_others(queue: DeadLetterQueue) -> None:
    send(queue, *map(str, range(23)))
    with queue.reading() as letters:
        chosen = list(letters)[11]
    change(queue, "checkout", "redrive", chosen.id, agreed=True)
    assert [message["Body"] for message in moved_back(queue)] == [chosen.body]
    assert {*bodies(queue), chosen.body} == set(map(str, range(23)))
    assert len(bodies(queue)) == queue.count() == 22
    with pytest.raises(Problem, match="There is no message other in checkout"):
        change(queue, "checkout", "redrive", "other", agreed=True)


@pytest.mark.parametrize(("refused", "sent"), [("SendMessage", 0), ("DeleteMessage", 1)])
def test_interrupted_redrive_loses_no_message(
    queue: DeadLetterQueue, refused: str, sent: int
) -> None:
    send(queue, "a", "b")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, refused)

    queue.sqs.meta.events.register(f"before-call.sqs.{refused}", refuse)
    with pytest.raises(ClientError):
        change(queue, "checkout", "redrive", agreed=True)
    assert len(moved_back(queue)) == sent
    assert bodies(queue) == ["a", "b"]


def test_redrive_ends_when_messages_fail_again_meanwhile(
    queue: DeadLetterQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    send(queue, *map(str, range(12)))

    def fail_again(params: Any, **_: object) -> None:
        if params["QueueUrl"].endswith("/Checkout"):
            client("sqs").send_message(QueueUrl=queue.url, MessageBody="again")

    queue.sqs.meta.events.register("provide-client-params.sqs.SendMessage", fail_again)
    change(queue, "checkout", "redrive", agreed=True)
    assert "12 of 12" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["purge", "redrive"])
def test_letters_are_changed_only_when_the_queues_name_is_typed(
    queue: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    send(queue, "a")
    answers(monkeypatch, "y")
    change(queue, "checkout", action)
    assert bodies(queue) == ["a"]
    answers(monkeypatch, "checkout")
    change(queue, "checkout", action)
    assert queue.count() == 0
    assert len(moved_back(queue)) == (action == "redrive")


def test_quarantined_events_are_shown_without_personal_data(
    quarantine: Letters, capsys: pytest.CaptureFixture[str]
) -> None:
    list_all({"orders-events": quarantine}, " PORT=3100")
    listed = capsys.readouterr().out
    assert "orders-events       2" in listed
    assert "make dlq ACTION=show QUEUE=orders-events PORT=3100" in listed
    show(quarantine)
    shown = capsys.readouterr().out
    assert "id               a.12" in shown
    assert "since            2020-01-02 12:00:00 UTC" in shown
    assert "Reason           ValidationError: aggregate_id missing" in shown
    assert EMAIL not in shown


@pytest.mark.parametrize(("action", "published"), [("redrive", 1), ("purge", 0)])
def test_quarantined_event_is_published_or_stays_in_the_history_alone(
    quarantine: Letters, relay: Relay, table: Table, action: str, published: int
) -> None:
    key = {"pk": "ORDER#a", "sk": outbox.sort_key(12)}
    change(quarantine, "orders-events", action, "a.12", agreed=True)
    assert quarantine.count() == 1
    # A later release knows the event: a valid one stands for it.
    valid = outbox.event("order.placed", aggregate_id="a", version=12, at="2020-01-02", data={})
    table.update(key, "SET #event = :event", values={"event": valid.model_dump()})
    assert relay.sweep(a_deadline()) == published
    assert "unsent" not in (table.get(key) or {})

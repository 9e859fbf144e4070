"""`make dlq`: dead letters are listed, shown, moved back and deleted, and none is lost."""

from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from shared.messaging import outbox
from shared.messaging.outbox import Relay
from shared.messaging.workers import queue_worker
from shared.runtime.aws import client
from shared.runtime.settings import QueueSettings
from shared.storage.dynamodb import Table
from tests.shared.messaging.topic import TOPIC, FakeTopic
from tests.support.aws import make_table
from tests.support.context import LambdaContext, a_deadline
from tools.dlq.__main__ import change, list_all, main, show
from tools.dlq.letters import DeadLetterQueue, DeadLetters, dead_letters_of
from tools.progress import Problem

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

EVENT = '{"id": "order-1.1", "type": "order.placed", "request_id": "request-1"}'
EMAIL = "ada@example.com"


@pytest.fixture
def sqs(account: None) -> Any:
    return client("sqs")


@pytest.fixture
def queue(sqs: Any) -> DeadLetterQueue:
    source, url = (
        sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("Checkout", "CheckoutDeadLetters")
    )
    return DeadLetterQueue(sqs, "checkout", url, source, wait_seconds=0)


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


@pytest.fixture
def relay(table: Table) -> Relay:
    return Relay(table, cast("SNSClient", FakeTopic()), TOPIC)


@pytest.fixture
def quarantine(sqs: Any, table: Table, relay: Relay) -> DeadLetters:
    """Two events that are not valid, which a sweep has found."""
    for aggregate in "ab":
        event = {"type": "order.placed", "id": f"{aggregate}.12", "data": {"email": EMAIL}}
        key = {"pk": f"ORDER#{aggregate}", "sk": outbox.sort_key(12)}
        table.put({**key, "at": "2020-01-02T12:00:00.000Z", "unsent": "3", "event": event})
    relay.sweep(a_deadline())
    outputs = {"OrdersTableName": table.name}
    return dead_letters_of(sqs, table.client, outputs)["orders-events"]


def answers(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """The person at the terminal answers so."""
    monkeypatch.setattr("builtins.input", lambda _question: answer)


def bodies(queue: DeadLetters) -> list[str]:
    with queue.reading() as letters:
        return sorted(letter.body for letter in letters)


def send(queue: DeadLetterQueue, *texts: str) -> None:
    """Dead letters that SQS itself moved."""
    for text in texts:
        client("sqs").send_message(QueueUrl=queue.url, MessageBody=text)


def moved_back(queue: DeadLetterQueue) -> list[Any]:
    answer = client("sqs").receive_message(
        QueueUrl=queue.source_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def test_dead_letter_of_a_worker_is_shown_with_its_reason(
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
    show(queue, "", 10)
    shown = capsys.readouterr().out
    assert letter.id in shown
    assert f"request   {letter.notes['RequestId']}" in shown
    assert "attempts  1, by OrdersCheckout, first 2026-11-20T08:30:00.131Z" in shown
    assert "reason    ValidationError: body json_invalid" in shown
    # The body may have personal data.
    assert "not an event" not in shown
    show(queue, letter.id, 10)
    assert "body      not an event" in capsys.readouterr().out


def test_dead_letter_moved_by_sqs_is_shown_by_its_event(
    queue: DeadLetterQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    send(queue, EVENT, "\x1b[2Jcleared")
    show(queue, "", 10)
    shown = capsys.readouterr().out
    assert "event     order.placed order-1.1" in shown
    assert "request   request-1" in shown
    assert "reason    none: SQS moved it" in shown
    with queue.reading() as letters:
        [hostile] = [letter.id for letter in letters if letter.body != EVENT]
    show(queue, hostile, 10)
    # A terminal would obey the raw characters.
    assert r"body      \x1b[2Jcleared" in capsys.readouterr().out


def test_reading_shows_each_message_once_and_leaves_all_visible(queue: DeadLetterQueue) -> None:
    send(queue, *map(str, range(23)))
    assert bodies(queue) == sorted(map(str, range(23)))
    assert len(bodies(queue)) == queue.count() == 23


def test_redrive_moves_messages_without_notes(
    sqs: Any,
    queue: DeadLetterQueue,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reason = {"Reason": {"DataType": "String", "StringValue": "KeyError"}}
    sqs.send_message(QueueUrl=queue.url, MessageBody=EVENT, MessageAttributes=reason)
    send(queue, "second")
    answers(monkeypatch, "n")
    change(queue, "redrive", "")
    assert queue.count() == 2
    answers(monkeypatch, "y")
    change(queue, "redrive", "")
    assert "▸ moved back: 2 of 2" in capsys.readouterr().out
    assert queue.count() == 0
    assert sorted(message["Body"] for message in moved_back(queue)) == ["second", EVENT]
    assert all("MessageAttributes" not in message for message in moved_back(queue))


def test_redrive_of_one_message_leaves_the_others(queue: DeadLetterQueue) -> None:
    send(queue, *map(str, range(12)))
    with queue.reading() as letters:
        chosen = list(letters)[11]
    change(queue, "redrive", chosen.id, agreed=True)
    assert [message["Body"] for message in moved_back(queue)] == [chosen.body]
    assert len(bodies(queue)) == 11


@pytest.mark.parametrize(("refused", "sent"), [("SendMessage", 0), ("DeleteMessage", 1)])
def test_interrupted_redrive_loses_no_message(
    sqs: Any, queue: DeadLetterQueue, refused: str, sent: int
) -> None:
    send(queue, "a", "b")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, refused)

    sqs.meta.events.register(f"before-call.sqs.{refused}", refuse)
    with pytest.raises(ClientError):
        change(queue, "redrive", "", agreed=True)
    assert len(moved_back(queue)) == sent
    assert bodies(queue) == ["a", "b"]


def test_redrive_ends_when_messages_fail_again_meanwhile(
    sqs: Any, queue: DeadLetterQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    send(queue, *map(str, range(12)))

    def fail_again(params: Any, **_: object) -> None:
        if params["QueueUrl"].endswith("/Checkout"):
            client("sqs").send_message(QueueUrl=queue.url, MessageBody="again")

    sqs.meta.events.register("provide-client-params.sqs.SendMessage", fail_again)
    change(queue, "redrive", "", agreed=True)
    assert "12 of 12" in capsys.readouterr().out


def test_purge_deletes_only_when_the_name_is_typed(
    queue: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(queue, "a")
    answers(monkeypatch, "y")
    change(queue, "purge", "")
    assert bodies(queue) == ["a"]
    answers(monkeypatch, "checkout")
    change(queue, "purge", "")
    assert queue.count() == 0
    assert moved_back(queue) == []


def test_unknown_message_and_missing_terminal_are_problems(
    queue: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(queue, "a")
    with pytest.raises(Problem, match="There is no message other in checkout"):
        change(queue, "redrive", "other", agreed=True)

    def closed(_question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    with pytest.raises(Problem, match="nothing was changed"):
        change(queue, "redrive", "")
    assert bodies(queue) == ["a"]


def test_quarantined_events_are_listed_and_shown_without_personal_data(
    quarantine: DeadLetters, capsys: pytest.CaptureFixture[str]
) -> None:
    list_all({quarantine.name: quarantine}, " PORT=3100")
    listed = capsys.readouterr().out
    assert "orders-events       2" in listed
    assert "make dlq ACTION=show QUEUE=orders-events PORT=3100" in listed
    show(quarantine, "", 10)
    shown = capsys.readouterr().out
    assert "id        a.12" in shown
    assert "since     2020-01-02 12:00:00 UTC" in shown
    assert "reason    ValidationError: aggregate_id missing" in shown
    assert EMAIL not in shown


def test_released_event_is_published_by_the_sweeper(
    quarantine: DeadLetters, relay: Relay, table: Table
) -> None:
    key = {"pk": "ORDER#a", "sk": outbox.sort_key(12)}
    change(quarantine, "redrive", "a.12", agreed=True)
    assert quarantine.count() == 1
    # A later release knows the event: a valid one stands for it.
    valid = outbox.event("order.placed", aggregate_id="a", version=12, at="2020-01-02", data={})
    table.update(key, "SET #event = :event", values={"event": valid.model_dump()})
    assert relay.sweep(a_deadline()) == 1
    assert not {"unsent", "reason"} & (table.get(key) or {}).keys()


def test_purged_event_stays_in_the_history_unpublished(
    quarantine: DeadLetters, relay: Relay, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"pk": "ORDER#a", "sk": outbox.sort_key(12)}
    before = table.get(key) or {}
    answers(monkeypatch, "orders-events")
    change(quarantine, "purge", "a.12")
    assert quarantine.count() == 1
    assert relay.sweep(a_deadline()) == 0
    assert table.get(key) == {name: before[name] for name in before if name != "unsent"}


def test_dead_letters_are_those_of_the_stacks_outputs(sqs: Any) -> None:
    outputs = {
        "ApiId": "a",
        "CheckoutQueueUrl": "c",
        "CheckoutDeadLettersUrl": "d",
        "OldDeadLettersUrl": "e",
        "UsersTableName": "f",
    }
    assert list(dead_letters_of(sqs, client("dynamodb"), outputs)) == ["checkout", "users-events"]


def test_closed_shop_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "1"]) == 1
    assert "No shop is open on port 1" in capsys.readouterr().err

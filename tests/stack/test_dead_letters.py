"""Dead letters on the deployed stack: workers write them, and `make dlq` moves them back."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.client import eventually
from tests.support.cloud import Cloud
from tools.dlq.letters import DeadLetter, DeadLetters, dead_letters_of
from tools.local.places import STACK
from tools.template import ROOT

# An event that lacks what an e-mail needs.
INCOMPLETE = {
    "id": "order-incomplete.1",
    "type": "order.placed",
    "aggregate_id": "order-incomplete",
    "version": 1,
    "at": "2026-11-20T12:00:00.000Z",
    "request_id": "request-incomplete",
    "data": {"email": "alice@example.com"},
}


@pytest.fixture
def queues(cloud: Cloud) -> Iterator[dict[str, DeadLetters]]:
    """The stack's dead-letter queues, emptied afterwards for the other tests."""
    clients = cloud.client("sqs"), cloud.client("dynamodb")
    queues = dead_letters_of(*clients, cloud.shop.stack().outputs)
    yield queues
    for queue in queues.values():
        for letter in letters_in(queue):
            queue.purge(letter)


def letters_in(queue: DeadLetters) -> list[DeadLetter]:
    with queue.reading() as letters:
        return list(letters)


def dlq(cloud: Cloud, *arguments: str) -> str:
    """The output of `make dlq` for a deployed stack."""
    command = (sys.executable, "-m", "tools.dlq", "--env", "dev", "--stack", STACK, *arguments)
    ended = subprocess.run(
        command, env=cloud.shop.environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return ended.stdout


def test_malformed_message_becomes_a_dead_letter_again_after_a_redrive(
    cloud: Cloud, queues: dict[str, DeadLetters]
) -> None:
    cloud.deliver("CheckoutQueue", '{"type": "gossip"}')
    [first] = eventually(lambda: letters_in(queues["checkout"]))
    assert first.notes["Reason"].startswith("ValidationError: id missing")
    assert first.notes["FailedFunction"] == cloud.physical_id("OrdersCheckout")
    assert first.notes["Attempts"] == "1"
    assert first.notes["Reason"] in dlq(cloud, "--action", "show", "--queue", "checkout")
    assert "1 of 1" in dlq(cloud, "--action", "redrive", "--queue", "checkout", "--yes")
    [second] = eventually(
        lambda: letters_in(queues["checkout"]),
        lambda letters: [letter.id for letter in letters] not in ([], [first.id]),
    )
    assert second.notes["SourceMessageId"] != first.notes["SourceMessageId"]


def test_event_that_fails_at_its_last_delivery_becomes_a_dead_letter(
    cloud: Cloud, queues: dict[str, DeadLetters]
) -> None:
    record = {
        "messageId": "the-eighth",
        "receiptHandle": "handle",
        "body": json.dumps(INCOMPLETE),
        "attributes": {
            "ApproximateReceiveCount": "8",
            "ApproximateFirstReceiveTimestamp": "1795163400131",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.physical_id("NotificationsWorker"),
        Payload=json.dumps({"Records": [record]}).encode(),
    )
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    [letter] = eventually(lambda: letters_in(queues["notifications"]))
    assert letter.event == INCOMPLETE
    expected = {"RequestId": "request-incomplete", "Attempts": "8", "SourceMessageId": "the-eighth"}
    assert letter.notes.items() >= expected.items()
    assert letter.notes["Reason"].startswith("ValidationError: order_id missing")
    assert "alice@example.com" not in str(letter.notes)


def test_redriven_event_is_handled_after_a_fix(
    cloud: Cloud, queues: dict[str, DeadLetters]
) -> None:
    # A valid event stands for one whose worker has been fixed.
    data: dict[str, Any] = {"user_id": "user-redriven", "full_name": "Rita Redriven"}
    welcome = {
        **INCOMPLETE,
        "id": "user-redriven.1",
        "type": "user.registered",
        "aggregate_id": "user-redriven",
        "data": {**data, "email": "rita@example.com"},
    }
    cloud.client("sqs").send_message(
        QueueUrl=cloud.physical_id("NotificationsDeadLetters"), MessageBody=json.dumps(welcome)
    )
    dlq(cloud, "--action", "redrive", "--queue", "notifications", "--yes")
    eventually(lambda: cloud.emails_to("rita@example.com"))
    assert queues["notifications"].count() == 0

"""Dead letters on the deployed stack: the workers write them themselves, and the tool moves them back to the workers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.client import eventually
from tests.support.cloud import Cloud
from tools.dlq.queues import DeadLetter, DeadLetterQueue, queues_of
from tools.local.places import STACK
from tools.template import ROOT

GOSSIP = '{"type": "gossip"}'
# No customer is told of it: it lacks everything that a letter needs.
UNREADABLE = {
    "id": "order-unreadable.1",
    "type": "order.placed",
    "aggregate_id": "order-unreadable",
    "version": 1,
    "at": "2026-11-20T12:00:00.000Z",
    "request_id": "request-unreadable",
    "data": {"email": "alice@example.com"},
}


@pytest.fixture
def queues(cloud: Cloud) -> Iterator[dict[str, DeadLetterQueue]]:
    """The stack's dead-letter queues; no other test is to find what this one leaves there."""
    queues = queues_of(cloud.client("sqs"), cloud.shop.stack().outputs)
    yield queues
    for queue in queues.values():
        queue.purge(100)


def dlq(cloud: Cloud, *arguments: str) -> str:
    """What `make dlq` says, run as on a deployed stack."""
    command = (sys.executable, "-m", "tools.dlq", "--env", "dev", "--stack", STACK, *arguments)
    ended = subprocess.run(
        command, env=cloud.shop.environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return ended.stdout


def one_in(queue: DeadLetterQueue) -> DeadLetter:
    [letter] = eventually(lambda: queue.peek(10))
    return letter


def test_a_message_that_is_no_event_is_a_dead_letter_at_once_and_again_when_moved_back(
    cloud: Cloud, queues: dict[str, DeadLetterQueue]
) -> None:
    cloud.deliver("CheckoutQueue", GOSSIP)
    first = one_in(queues["checkout"])
    assert first.body == GOSSIP
    assert first.notes["Reason"].startswith(
        "ValidationError: id missing, type string_pattern_mismatch"
    )
    assert first.notes["FailedFunction"] == cloud.physical_id("OrdersCheckout")
    assert first.notes["Attempts"] == "1"
    assert first.notes["Reason"] in dlq(cloud, "--action", "show", "--queue", "checkout")
    moved = dlq(cloud, "--action", "redrive", "--queue", "checkout", "--yes")
    assert "moved 1 of 1" in moved
    [second] = eventually(
        lambda: queues["checkout"].peek(10),
        lambda there: [m.id for m in there] not in ([], [first.id]),
    )
    assert second.body == GOSSIP
    # It was the worker who read it again, and not the same message that never left.
    assert second.notes["SourceMessageId"] != first.notes["SourceMessageId"]
    assert "checkout" in dlq(cloud)


def last_delivery_of(event: dict[str, Any]) -> bytes:
    """The event as its queue delivers it for the eighth time."""
    record = {
        "messageId": "the-eighth",
        "receiptHandle": "handle",
        "body": json.dumps(event),
        "attributes": {
            "ApproximateReceiveCount": "8",
            "ApproximateFirstReceiveTimestamp": "1795163400131",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    return json.dumps({"Records": [record]}).encode()


def test_an_event_that_failed_for_the_last_time_is_a_dead_letter_with_its_reason(
    cloud: Cloud, queues: dict[str, DeadLetterQueue]
) -> None:
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.physical_id("NotificationsWorker"), Payload=last_delivery_of(UNREADABLE)
    )
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    letter = one_in(queues["notifications"])
    assert letter.event == UNREADABLE
    assert letter.notes["RequestId"] == "request-unreadable"
    assert letter.notes["Attempts"] == "8"
    assert letter.notes["SourceMessageId"] == "the-eighth"
    assert letter.notes["Reason"].startswith("ValidationError: order_id missing")
    assert "alice@example.com" not in str(letter.notes)


def test_a_dead_letter_is_handled_when_it_is_moved_back_after_a_fix(
    cloud: Cloud, queues: dict[str, DeadLetterQueue]
) -> None:
    # As if the worker had been mended since: there is nothing wrong with this one.
    welcome = {
        **UNREADABLE,
        "id": "user-redriven.1",
        "type": "user.registered",
        "aggregate_id": "user-redriven",
        "data": {
            "user_id": "user-redriven",
            "full_name": "Rita Redriven",
            "email": "rita@example.com",
        },
    }
    cloud.client("sqs").send_message(
        QueueUrl=cloud.physical_id("NotificationsDeadLetters"), MessageBody=json.dumps(welcome)
    )
    dlq(cloud, "--action", "redrive", "--queue", "notifications", "--yes")
    eventually(lambda: cloud.emails_to("rita@example.com"))
    assert queues["notifications"].count() == 0

"""Dead letters on the deployed stack: workers write them, and `make dlq` moves them back."""

import json
import subprocess
import sys

from tests.support.client import eventually
from tests.support.cloud import Cloud
from tools import dlq
from tools.local.places import STACK
from tools.template import ROOT


def queue(cloud: Cloud, name: str) -> dlq.Letters:
    return dlq.of_stack(cloud.client("sqs"), cloud.client("dynamodb"), cloud.shop.stack().outputs)[
        name
    ]


def letters_in(queue: dlq.Letters) -> list[dlq.Letter]:
    with queue.reading() as letters:
        return list(letters)


def make_dlq(cloud: Cloud, *arguments: str) -> str:
    """The output of `make dlq` for a deployed stack."""
    command = (sys.executable, "-m", "tools.dlq", "--env", "dev", "--stack", STACK, *arguments)
    ended = subprocess.run(
        command, env=cloud.shop.environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return ended.stdout


def test_malformed_message_becomes_a_dead_letter_again_after_a_redrive(cloud: Cloud) -> None:
    checkout = queue(cloud, "checkout")
    cloud.deliver("CheckoutQueue", '{"type": "gossip"}')
    [first] = eventually(lambda: letters_in(checkout))
    assert first.notes["Reason"].startswith("ValidationError: id missing")
    assert first.notes["FailedFunction"] == cloud.physical_id("OrdersCheckout")
    assert first.notes["Attempts"] == "1"
    assert first.notes["Reason"] in make_dlq(cloud, "--action", "show", "--queue", "checkout")
    assert "1 of 1" in make_dlq(cloud, "--action", "redrive", "--queue", "checkout", "--yes")
    [second] = eventually(
        lambda: letters_in(checkout),
        lambda letters: [letter.id for letter in letters] not in ([], [first.id]),
    )
    assert second.notes["SourceMessageId"] != first.notes["SourceMessageId"]
    checkout.purge(second)


def test_redriven_event_is_handled_after_a_fix(cloud: Cloud) -> None:
    # A valid event stands for one whose worker has been fixed.
    welcome = {
        "id": "user-redriven.1",
        "type": "user.registered",
        "aggregate_id": "user-redriven",
        "version": 1,
        "at": "2026-11-20T12:00:00.000Z",
        "request_id": "request-redriven",
        "data": {
            "user_id": "user-redriven",
            "full_name": "Rita Redriven",
            "email": "rita@example.com",
        },
    }
    cloud.client("sqs").send_message(
        QueueUrl=cloud.physical_id("NotificationsDeadLetters"), MessageBody=json.dumps(welcome)
    )
    make_dlq(cloud, "--action", "redrive", "--queue", "notifications", "--yes")
    eventually(lambda: cloud.emails_to("rita@example.com"))
    assert queue(cloud, "notifications").count() == 0

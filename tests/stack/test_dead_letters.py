"""Dead letters on the deployed stack: workers write them, and `make dlq` moves them back."""

import subprocess
import sys

from tests.support.client import Client, eventually
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


def test_admin_sees_a_dead_letter_moves_it_back_and_purges_it(cloud: Cloud, admin: Client) -> None:
    path = "/api/v1/operations/queues/checkout"

    def letters() -> list[dict[str, str]]:
        shown: list[dict[str, str]] = admin.get(f"{path}/dead-letters").json()["dead_letters"]
        return shown

    cloud.deliver("CheckoutQueue", '{"type": "gossip"}')
    [first] = eventually(letters)
    assert first["reason"].startswith("ValidationError: id missing")
    moved = admin.post(f"{path}/redrive")
    assert (moved.status_code, moved.json()) == (202, {"moved": 1})
    eventually(letters, lambda found: [one["id"] for one in found] not in ([], [first["id"]]))
    assert admin.post(f"{path}/purge").status_code == 202
    assert letters() == []

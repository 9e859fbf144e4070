"""Queues and dead letters over HTTP, on a simulated SQS."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from operations.queue_changes import router as changes
from operations.queues.models import QueueUrls
from operations.queues.quarantine import QuarantinedEvents
from operations.queues.routes import router
from operations.queues.sqs import SqsQueues
from shared.runtime import aws
from tests.simulation.cloud import Cloud, Message, Queue
from tests.simulation.wire import Wire
from tests.support.aws import pretend_credentials, wired_table
from tests.support.callers import ADMIN, ALICE
from tests.support.http import HttpClient, serve

PATH = "/api/v1/operations/queues"
EVENT = (
    '{"type": "order.placed", "id": "o-1.1", "request_id": "r-1", "data": {"email": "a@b.example"}}'
)


@pytest.fixture
def cloud() -> Cloud:
    pretend_credentials()
    cloud = Cloud(time.time, invoke=lambda _name, _payload: (b"", None))
    for name in ("Checkout", "Notifications"):
        cloud.queues[f"{name}Queue"] = Queue(30, 5, f"{name}DeadLetters")
        cloud.queues[f"{name}DeadLetters"] = Queue(30, 0, None)
    return cloud


@pytest.fixture
def queues(cloud: Cloud) -> SqsQueues:
    with Wire(cloud, time.sleep).tapped(aws._session().events):
        sqs = aws.client("sqs")
    return SqsQueues(
        sqs,
        {
            name: QueueUrls(
                *(f"https://sqs/1/{name.title()}{kind}" for kind in ("Queue", "DeadLetters"))
            )
            for name in ("checkout", "notifications")
        },
    )


@pytest.fixture
def looking(queues: SqsQueues) -> HttpClient:
    table = wired_table("OrdersTable")
    for number, mark in enumerate(("quarantine", "quarantine", "0")):
        key = {"pk": f"ORDER#{number}", "sk": "EVENT#0000000001"}
        table.put({**key, "unsent": mark, "at": "2026-11-20T12:00:00.000Z"})
    quarantine = QuarantinedEvents(table.client, {"orders": "OrdersTable"})
    return serve(router, queues=queues, quarantine=quarantine)


@pytest.fixture
def changing(queues: SqsQueues) -> HttpClient:
    return serve(changes, queues=queues)


def a_letter(body: str = EVENT, **attributes: str) -> Message:
    wire = {name: {"DataType": "String", "StringValue": v} for name, v in attributes.items()}
    return Message(body, time.time() - 60, attributes=wire)


def give_up(cloud: Cloud, *letters: Message) -> list[Message]:
    waiting = cloud.queues["CheckoutDeadLetters"].messages
    waiting += letters
    return waiting


def test_list_counts_messages_by_what_they_wait_for(looking: HttpClient, cloud: Cloud) -> None:
    now, checkout = time.time(), cloud.queues["CheckoutQueue"]
    checkout.messages += [Message("", now - 1), Message("", now + 60), Message("", now + 60, 1)]
    give_up(cloud, a_letter(), a_letter())
    assert looking.get(PATH, caller=ADMIN).json == {
        "queues": [
            {"name": "checkout", "waiting": 1, "in_flight": 1, "delayed": 1, "dead_letters": 2},
            {
                "name": "notifications",
                "waiting": 0,
                "in_flight": 0,
                "delayed": 0,
                "dead_letters": 0,
            },
        ],
        "quarantined": [{"service": "orders", "events": 2}],
    }


def test_dead_letter_is_shown_with_its_reason_and_without_its_body(
    looking: HttpClient, cloud: Cloud
) -> None:
    [letter] = give_up(cloud, a_letter(type="order.placed", Reason="it failed"))
    answer = looking.get(f"{PATH}/checkout/dead-letters", caller=ADMIN)
    [shown] = answer.json["dead_letters"]
    assert shown.pop("at").endswith("Z")
    assert shown == {
        "id": letter.id,
        "event_type": "order.placed",
        "event_id": "o-1.1",
        "request_id": "r-1",
        "reason": "it failed",
    }
    assert "a@b.example" not in answer.text


@pytest.mark.parametrize("body", ["no event", "[1]", "{}", '{"type": 7}'])
def test_dead_letter_that_is_no_event_has_an_id_and_a_reason(
    looking: HttpClient, cloud: Cloud, body: str
) -> None:
    give_up(cloud, a_letter(body))
    [shown] = looking.get(f"{PATH}/checkout/dead-letters", caller=ADMIN).json["dead_letters"]
    assert shown.keys() == {"id", "at", "reason"}


def test_look_shows_ten_dead_letters_and_hides_none(looking: HttpClient, cloud: Cloud) -> None:
    letters = give_up(cloud, *(a_letter() for _ in range(12)))
    for _ in range(2):
        answer = looking.get(f"{PATH}/checkout/dead-letters", caller=ADMIN).json
        assert (len(answer["dead_letters"]), answer["count"]) == (10, 12)
    assert all(letter.visible_at <= time.time() for letter in letters)


def test_redrive_moves_each_dead_letter_once_with_its_type_alone(
    changing: HttpClient, cloud: Cloud
) -> None:
    give_up(cloud, *(a_letter(f"{n}", type="order.placed", Reason="it failed") for n in range(23)))
    answer = changing.post(f"{PATH}/checkout/redrive", caller=ADMIN)
    assert (answer.status, answer.json) == (202, {"moved": 23})
    assert not cloud.queues["CheckoutDeadLetters"].messages
    moved = cloud.queues["CheckoutQueue"].messages
    assert sorted(int(message.body) for message in moved) == [*range(23)]
    assert all(message.attributes.keys() == {"type"} for message in moved)


def test_redrive_moves_100_dead_letters_at_most(changing: HttpClient, cloud: Cloud) -> None:
    left = give_up(cloud, *(a_letter() for _ in range(103)))
    assert changing.post(f"{PATH}/checkout/redrive", caller=ADMIN).json == {"moved": 100}
    assert len(left) == 3


def test_redrive_leaves_what_another_reader_has_received(
    changing: HttpClient, cloud: Cloud
) -> None:
    hidden = a_letter()
    hidden.visible_at = time.time() + 60
    left = give_up(cloud, hidden, a_letter())
    assert changing.post(f"{PATH}/checkout/redrive", caller=ADMIN).json == {"moved": 1}
    assert left == [hidden]


def test_purge_deletes_the_dead_letters_of_one_queue(changing: HttpClient, cloud: Cloud) -> None:
    left = give_up(cloud, a_letter())
    cloud.put("CheckoutQueue", EVENT)
    cloud.put("NotificationsDeadLetters", EVENT)
    answer = changing.post(f"{PATH}/checkout/purge", caller=ADMIN)
    assert (answer.status, answer.json) == (202, {})
    assert not left
    assert cloud.queues["CheckoutQueue"].messages
    assert cloud.queues["NotificationsDeadLetters"].messages


@pytest.mark.parametrize(
    "code", ["AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress"]
)
def test_purge_within_a_minute_of_another_one_is_a_conflict(code: str) -> None:
    class Sqs:
        def purge_queue(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": code}}, "PurgeQueue")

    queues = SqsQueues(Sqs(), {"checkout": QueueUrls("", "")})  # type: ignore[arg-type]  # all it needs
    answer = serve(changes, queues=queues).post(f"{PATH}/checkout/purge", caller=ADMIN)
    assert (answer.status, answer.code) == (409, "purge-in-progress")


@pytest.mark.parametrize(
    ("method", "verb"), [("GET", "dead-letters"), ("POST", "redrive"), ("POST", "purge")]
)
def test_unknown_queue_does_not_exist(
    looking: HttpClient, changing: HttpClient, method: str, verb: str
) -> None:
    http = looking if method == "GET" else changing
    answer = http.request(method, f"{PATH}/other/{verb}", caller=ADMIN)
    assert (answer.status, answer.code) == (404, "queue-not-found")


@pytest.mark.parametrize("verb", ["redrive", "purge"])
def test_change_is_logged_with_the_admin(
    changing: HttpClient, cloud: Cloud, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    give_up(cloud, a_letter())
    changing.post(f"{PATH}/checkout/{verb}", caller=ADMIN)
    [line] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert line.caller_id == ADMIN.id  # type: ignore[attr-defined]  # an extra
    assert "checkout" in line.getMessage()


def test_customer_changes_nothing(changing: HttpClient, cloud: Cloud) -> None:
    left = give_up(cloud, a_letter())
    for verb in ("redrive", "purge"):
        assert changing.post(f"{PATH}/checkout/{verb}", caller=ALICE).status == 403
    assert len(left) == 1

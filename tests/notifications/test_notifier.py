"""The notifications worker as Lambda runs it, on DynamoDB and SES."""

import json
import os
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError

from notifications import notifier
from shared.contracts.events import Event
from shared.runtime import aws
from shared.runtime.aws import client
from shared.runtime.entry import Entry
from tests.notifications.fakes import order_event, registered
from tests.support.aws import make_table
from tests.support.context import LambdaContext


@pytest.fixture
def handler(account: None, monkeypatch: pytest.MonkeyPatch) -> Entry[notifier.Settings]:
    make_table("NotificationsTable")
    client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    monkeypatch.setenv("TABLE_NAME", "NotificationsTable")
    monkeypatch.setenv("QUEUE_URL", "the-queue")
    dead_letters = client("sqs").create_queue(QueueName="the-dead-letters")["QueueUrl"]
    monkeypatch.setenv("DEAD_LETTERS_URL", dead_letters)
    monkeypatch.setenv("DELIVERY_ATTEMPTS", "8")
    monkeypatch.setenv("SENDER_EMAIL", "shop@example.com")
    monkeypatch.setenv("ADMIN_EMAIL", "keeper@example.com")
    return Entry(notifier.build, notifier.Settings)


def batch(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m-{place}",
                "receiptHandle": f"handle-{place}",
                "eventSource": "aws:sqs",
                "body": body,
                "messageAttributes": {},
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "ApproximateFirstReceiveTimestamp": "1795163400131",
                },
            }
            for place, body in enumerate(bodies)
        ]
    }


def delivered(handler: Entry[notifier.Settings], *facts: Event) -> list[str]:
    answer = handler(batch(*(fact.model_dump_json() for fact in facts)), LambdaContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def emails() -> list[str]:
    from moto.ses.models import ses_backends

    return [message.subject for message in ses_backends["123456789012"]["eu-west-1"].sent_messages]


def test_ten_deliveries_make_one_email(handler: Entry[notifier.Settings]) -> None:
    assert delivered(handler, *[order_event()] * 5) == []
    assert delivered(handler, *[order_event()] * 5) == []
    assert emails() == ["We have received your order"]


def test_an_email_that_got_no_answer_is_left_to_the_next_delivery(
    handler: Entry[notifier.Settings],
) -> None:
    asked: list[str] = []

    def no_answer(request: AWSPreparedRequest, **_: object) -> None:
        asked.append(request.url)
        raise ConnectionClosedError(endpoint_url=request.url)

    # Whatever the SDK sent again by itself might be a second e-mail.
    events = aws._session().events
    events.register_first("before-send.sesv2.SendEmail", no_answer)
    try:
        assert delivered(handler, order_event()) == ["m-0"]
    finally:
        events.unregister("before-send.sesv2.SendEmail", no_answer)
    assert len(asked) == 1


def test_one_bad_message_holds_nobody_else_up(handler: Entry[notifier.Settings]) -> None:
    broken = json.dumps({"id": "x"})
    bodies = [registered().model_dump_json(), broken, order_event(minute=1).model_dump_json()]
    answer = handler(batch(*bodies), LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert emails() == ["Welcome to Bodega", "We have received your order"]
    given_up = client("sqs").receive_message(QueueUrl=os.environ["DEAD_LETTERS_URL"])["Messages"]
    assert [message["Body"] for message in given_up] == [broken]


@pytest.mark.parametrize(
    "broken", [{"user_name": ["Alice Example"]}, {"email": {"is": "alice-1@example.com"}}]
)
def test_an_event_that_cannot_be_read_tells_the_log_nothing_of_the_customer(
    handler: Entry[notifier.Settings], caplog: pytest.LogCaptureFixture, broken: dict[str, Any]
) -> None:
    assert delivered(handler, order_event(**broken)) == ["m-0"]
    assert "could not handle order.placed" in caplog.text
    assert next(iter(broken)) in caplog.text
    assert "alice-1@example.com" not in caplog.text
    assert "Alice" not in caplog.text


def test_a_message_that_is_no_event_is_named_in_the_log(
    handler: Entry[notifier.Settings], caplog: pytest.LogCaptureFixture
) -> None:
    handler(batch('{"data": "Alice Example"}'), LambdaContext())
    assert "message m-0 is no event" in caplog.text
    assert "Alice" not in caplog.text

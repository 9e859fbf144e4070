"""The notifier as Lambda runs it, with DynamoDB and SES."""

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
from tests.notifications.builders import a_user_event, an_order_event
from tests.support.aws import make_table
from tests.support.context import LambdaContext

type Handler = Entry[notifier.Settings]


@pytest.fixture
def handler(account: None, monkeypatch: pytest.MonkeyPatch) -> Handler:
    make_table("NotificationsTable")
    client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    environment = {
        "TABLE_NAME": "NotificationsTable",
        "QUEUE_URL": "the-queue",
        "DEAD_LETTERS_URL": client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"],
        "DELIVERY_ATTEMPTS": "8",
        "SENDER_EMAIL": "shop@example.com",
        "ADMIN_EMAIL": "keeper@example.com",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Entry(notifier.build, notifier.Settings)


def deliver(handler: Handler, *messages: Event | str) -> list[str]:
    """Deliver a batch; return the messages that failed."""
    bodies = [m if isinstance(m, str) else m.model_dump_json() for m in messages]
    answer = handler(
        {"Records": [_record(*numbered) for numbered in enumerate(bodies)]}, LambdaContext()
    )
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def _record(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": f"handle-{number}",
        "eventSource": "aws:sqs",
        "body": body,
        "messageAttributes": {},
        "attributes": {
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": "1795163400131",
        },
    }


def sent_subjects() -> list[str]:
    from moto.ses.models import ses_backends

    return [message.subject for message in ses_backends["123456789012"]["eu-west-1"].sent_messages]


def test_invalid_message_becomes_a_dead_letter_and_the_others_are_sent(
    handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    invalid = json.dumps({"data": "Alice Example"})
    assert deliver(handler, a_user_event(), invalid, an_order_event(minute=1)) == []
    assert deliver(handler, an_order_event(minute=1)) == []
    assert sent_subjects() == ["Welcome to Bodega", "We have received your order"]
    dead = client("sqs").receive_message(QueueUrl=os.environ["DEAD_LETTERS_URL"])["Messages"]
    assert [message["Body"] for message in dead] == [invalid]
    assert "message m-1 is no event" in caplog.text
    assert "Alice" not in caplog.text


def test_sdk_does_not_retry_an_unanswered_email(handler: Handler) -> None:
    calls: list[str] = []

    def lose_response(request: AWSPreparedRequest, **_: object) -> None:
        calls.append(request.url)
        raise ConnectionClosedError(endpoint_url=request.url)

    events = aws._session().events
    events.register_first("before-send.sesv2.SendEmail", lose_response)
    try:
        assert deliver(handler, an_order_event()) == ["m-0"]
    finally:
        events.unregister("before-send.sesv2.SendEmail", lose_response)
    # Each retry might be a second e-mail.
    assert len(calls) == 1


@pytest.mark.parametrize(
    "broken", [{"user_name": ["Alice Example"]}, {"email": {"is": "alice-1@example.com"}}]
)
def test_log_names_the_broken_field_and_nothing_personal(
    handler: Handler, caplog: pytest.LogCaptureFixture, broken: dict[str, Any]
) -> None:
    assert deliver(handler, an_order_event(**broken)) == ["m-0"]
    assert "could not handle order.placed" in caplog.text
    assert next(iter(broken)) in caplog.text
    assert "alice-1@example.com" not in caplog.text
    assert "Alice" not in caplog.text

"""`make dlq`: what workers gave up is listed, shown, moved back and deleted, and nothing of it is lost on the way."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.messaging.workers import queue_worker
from shared.runtime.aws import client
from shared.runtime.settings import QueueSettings
from tests.support.context import LambdaContext
from tests.tools.dead_letters import Shop, bodies, refusing
from tools.dlq import commands
from tools.dlq.__main__ import main
from tools.dlq.queues import queues_of
from tools.progress import Problem

EVENT = '{"id": "order-1.1", "type": "order.placed", "request_id": "request-1"}'


@pytest.fixture
def shop(account: None) -> Shop:
    return Shop()


def test_what_a_worker_gave_up_is_shown_with_its_reason(
    shop: Shop, capsys: pytest.CaptureFixture[str]
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
    worker = queue_worker(lambda _fact: None, QueueSettings(shop.source, shop.url, 8))
    worker({"Records": [record]}, LambdaContext(function_name="OrdersCheckout"))
    capsys.readouterr()
    commands.show(shop.desk, shop.letters, limit=10, only=None)
    said = capsys.readouterr().out
    [letter] = shop.letters.peek(10)
    assert letter.id in said
    assert "event     no event" in said
    assert f"request   {letter.notes['RequestId']}" in said
    assert "attempts  1, by OrdersCheckout" in said
    assert "first     2026-11-20T08:30:00.131Z" in said
    assert "reason    ValidationError: body json_invalid" in said
    assert "make dlq ACTION=redrive QUEUE=checkout PORT=3100" in said
    # Whoever wants to see the data says so.
    assert "not an event" not in said
    commands.show(shop.desk, shop.letters, limit=10, only=letter.id)
    assert "body      not an event" in capsys.readouterr().out


def test_what_sqs_itself_moved_is_shown_by_its_event(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.given_up(EVENT)
    commands.show(shop.desk, shop.letters, limit=10, only=None)
    said = capsys.readouterr().out
    assert "event     order.placed  order-1.1" in said
    assert "request   request-1" in said
    assert "reason    none: SQS moved it" in said


def test_showing_leaves_everything_where_it_is(shop: Shop) -> None:
    letters = shop.given_up(*map(str, range(23)))
    assert sorted(bodies(letters), key=int) == [str(number) for number in range(23)]
    assert len(shop.letters.peek(4)) == 4
    # And at once in everybody's sight.
    assert len(shop.letters.peek(100)) == 23


def test_what_sqs_delivers_twice_is_shown_once(shop: Shop) -> None:
    first, *_ = shop.given_up("a", "b")
    copies: list[dict[str, Any]] = []

    def deliver_again(parsed: dict[str, Any], **_: object) -> None:
        copies.extend(m for m in parsed.get("Messages", []) if m["MessageId"] == first.id)
        parsed["Messages"] = [*parsed.get("Messages", []), *copies]

    shop.sqs.meta.events.register("after-call.sqs.ReceiveMessage", deliver_again)
    assert sorted(bodies(shop.letters.peek(10))) == ["a", "b"]


def test_a_message_cannot_command_the_terminal(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    [letter] = shop.given_up("\x1b[2Jgone\x7f")
    commands.show(shop.desk, shop.letters, limit=10, only=letter.id)
    assert r"body      \x1b[2Jgone\x7f" in capsys.readouterr().out


def test_the_list_says_how_many_there_are_and_what_to_do(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.list_all(shop.desk)
    assert capsys.readouterr().out.endswith("Nothing to do.\n")
    shop.given_up("a", "b")
    commands.list_all(shop.desk)
    said = capsys.readouterr().out
    assert "checkout       2  the oldest for" in said
    assert "make dlq ACTION=show QUEUE=checkout PORT=3100" in said


def test_messages_go_back_as_they_came(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.sqs.send_message(
        QueueUrl=shop.url,
        MessageBody=EVENT,
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": "KeyError"}},
    )
    shop.given_up("second")
    shop.answers = "y"
    shop.redrive()
    assert shop.asked == ["Move 2 messages back to the queue checkout of the shop? [y/N] "]
    assert "▸ moved 2 of 2" in capsys.readouterr().out
    assert shop.letters.peek(10) == []
    assert sorted(message["Body"] for message in shop.waiting()) == ["second", EVENT]
    assert all("MessageAttributes" not in message for message in shop.waiting())


@pytest.mark.parametrize("answer", ["", "n", "checkout"])
def test_whoever_does_not_agree_moves_nothing(shop: Shop, answer: str) -> None:
    shop.given_up("a")
    shop.answers = answer
    shop.redrive()
    assert shop.waiting() == []
    assert bodies(shop.letters.peek(10)) == ["a"]


def test_a_script_that_says_yes_is_not_asked(shop: Shop) -> None:
    shop.given_up("a")
    shop.redrive(agreed=True)
    assert shop.asked == []
    assert len(shop.waiting()) == 1


def test_one_message_alone_goes_back(shop: Shop) -> None:
    letters = shop.given_up(*map(str, range(12)))
    shop.redrive(only=letters[11].id, agreed=True)
    assert [message["Body"] for message in shop.waiting()] == [letters[11].body]
    assert sorted(bodies(shop.letters.peek(100))) == sorted(bodies(letters[:11]))


def test_a_redrive_that_breaks_off_leaves_copies_and_loses_nothing(shop: Shop) -> None:
    shop.given_up("a", "b")
    refusing(shop.sqs, "DeleteMessage")
    with pytest.raises(ClientError):
        shop.redrive(agreed=True)
    [sent] = shop.waiting()
    assert shop.letters.count() == 2
    assert sent["Body"] in ("a", "b")


def test_what_its_queue_does_not_take_stays_a_dead_letter(shop: Shop) -> None:
    shop.given_up("a", "b")
    refusing(shop.sqs, "SendMessage")
    with pytest.raises(ClientError):
        shop.redrive(agreed=True)
    assert sorted(bodies(shop.letters.peek(10))) == ["a", "b"]


def test_what_fails_again_meanwhile_is_not_moved_for_ever(shop: Shop) -> None:
    shop.given_up(*map(str, range(12)))
    moved: list[str] = []
    worker = client("sqs")

    def fail_again(parsed: dict[str, str], **_: object) -> None:
        moved.append(parsed["MessageId"])
        worker.send_message(
            QueueUrl=shop.url,
            MessageBody="again",
            MessageAttributes={
                "SourceMessageId": {"DataType": "String", "StringValue": parsed["MessageId"]}
            },
        )

    shop.sqs.meta.events.register("after-call.sqs.SendMessage", fail_again)
    assert shop.letters.redrive(100) == 12
    assert len(moved) == 12
    assert bodies(shop.letters.peek(100)) == ["again"] * 12


def test_no_more_is_moved_than_was_agreed_to(shop: Shop) -> None:
    shop.given_up("a", "b", "c")
    assert shop.letters.redrive(2) == 2
    assert len(shop.letters.peek(10)) == 1


@pytest.mark.parametrize("answer", ["y", "", "notifications"])
def test_nothing_is_deleted_unless_the_queue_s_name_is_typed(shop: Shop, answer: str) -> None:
    shop.given_up("a")
    shop.answers = answer
    shop.purge()
    assert bodies(shop.letters.peek(10)) == ["a"]


def test_whoever_types_the_queue_s_name_deletes(shop: Shop) -> None:
    first, *others = shop.given_up("a", "b", "c")
    shop.answers = "checkout"
    shop.purge(only=first.id)
    assert shop.asked == ["Delete 1 message of checkout, the shop, for good? Type checkout: "]
    assert bodies(shop.letters.peek(10)) == bodies(others)
    shop.purge()
    assert shop.letters.count() == 0
    assert shop.waiting() == []


@pytest.mark.parametrize("action", [Shop.redrive, Shop.purge])
def test_where_nobody_answers_nothing_changes(shop: Shop, action: Callable[[Shop], None]) -> None:
    shop.given_up("a")

    shop.answers = None
    with pytest.raises(Problem, match="Nobody is here to answer"):
        action(shop)
    assert bodies(shop.letters.peek(10)) == ["a"]


@pytest.mark.parametrize("action", [Shop.redrive, Shop.purge])
def test_an_unknown_message_is_a_problem(shop: Shop, action: Callable[..., None]) -> None:
    shop.given_up("a")
    with pytest.raises(Problem, match="There is no message other in the dead letters of checkout"):
        action(shop, only="other")


def test_an_unknown_queue_is_told_the_names_there_are(shop: Shop) -> None:
    with pytest.raises(Problem, match=r"no queue cheese: choose QUEUE=checkout\."):
        shop.desk.queue("cheese")
    with pytest.raises(Problem, match="Say which queue: QUEUE=checkout"):
        shop.desk.queue("")


def test_queues_are_those_that_the_stack_tells_of(shop: Shop) -> None:
    outputs = {
        "ApiId": "a",
        "CheckoutQueueUrl": "c",
        "CheckoutDeadLettersUrl": "d",
        "OldDeadLettersUrl": "e",
    }
    assert list(queues_of(shop.sqs, outputs)) == ["checkout"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "1"], "No shop is open on port 1: start one with `make run PORT=1`."),
        (["--port", "1", "--action", "cheese"], "cheese is none of list, show, redrive, purge."),
        (["--port", "1", "--limit", "0"], "0 is no number of messages."),
    ],
)
def test_it_says_what_is_wrong_in_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err.strip().endswith(sentence)

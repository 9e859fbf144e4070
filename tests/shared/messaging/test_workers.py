"""Batches of a queue, and ticks: what failed comes again, alone, and in the end it is a dead letter with its reason."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.errors import Conflict
from shared.messaging.redelivery import GiveUp, delay
from shared.messaging.workers import chores, queue_worker, task
from shared.runtime import context, metrics
from shared.runtime.entry import Handler
from shared.runtime.settings import QueueSettings
from tests.support.context import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


REFUSED = ClientError({"Error": {"Code": "InternalError"}}, "AnyOperation")
on_every_failure = pytest.mark.parametrize(
    "failure", [REFUSED, ReadTimeoutError(endpoint_url="sqs")], ids=repr
)


class Queues:
    """A queue and its dead-letter queue: what they were told in `calls`, or that calls of one fail."""

    def __init__(
        self, *, down: str = "", cannot_send: bool = False, failure: Exception = REFUSED
    ) -> None:
        self.calls: list[tuple[str, Any]] = []
        self._down = down
        self._failure = failure
        self._cannot_send = cannot_send

    def worker(self, react: Callable[[Event], None]) -> Handler:
        settings = QueueSettings("the-queue", "the-dead-letters", delivery_attempts=8)
        return queue_worker(react, settings, lambda: cast("SQSClient", self))

    @property
    def put_off(self) -> list[tuple[str, int]]:
        return [call for name, call in self.calls if name == "put off"]

    @property
    def dead_letters(self) -> list[tuple[str, dict[str, str]]]:
        return [call for name, call in self.calls if name == "given up"]

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803  # boto3's names
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        self._reach(QueueUrl, "the-queue")
        self.calls.append(("put off", (ReceiptHandle, VisibilityTimeout)))

    def send_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MessageBody: str,  # noqa: N803
        MessageAttributes: dict[str, dict[str, str]],  # noqa: N803
        DelaySeconds: int | None = None,  # noqa: N803
    ) -> None:
        notes = {name: value["StringValue"] for name, value in MessageAttributes.items()}
        if DelaySeconds is None:
            self._reach(QueueUrl, "the-dead-letters")
            self.calls.append(("given up", (MessageBody, notes)))
            return
        self._reach(QueueUrl, "the-queue")
        if self._cannot_send:
            raise EndpointConnectionError(endpoint_url="the-queue")
        self.calls.append(("sent again", (MessageBody, DelaySeconds, notes["WaitingSince"])))

    def _reach(self, asked: str, expected: str) -> None:
        assert asked == expected
        if asked == self._down:
            raise self._failure


def an_event(number: int) -> Event:
    return Event(
        id=f"order-{number}.1",
        type="order.placed",
        aggregate_id=f"order-{number}",
        version=1,
        at="2026-11-20T12:00:00.000Z",
        request_id=f"request-{number}",
        data={},
    )


def delivered(*bodies: str, attempt: int = 1) -> dict[str, Any]:
    """A batch of the queue, messages m0, m1, …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"handle-{number}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(attempt),
                    "ApproximateFirstReceiveTimestamp": "1795163400131",
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
                "awsRegion": "eu-west-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def events(count: int, attempt: int = 1) -> dict[str, Any]:
    bodies = (an_event(number).model_dump_json() for number in range(count))
    return delivered(*bodies, attempt=attempt)


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_each_event_is_handled_under_its_own_request() -> None:
    seen: list[tuple[str, str]] = []
    worker = Queues().worker(lambda fact: seen.append((fact.id, context.request_id())))
    assert failures(worker(events(2), LambdaContext())) == []
    assert seen == [("order-0.1", "request-0"), ("order-1.1", "request-1")]


@pytest.mark.parametrize("broken", [{"order-1"}, {"order-0", "order-2"}])
def test_only_what_failed_comes_again(broken: set[str]) -> None:
    handled: list[str] = []

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise RuntimeError("not this one")
        handled.append(fact.aggregate_id)

    answer = Queues().worker(react)(events(3), LambdaContext())
    assert failures(answer) == [f"m{order[-1]}" for order in sorted(broken)]
    assert set(handled) == {"order-0", "order-1", "order-2"} - broken


def test_what_failed_comes_again_soon_and_later_with_every_attempt() -> None:
    queue = Queues()

    def react(_fact: Event) -> None:
        raise RuntimeError("not now")

    batch = events(2)
    batch["Records"][1]["attributes"]["ApproximateReceiveCount"] = "4"
    queue.worker(react)(batch, LambdaContext())
    assert queue.put_off == [("handle-0", 5), ("handle-1", 40)]
    assert delay(20) == 900


def test_what_is_done_is_neither_put_off_nor_given_up() -> None:
    queue = Queues()
    queue.worker(lambda _fact: None)(events(2, attempt=8), LambdaContext())
    assert queue.calls == []


@on_every_failure
def test_a_queue_that_cannot_be_reached_loses_no_failure(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("not now")

    answer = Queues(down="the-queue", failure=failure).worker(react)(events(1), LambdaContext())
    assert failures(answer) == ["m0"]
    assert caplog.messages[-1] == "a message could not be put off"


def test_a_batch_that_failed_as_a_whole_is_answered_like_any_other() -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("none of them")

    assert failures(Queues().worker(react)(events(2), LambdaContext())) == [
        "m0",
        "m1",
    ]


def test_a_message_that_is_no_event_is_given_up_at_once_and_alone() -> None:
    handled: list[Event] = []
    queue = Queues()
    gossip = json.dumps({"type": ["gossip"]})
    batch = delivered("not JSON", gossip, an_event(2).model_dump_json())
    worker = queue.worker(lambda fact: handled.append(fact))  # noqa: PLW0108  # a built-in has no module
    assert failures(worker(batch, LambdaContext())) == []
    assert handled == [an_event(2)]
    assert queue.put_off == []
    assert [body for body, _ in queue.dead_letters] == ["not JSON", gossip]
    first, second = (notes for _, notes in queue.dead_letters)
    assert first["Reason"] == "ValidationError: body json_invalid"
    assert second["Reason"].startswith(
        "ValidationError: id missing, type string_type, aggregate_id missing"
    )
    assert "gossip" not in second["Reason"]


def test_what_failed_for_the_last_time_is_given_up_with_its_reason() -> None:
    def react(_fact: Event) -> None:
        raise Conflict("the lamp is out")

    queue = Queues()
    answer = queue.worker(react)(
        events(1, attempt=8), LambdaContext(function_name="OrdersCheckout")
    )
    assert failures(answer) == []
    assert queue.calls == [
        (
            "given up",
            (
                an_event(0).model_dump_json(),
                {
                    "Reason": "Conflict: the lamp is out",
                    "FailedFunction": "OrdersCheckout",
                    "RequestId": "request-0",
                    "Attempts": "8",
                    "FirstReceivedAt": "2026-11-20T08:30:00.131Z",
                    "SourceMessageId": "m0",
                },
            ),
        )
    ]


def test_what_needs_an_operator_is_given_up_at_its_first_attempt() -> None:
    def react(_fact: Event) -> None:
        raise GiveUp("the account is paused")

    queue = Queues()
    assert failures(queue.worker(react)(events(1), LambdaContext())) == []
    assert queue.put_off == []
    [(_, notes)] = queue.dead_letters
    assert (notes["Reason"], notes["Attempts"]) == ("GiveUp: the account is paused", "1")


def test_what_has_an_attempt_left_is_not_given_up() -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("not yet")

    queue = Queues()
    assert failures(queue.worker(react)(events(1, attempt=7), LambdaContext())) == ["m0"]
    assert queue.calls == [("put off", ("handle-0", 320))]


@on_every_failure
def test_a_message_that_finds_no_dead_letter_queue_is_not_called_done(failure: Exception) -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("not now")

    queue = Queues(down="the-dead-letters", failure=failure)
    batch = delivered("not JSON", an_event(1).model_dump_json(), attempt=8)
    assert failures(queue.worker(react)(batch, LambdaContext())) == ["m0", "m1"]
    # Then it comes again, until the queue's own policy moves it.
    assert queue.put_off == [("handle-0", 640), ("handle-1", 640)]


def test_what_is_given_up_is_logged_and_counted(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    Queues().worker(lambda _fact: None)(delivered("not JSON", "nor this"), LambdaContext())
    [given_up, _] = [line for line in caplog.records if line.message.startswith("given up")]
    assert given_up.message == "given up: ValidationError: body json_invalid"
    assert given_up.levelname == "ERROR"
    assert '"DeadLetters":[1.0,1.0]' in capsys.readouterr().out


def test_one_batch_s_failures_are_not_the_next_one_s() -> None:
    broken = {"order-0"}

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise RuntimeError("not yet")

    worker = Queues().worker(react)
    assert failures(worker(events(2), LambdaContext())) == ["m0"]
    broken.clear()
    assert failures(worker(events(2), LambdaContext())) == []


def test_a_task_is_run_under_its_invocation() -> None:
    seen: list[object] = []

    def run(event: dict[str, Any], _: Deadline) -> str:
        seen.append((event, context.request_id()))
        return "done"

    assert task(run)({"tick": 1}, LambdaContext(aws_request_id="invocation-9")) == "done"
    assert seen == [({"tick": 1}, "invocation-9")]


def test_a_chore_that_fails_keeps_none_of_the_others_from_its_turn() -> None:
    def fail(_: Deadline) -> None:
        raise ValueError("out of order")

    turns: list[str] = []
    handler = chores(first=fail, second=lambda _: turns.append("second"))
    with pytest.raises(ExceptionGroup) as failed:
        handler({}, LambdaContext())
    assert [str(failure) for failure in failed.value.exceptions] == ["out of order"]
    assert turns == ["second"]


def test_each_chore_has_its_share_of_the_time_that_is_left() -> None:
    lambda_context = LambdaContext(remaining_ms=60_000)
    shares: list[float] = []

    def take(seconds: float) -> Callable[[Deadline], None]:
        def chore(deadline: Deadline) -> None:
            shares.append(deadline.seconds_left())
            lambda_context.remaining_ms -= seconds * 1000

        return chore

    chores(first=take(20), second=take(4), third=take(1))({}, lambda_context)
    assert shares == [20, 20, 36]


def test_a_task_s_figures_are_written_though_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    def run(_event: dict[str, Any], _: Deadline) -> None:
        metrics.count("ThingsTried")
        raise RuntimeError("in vain")

    with pytest.raises(RuntimeError, match="in vain"):
        task(run)({}, LambdaContext())
    assert "ThingsTried" in capsys.readouterr().out

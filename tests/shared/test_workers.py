"""Batches of a queue, and ticks: what failed comes again, alone, and everything is logged under its request."""

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from shared import context, metrics
from shared.contracts.events import Event
from shared.redelivery import Redelivery, delay
from shared.workers import queue_worker, task
from tests.support.context import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Queue:
    """The queue's side of putting off: what it was told, or that it cannot be reached."""

    def __init__(self, *, down: bool = False) -> None:
        self.put_off: list[tuple[str, int]] = []
        self._down = down
        self.redelivery = Redelivery("the-queue", lambda: cast("SQSClient", self))

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803  # boto3's names
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        assert QueueUrl == "the-queue"
        if self._down:
            raise ClientError({"Error": {"Code": "InternalError"}}, "ChangeMessageVisibility")
        self.put_off.append((ReceiptHandle, VisibilityTimeout))


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


def delivered(*bodies: str) -> dict[str, Any]:
    """A batch of the queue, messages m0, m1, …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"handle-{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
                "awsRegion": "eu-west-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def events(count: int) -> dict[str, Any]:
    return delivered(*(an_event(number).model_dump_json() for number in range(count)))


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_each_event_is_handled_under_its_own_request() -> None:
    seen: list[tuple[str, str]] = []
    worker = queue_worker(
        lambda fact: seen.append((fact.id, context.request_id())), Queue().redelivery
    )
    assert failures(worker(events(2), LambdaContext())) == []
    assert seen == [("order-0.1", "request-0"), ("order-1.1", "request-1")]


@pytest.mark.parametrize("broken", [{"order-1"}, {"order-0", "order-2"}])
def test_only_what_failed_comes_again(broken: set[str]) -> None:
    handled: list[str] = []

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise RuntimeError("not this one")
        handled.append(fact.aggregate_id)

    answer = queue_worker(react, Queue().redelivery)(events(3), LambdaContext())
    assert failures(answer) == [f"m{order[-1]}" for order in sorted(broken)]
    assert set(handled) == {"order-0", "order-1", "order-2"} - broken


def test_what_failed_comes_again_soon_and_later_with_every_attempt() -> None:
    queue = Queue()

    def react(_fact: Event) -> None:
        raise RuntimeError("not now")

    batch = events(2)
    batch["Records"][1]["attributes"]["ApproximateReceiveCount"] = "4"
    queue_worker(react, queue.redelivery)(batch, LambdaContext())
    assert queue.put_off == [("handle-0", 5), ("handle-1", 40)]
    assert delay(20) == 900


def test_what_is_done_is_not_put_off() -> None:
    queue = Queue()
    queue_worker(lambda _fact: None, queue.redelivery)(events(2), LambdaContext())
    assert queue.put_off == []


def test_a_queue_that_cannot_be_reached_loses_no_failure() -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("not now")

    answer = queue_worker(react, Queue(down=True).redelivery)(events(1), LambdaContext())
    assert failures(answer) == ["m0"]


def test_a_batch_that_failed_as_a_whole_is_answered_like_any_other() -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("none of them")

    assert failures(queue_worker(react, Queue().redelivery)(events(2), LambdaContext())) == [
        "m0",
        "m1",
    ]


def test_a_message_that_is_no_event_fails_alone() -> None:
    handled: list[Event] = []
    batch = delivered("not JSON", json.dumps({"type": "gossip"}), an_event(2).model_dump_json())
    answer = queue_worker(handled.append, Queue().redelivery)(batch, LambdaContext())
    assert failures(answer) == ["m0", "m1"]
    assert handled == [an_event(2)]


def test_one_batch_s_failures_are_not_the_next_one_s() -> None:
    broken = {"order-0"}

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise RuntimeError("not yet")

    worker = queue_worker(react, Queue().redelivery)
    assert failures(worker(events(2), LambdaContext())) == ["m0"]
    broken.clear()
    assert failures(worker(events(2), LambdaContext())) == []


def test_a_task_is_run_under_its_invocation() -> None:
    seen: list[object] = []

    def run(event: dict[str, Any]) -> str:
        seen.append((event, context.request_id()))
        return "done"

    assert task(run)({"tick": 1}, LambdaContext(aws_request_id="invocation-9")) == "done"
    assert seen == [({"tick": 1}, "invocation-9")]


def test_a_task_s_figures_are_written_though_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    def run(_event: dict[str, Any]) -> None:
        metrics.count("ThingsTried")
        raise RuntimeError("in vain")

    with pytest.raises(RuntimeError, match="in vain"):
        task(run)({}, LambdaContext())
    assert "ThingsTried" in capsys.readouterr().out

"""Batches of a queue, and ticks: what failed comes again, alone, and everything is logged under its request."""

import json
from typing import Any

import pytest

from shared import context, metrics
from shared.contracts.events import Event
from shared.workers import queue_worker, task
from tests.support.context import LambdaContext


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
                "receiptHandle": "handle",
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
    worker = queue_worker(lambda fact: seen.append((fact.id, context.request_id())))
    assert failures(worker(events(2), LambdaContext())) == []
    assert seen == [("order-0.1", "request-0"), ("order-1.1", "request-1")]


@pytest.mark.parametrize("broken", [{"order-1"}, {"order-0", "order-2"}])
def test_only_what_failed_comes_again(broken: set[str]) -> None:
    handled: list[str] = []

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise RuntimeError("not this one")
        handled.append(fact.aggregate_id)

    answer = queue_worker(react)(events(3), LambdaContext())
    assert failures(answer) == [f"m{order[-1]}" for order in sorted(broken)]
    assert set(handled) == {"order-0", "order-1", "order-2"} - broken


def test_a_batch_that_failed_as_a_whole_is_answered_like_any_other() -> None:
    def react(_fact: Event) -> None:
        raise RuntimeError("none of them")

    assert failures(queue_worker(react)(events(2), LambdaContext())) == ["m0", "m1"]


def test_a_message_that_is_no_event_fails_alone() -> None:
    handled: list[Event] = []
    batch = delivered("not JSON", json.dumps({"type": "gossip"}), an_event(2).model_dump_json())
    answer = queue_worker(handled.append)(batch, LambdaContext())
    assert failures(answer) == ["m0", "m1"]
    assert handled == [an_event(2)]


def test_one_batch_s_failures_are_not_the_next_one_s() -> None:
    broken = {"order-0"}

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise RuntimeError("not yet")

    worker = queue_worker(react)
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

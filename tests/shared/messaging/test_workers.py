"""Batches of a queue, and ticks of a schedule: what is retried, and what becomes a dead letter."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.calls.deadline import Deadline
from shared.calls.internal import CallFailed, CallThrottled
from shared.contracts.events import Event
from shared.errors import Conflict, ServiceUnavailable, TemporaryFailure
from shared.messaging.redelivery import PermanentFailure, RetryLater, delay, pause
from shared.messaging.workers import chores, task
from shared.runtime import context, metrics
from tests.shared.messaging.queues import (
    FIRST_RECEIVED,
    REFUSED,
    Queues,
    an_event,
    delivered,
    events,
)
from tests.support.context import LambdaContext

UNREACHABLE = ReadTimeoutError(endpoint_url="sqs")
BUG = RuntimeError("not this one")


def failing(cause: Exception, *aggregates: str) -> Callable[[Event], None]:
    """A reaction that fails for these aggregates, or for all."""

    def react(fact: Event) -> None:
        if not aggregates or fact.aggregate_id in aggregates:
            raise cause

    return react


def test_each_event_is_handled_under_its_own_request() -> None:
    seen: list[tuple[str, str]] = []
    queue = Queues()
    batch = events(2, attempt=8)
    assert queue.deliver(lambda f: seen.append((f.id, context.request_id())), batch) == []
    assert seen == [("order-0.1", "request-0"), ("order-1.1", "request-1")]
    assert (queue.delayed, queue.resent, queue.dead_letters) == ([], [], [])


@pytest.mark.parametrize("broken", [["order-1"], ["order-0", "order-2"], []])
def test_only_failed_messages_are_retried(broken: list[str]) -> None:
    handled: list[str] = []

    def react(fact: Event) -> None:
        failing(BUG, *broken)(fact)
        handled.append(fact.aggregate_id)

    failed = broken or ["order-0", "order-1", "order-2"]
    assert Queues().deliver(react, events(3)) == [f"m{order[-1]}" for order in failed]
    assert set(handled) == {"order-0", "order-1", "order-2"} - set(failed)


def test_failed_message_is_delayed_longer_with_every_attempt() -> None:
    queue = Queues()
    batch = events(3)
    for record, attempt in zip(batch["Records"], (1, 4, 7), strict=True):
        record["attributes"]["ApproximateReceiveCount"] = str(attempt)
    queue.deliver(failing(BUG), batch)
    assert queue.delayed == [("handle-0", 5), ("handle-1", 40), ("handle-2", 320)]
    assert queue.dead_letters == []
    assert delay(20) == 900


@pytest.mark.parametrize("failure", [REFUSED, UNREACHABLE], ids=repr)
def test_message_stays_in_a_queue_that_cannot_be_reached(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queues(down="the-queue", failure=failure)
    assert queue.deliver(failing(BUG), events(1)) == ["m0"]
    assert caplog.messages[-1] == "the delivery of a message could not be delayed"
    assert queue.deliver(failing(RetryLater(60)), events(1)) == ["m0"]


def test_message_that_is_no_event_is_a_dead_letter_at_once(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handled: list[Event] = []
    queue = Queues()
    other = json.dumps({"type": ["gossip"]})
    batch = delivered("not JSON", other, an_event(2).model_dump_json())
    assert queue.deliver(lambda fact: handled.append(fact), batch) == []  # noqa: PLW0108  # a built-in has no module
    assert handled == [an_event(2)]
    (first, second), reasons = zip(*queue.dead_letters, strict=True)
    assert (first, second) == ("not JSON", other)
    assert reasons[0]["Reason"] == "ValidationError: body json_invalid"
    assert reasons[1]["Reason"].startswith("ValidationError: id missing, type string_type")
    assert "gossip" not in reasons[1]["Reason"]
    logged = next(line for line in caplog.records if line.message.startswith("given up"))
    assert logged.message == "given up: ValidationError: body json_invalid"
    assert logged.levelname == "ERROR"
    assert '"DeadLetters":[1.0,1.0]' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cause", "attempt", "reason"),
    [
        (Conflict("the lamp is out"), 8, "Conflict: the lamp is out"),
        (PermanentFailure("the account is paused"), 1, "PermanentFailure: the account is paused"),
    ],
)
def test_last_attempt_or_give_up_makes_a_dead_letter(
    cause: Exception, attempt: int, reason: str
) -> None:
    queue = Queues()
    assert queue.deliver(failing(cause), events(1, attempt), "OrdersCheckout") == []
    attributes = {
        "Reason": reason,
        "FailedFunction": "OrdersCheckout",
        "RequestId": "request-0",
        "Attempts": str(attempt),
        "FirstReceivedAt": FIRST_RECEIVED,
        "SourceMessageId": "m0",
    }
    assert queue.dead_letters == [(an_event(0).model_dump_json(), attributes)]
    assert queue.delayed == []


@pytest.mark.parametrize("failure", [REFUSED, UNREACHABLE], ids=repr)
def test_message_stays_in_the_queue_without_its_dead_letter(failure: Exception) -> None:
    queue = Queues(down="the-dead-letters", failure=failure)
    batch = delivered("not JSON", an_event(1).model_dump_json(), attempt=8)
    assert queue.deliver(failing(BUG), batch) == ["m0", "m1"]
    assert queue.delayed == [("handle-0", 640), ("handle-1", 640)]


@pytest.mark.parametrize("attempt", [1, 8])
@pytest.mark.parametrize(("seconds", "expected"), [(59.1, 60), (3600, 900)])
def test_waiting_message_is_sent_again_with_its_delay(
    attempt: int, seconds: float, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queues()
    assert queue.deliver(failing(RetryLater(seconds)), events(1, attempt)) == []
    assert queue.resent == [(an_event(0).model_dump_json(), expected, FIRST_RECEIVED)]
    assert (queue.delayed, queue.dead_letters) == ([], [])
    assert not [line for line in caplog.records if line.levelname in ("WARNING", "ERROR")]


def test_waiting_message_keeps_the_time_since_which_it_waits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    queue = Queues()
    batch = events(1)
    since = "2026-11-20T07:00:00.000Z"
    attribute = {"dataType": "String", "stringValue": since}
    batch["Records"][0]["messageAttributes"] = {"WaitingSince": attribute}
    queue.deliver(failing(RetryLater(60)), batch)
    assert [resent[2] for resent in queue.resent] == [since]
    assert "MessageAge" in capsys.readouterr().out


@pytest.mark.parametrize(
    "cause",
    [
        CallFailed("ProductsInventory: ReadTimeoutError"),
        CallThrottled("ProductsInventory: ConcurrentInvocationLimitExceeded"),
        ServiceUnavailable("database", retry_after=1),
        TemporaryFailure("the provider is down"),
        UNREACHABLE,
    ],
)
def test_temporary_failure_uses_up_no_attempt(cause: Exception) -> None:
    queue = Queues()
    assert queue.deliver(failing(cause), events(1, attempt=8)) == []
    [(_, seconds, _)] = queue.resent  # it was first received long ago
    assert 300 <= seconds <= 360
    assert (queue.delayed, queue.dead_letters) == ([], [])


@pytest.mark.parametrize(("waited", "expected"), [(0, 5), (8, 5), (60, 30), (4000, 300)])
def test_pause_grows_with_the_time_waited(waited: float, expected: float) -> None:
    pauses = [pause(waited, longest=300) for _ in range(100)]
    assert all(expected <= one <= expected * 1.2 for one in pauses)
    assert len(set(pauses)) > 1


def test_message_that_cannot_be_sent_again_stays_in_the_queue() -> None:
    queue = Queues(cannot_send=True)
    assert queue.deliver(failing(RetryLater(60)), events(1)) == ["m0"]
    assert queue.delayed == [("handle-0", 5)]


def test_task_runs_under_its_invocation_and_writes_its_metrics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[object] = []

    def run(event: dict[str, Any], _: Deadline) -> str:
        seen.append((event, context.request_id()))
        metrics.count("ThingsTried")
        if event["tick"] > 1:
            raise RuntimeError("in vain")
        return "done"

    assert task(run)({"tick": 1}, LambdaContext(aws_request_id="invocation-9")) == "done"
    assert seen == [({"tick": 1}, "invocation-9")]
    with pytest.raises(RuntimeError, match="in vain"):
        task(run)({"tick": 2}, LambdaContext())
    assert capsys.readouterr().out.count('"ThingsTried":') == 2


def test_chore_that_fails_does_not_stop_the_others() -> None:
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

"""Batches of a queue, and ticks of a schedule: what is retried, and what becomes a dead letter."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from shared.calls.deadline import Deadline
from shared.calls.internal import CallFailed, CallThrottled
from shared.contracts.events import Event
from shared.errors import Conflict, ServiceUnavailable, TemporaryFailure
from shared.messaging.redelivery import PermanentFailure, RetryLater, delay, pause
from shared.messaging.workers import chores, queue_worker, task
from shared.runtime import logging, metrics, steps
from shared.runtime.settings import QueueSettings
from tests.support.context import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_RECEIVED: Final = "2026-11-20T08:30:00.131Z"
UNREACHABLE = ReadTimeoutError(endpoint_url="sqs")
REFUSED = ClientError({"Error": {"Code": "InternalError"}}, "AnyOperation")
BUG = RuntimeError("not this one")


class Queues:
    """A queue and its dead-letter queue in memory. All calls of the queue `down` fail.

    Attributes:
        delayed: handles of messages whose visibility was changed, and by how many seconds.
        resent: bodies that were sent to the queue again, with their delay and since when they wait.
        resent_types: the attributes `type` of those that have one.
        dead_letters: bodies in the dead-letter queue, with their attributes.
    """

    def __init__(self, *, down: str = "", failure: Exception = REFUSED) -> None:
        self.delayed: list[tuple[str, int]] = []
        self.resent: list[tuple[str, int, str]] = []
        self.resent_types: list[str] = []
        self.dead_letters: list[tuple[str, dict[str, str]]] = []
        self._down = down
        self._failure = failure

    def deliver(self, react: Callable[[Event], None], batch: dict[str, Any]) -> list[str]:
        """Have a worker handle the batch; return the ids of the messages that failed."""
        settings = QueueSettings("the-queue", "the-dead-letters", delivery_attempts=8)
        worker = queue_worker(react, settings, lambda: cast("SQSClient", self))
        answer = worker(batch, LambdaContext(function_name="Worker"))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def change_message_visibility(self, **call: Any) -> None:
        self._reach(call["QueueUrl"])
        self.delayed.append((call["ReceiptHandle"], call["VisibilityTimeout"]))

    def send_message(self, **call: Any) -> None:
        self._reach(call["QueueUrl"])
        body = call["MessageBody"]
        attributes = {name: v["StringValue"] for name, v in call["MessageAttributes"].items()}
        if call["QueueUrl"] == "the-queue":
            self.resent.append((body, call["DelaySeconds"], attributes["WaitingSince"]))
            self.resent_types += [attributes["type"]] if "type" in attributes else []
        else:
            self.dead_letters.append((body, attributes))

    def _reach(self, queue: str) -> None:
        if queue == self._down:
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
    """A batch of messages m0, m1, …"""
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
            }
            for number, body in enumerate(bodies)
        ]
    }


def events(count: int, attempt: int = 1) -> dict[str, Any]:
    bodies = (an_event(number).model_dump_json() for number in range(count))
    return delivered(*bodies, attempt=attempt)


def stated(batch: dict[str, Any], type_: str | None) -> dict[str, Any]:
    """The batch, as a topic's subscription delivers it whose filter has admitted this type."""
    for record in batch["Records"] if type_ else ():
        record["messageAttributes"] = {"type": {"dataType": "String", "stringValue": type_}}
    return batch


def failing(cause: Exception, *aggregates: str) -> Callable[[Event], None]:
    """A reaction that fails for these aggregates, or for all."""

    def react(fact: Event) -> None:
        if not aggregates or fact.aggregate_id in aggregates:
            raise cause

    return react


@pytest.mark.parametrize("broken", [["order-1"], ["order-0", "order-2"], []])
def test_each_event_is_handled_alone_under_its_own_request(broken: list[str]) -> None:
    handled: dict[str, str] = {}

    def react(fact: Event) -> None:
        if fact.aggregate_id in broken:
            raise BUG
        handled[fact.aggregate_id] = logging.request_id()

    queue = Queues()
    assert queue.deliver(react, events(3)) == [f"m{order[-1]}" for order in broken]
    assert handled == {f"order-{n}": f"request-{n}" for n in range(3) if f"order-{n}" not in broken}
    assert (len(queue.delayed), queue.resent, queue.dead_letters) == (len(broken), [], [])


def test_failed_message_is_delayed_longer_with_every_attempt() -> None:
    queue = Queues()
    batch = events(3)
    for record, attempt in zip(batch["Records"], (1, 4, 7), strict=True):
        record["attributes"]["ApproximateReceiveCount"] = str(attempt)
    assert queue.deliver(failing(BUG), batch) == ["m0", "m1", "m2"]
    assert queue.delayed == [("handle-0", 5), ("handle-1", 40), ("handle-2", 320)]
    assert queue.dead_letters == []
    assert delay(20) == 900


@pytest.mark.parametrize("failure", [REFUSED, UNREACHABLE], ids=repr)
@pytest.mark.parametrize("cause", [BUG, RetryLater(60)], ids=repr)
def test_message_stays_in_a_queue_that_cannot_be_reached(
    failure: Exception, cause: Exception
) -> None:
    assert Queues(down="the-queue", failure=failure).deliver(failing(cause), events(1)) == ["m0"]


def test_message_that_is_no_event_is_a_dead_letter_at_once(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    handled: list[Event] = []
    queue = Queues()
    other = json.dumps({"type": ["gossip"]})
    batch = delivered("not JSON", other, an_event(2).model_dump_json())
    assert queue.deliver(lambda fact: handled.append(fact), batch) == []  # noqa: PLW0108  # a built-in has no module
    assert handled == [an_event(2)]
    [(first, why_first), (second, why_second)] = queue.dead_letters
    assert (first, why_first["Reason"]) == ("not JSON", "ValidationError: body json_invalid")
    assert second == other
    assert why_second["Reason"].startswith("ValidationError: id missing, type string_type")
    assert ("ERROR", "given up: ValidationError: body json_invalid") in [
        (line.levelname, line.message) for line in caplog.records
    ]
    assert '"DeadLetters":[1.0,1.0]' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cause", "attempt", "reason"),
    [
        (Conflict("the lamp is out"), 8, "Conflict: the lamp is out"),
        (PermanentFailure("the account is paused"), 1, "PermanentFailure: the account is paused"),
    ],
)
def test_last_attempt_or_permanent_failure_makes_a_dead_letter(
    cause: Exception, attempt: int, reason: str
) -> None:
    queue = Queues()
    assert queue.deliver(failing(cause), events(1, attempt)) == []
    attributes = {
        "Reason": reason,
        "FailedFunction": "Worker",
        "RequestId": "request-0",
        "Attempts": str(attempt),
        "FirstReceivedAt": FIRST_RECEIVED,
        "SourceMessageId": "m0",
    }
    assert queue.dead_letters == [(an_event(0).model_dump_json(), attributes)]
    assert queue.delayed == []


def test_event_of_another_type_than_its_filter_admitted_is_a_dead_letter_at_once() -> None:
    handled: list[Event] = []
    queue = Queues()
    batch = stated(events(1), "user.erased")
    assert queue.deliver(handled.append, batch) == []
    assert handled == []
    [(body, attributes)] = queue.dead_letters
    assert body == an_event(0).model_dump_json()
    assert attributes["Reason"].startswith("PermanentFailure: the attribute type")
    # It is refused again when an operator moves it back.
    assert attributes["type"] == "user.erased"


@pytest.mark.parametrize("type_", ["order.placed", None])
def test_event_keeps_the_type_that_its_filter_admitted(type_: str | None) -> None:
    # Messages of sweepers, and those that the last release has sent again, have none.
    queue = Queues()
    waiting, failed = (stated(events(1, attempt=8), type_) for _ in range(2))
    assert queue.deliver(failing(RetryLater(60)), waiting) == []
    assert queue.deliver(failing(BUG), failed) == []
    [(_, attributes)] = queue.dead_letters
    assert queue.resent_types == ([type_] if type_ else [])
    assert attributes.get("type") == type_


@pytest.mark.parametrize("failure", [REFUSED, UNREACHABLE], ids=repr)
def test_message_stays_in_the_queue_without_its_dead_letter(failure: Exception) -> None:
    queue = Queues(down="the-dead-letters", failure=failure)
    batch = delivered("not JSON", an_event(1).model_dump_json(), attempt=8)
    assert queue.deliver(failing(BUG), batch) == ["m0", "m1"]
    assert queue.delayed == [("handle-0", 640), ("handle-1", 640)]


@pytest.mark.parametrize("since", [FIRST_RECEIVED, "2026-11-20T07:00:00.000Z"])
@pytest.mark.parametrize(("seconds", "expected"), [(59.1, 60), (3600, 900)])
def test_waiting_message_is_sent_again_with_its_delay_and_age(
    seconds: float,
    expected: int,
    since: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    queue = Queues()
    batch = events(1, attempt=8)
    if since != FIRST_RECEIVED:
        attribute = {"dataType": "String", "stringValue": since}
        batch["Records"][0]["messageAttributes"] = {"WaitingSince": attribute}
    assert queue.deliver(failing(RetryLater(seconds)), batch) == []
    assert queue.resent == [(an_event(0).model_dump_json(), expected, since)]
    assert (queue.delayed, queue.dead_letters) == ([], [])
    assert not [line for line in caplog.records if line.levelname in ("WARNING", "ERROR")]
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


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (None, "handled order.placed"),
        (RetryLater(60), "handled order.placed for now: there is more to do in 60 s"),
        (UNREACHABLE, "could not handle order.placed yet"),
        (BUG, "could not handle order.placed"),
    ],
)
@pytest.mark.parametrize("attempt", [1, 2])
def test_line_of_a_message_has_its_steps_its_time_and_which_attempt_it_was(
    cause: Exception | None, message: str, attempt: int, caplog: pytest.LogCaptureFixture
) -> None:
    def react(_: Event) -> None:
        steps.skipped("payments", "CircuitOpen")
        if cause:
            raise cause

    caplog.set_level("INFO")
    Queues().deliver(react, events(1, attempt=attempt))
    [line] = [vars(record) for record in caplog.records if record.message == message]
    assert line["steps"] == ["payments 0 CircuitOpen"]
    assert line["ms"] > 0
    # The first attempt is the usual one, and costs nothing.
    assert line.get("attempt") == (2 if attempt == 2 else None)


def test_task_runs_under_its_invocation_and_writes_its_metrics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(event: dict[str, Any], _: Deadline) -> str:
        metrics.count("ThingsTried")
        if event["tick"] > 1:
            raise BUG
        return logging.request_id()

    assert task(run)({"tick": 1}, LambdaContext(aws_request_id="invocation-9")) == "invocation-9"
    with pytest.raises(RuntimeError, match="not this one"):
        task(run)({"tick": 2}, LambdaContext())
    assert capsys.readouterr().out.count('"ThingsTried":') == 2


def test_chore_that_fails_does_not_stop_the_others_or_take_their_time() -> None:
    lambda_context = LambdaContext(remaining_ms=60_000)
    shares: list[float] = []

    def chore(seconds: float, failure: Exception | None = None) -> Callable[[Deadline], None]:
        def run(deadline: Deadline) -> None:
            shares.append(deadline.seconds_left())
            lambda_context.remaining_ms -= seconds * 1000
            if failure:
                raise failure

        return run

    with pytest.raises(ExceptionGroup) as failed:
        chores(first=chore(20, BUG), second=chore(4), third=chore(1))({}, lambda_context)
    assert failed.value.exceptions == (BUG,)
    assert shares == [20, 20, 36]

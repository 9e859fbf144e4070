"""A message that has to wait is sent again with a delay, which is no failure and uses up no attempt."""

import pytest

from shared.calls.internal import CallFailed, CallThrottled
from shared.contracts.events import Event
from shared.errors import ServiceUnavailable, TemporaryFailure
from shared.messaging.redelivery import ComeAgain, pause
from tests.shared.messaging.test_workers import Queues, an_event, events, failures
from tests.support.context import LambdaContext

# When the messages of tests.shared.messaging.test_workers were first received.
SINCE = "2026-11-20T08:30:00.131Z"


def in_a_minute(_fact: Event) -> None:
    raise ComeAgain(59.1)


@pytest.mark.parametrize("attempt", [1, 8])
def test_a_message_is_sent_again_as_late_as_its_reader_says(
    attempt: int, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queues()
    answer = queue.worker(in_a_minute)(events(1, attempt=attempt), LambdaContext())
    assert failures(answer) == []
    assert queue.calls == [("sent again", (an_event(0).model_dump_json(), 60, SINCE))]
    assert not [line for line in caplog.records if line.levelname in ("WARNING", "ERROR")]


def test_a_message_that_waited_before_keeps_since_when(
    capsys: pytest.CaptureFixture[str],
) -> None:
    queue = Queues()
    batch = events(1)
    batch["Records"][0]["messageAttributes"] = {
        "WaitingSince": {"dataType": "String", "stringValue": "2026-11-20T07:00:00.000Z"}
    }
    queue.worker(in_a_minute)(batch, LambdaContext())
    [(_, (_, _, since))] = queue.calls
    assert since == "2026-11-20T07:00:00.000Z"
    assert "MessageAge" in capsys.readouterr().out


def test_sqs_delays_for_15_minutes_at_most() -> None:
    def react(_fact: Event) -> None:
        raise ComeAgain(3600)

    queue = Queues()
    queue.worker(react)(events(1), LambdaContext())
    [(_, (_, seconds, _))] = queue.calls
    assert seconds == 900


@pytest.mark.parametrize(
    "cause",
    [
        CallFailed("ProductsInventory: ReadTimeoutError"),
        CallThrottled("ProductsInventory: ConcurrentInvocationLimitExceeded"),
        ServiceUnavailable("database", retry_after=1),
        TemporaryFailure("the provider is down"),
    ],
)
def test_what_fails_for_a_time_waits_without_limit(cause: Exception) -> None:
    def react(_fact: Event) -> None:
        raise cause

    queue = Queues()
    answer = queue.worker(react)(events(1, attempt=8), LambdaContext())
    assert failures(answer) == []
    [(call, (_, seconds, _))] = queue.calls
    # It was first received long ago.
    assert call == "sent again"
    assert 300 <= seconds <= 360


@pytest.mark.parametrize(("waited", "expected"), [(0, 5), (8, 5), (60, 30), (4000, 300)])
def test_who_has_waited_longer_waits_longer(waited: float, expected: float) -> None:
    pauses = [pause(waited, longest=300) for _ in range(100)]
    assert all(expected <= one <= expected * 1.2 for one in pauses)
    assert len(set(pauses)) > 1


def test_a_message_that_cannot_be_sent_again_stays_in_the_queue() -> None:
    queue = Queues(cannot_send=True)
    answer = queue.worker(in_a_minute)(events(1), LambdaContext())
    assert failures(answer) == ["m0"]
    assert queue.calls == [("put off", ("handle-0", 5))]


def test_a_queue_that_cannot_be_reached_brings_it_when_its_own_time_is_over() -> None:
    answer = Queues(down="the-queue").worker(in_a_minute)(events(1), LambdaContext())
    assert failures(answer) == ["m0"]

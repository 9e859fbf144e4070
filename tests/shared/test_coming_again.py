"""A message that is done for now comes again when its reader says, and that is no failure."""

import pytest

from shared.contracts.events import Event
from shared.redelivery import ComeAgain
from tests.shared.test_workers import Queues, events, failures
from tests.support.context import LambdaContext


def in_a_minute(_fact: Event) -> None:
    raise ComeAgain(60)


def test_it_comes_again_when_its_reader_says(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queues()
    answer = queue.worker(in_a_minute)(events(1, attempt=3), LambdaContext())
    assert failures(answer) == ["m0"]
    assert queue.calls == [("put off", ("handle-0", 60))]
    assert not [line for line in caplog.records if line.levelname in ("WARNING", "ERROR")]


def test_one_that_the_queue_would_not_bring_again_is_given_up() -> None:
    queue = Queues()
    assert failures(queue.worker(in_a_minute)(events(1, attempt=8), LambdaContext())) == []
    [(_, notes)] = queue.dead_letters
    assert notes["Reason"] == "ComeAgain: there is more to do in 60 s"


def test_a_queue_that_cannot_be_reached_brings_it_when_its_own_time_is_over() -> None:
    answer = Queues(down="the-queue").worker(in_a_minute)(events(1), LambdaContext())
    assert failures(answer) == ["m0"]

"""What environments that are slow, die or lose their store may do to a circuit that they share, and what not."""

import json

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState

from shared.calls.breaker.store import Stored
from shared.runtime import metrics
from tests.shared.circuits import (
    CALLS_LEFT_ALONE,
    CIRCUIT,
    IN_A_ROW,
    RECOVERY,
    CallUnderWay,
    Environment,
    Fault,
    InMemoryCircuits,
    Outcome,
    Reply,
    Time,
)

FRESH = 5


class Fleet:
    """Environments that share a store; all their clocks are right."""

    def __init__(self) -> None:
        self.time = Time()
        self.store = InMemoryCircuits()

    def environment(self) -> Environment:
        return Environment(self.store, self.time)

    def opened(self) -> Environment:
        """An environment that has just opened the circuit."""
        environment = self.environment()
        fail(environment)
        return environment

    def opened_at(self) -> int | None:
        stored = self.store.read(CIRCUIT)
        assert stored
        return stored.record.opened_at


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def ask(environment: Environment, reply: Reply = "answers") -> Outcome:
    return environment.call(lambda: reply)


def fail(environment: Environment, times: int = IN_A_ROW) -> None:
    for _ in range(times):
        ask(environment, "fails")


def heal(fleet: Fleet, environment: Environment) -> None:
    """The store answers again, and is asked again."""
    environment.line.fault = ""
    fleet.time.seconds += FRESH
    for _ in range(CALLS_LEFT_ALONE + 1):
        ask(environment)


class CountedCircuits(InMemoryCircuits):
    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self, name: str) -> Stored | None:
        self.reads += 1
        return super().read(name)


def test_a_healthy_circuit_reads_its_store_once_in_five_seconds() -> None:
    time, store = Time(), CountedCircuits()
    environment = Environment(store, time)
    for _ in range(100):
        assert ask(environment) == "answered"
        time.seconds += 0.1
    assert store.reads == 2
    assert store.read(CIRCUIT) is None


def test_while_one_probes_the_others_wait_a_moment(fleet: Fleet) -> None:
    other = fleet.opened()
    fleet.time.seconds += RECOVERY - 1
    ask(other)  # so that it believes in the open circuit when its time is up
    fleet.time.seconds += 1
    probe = CallUnderWay(fleet.environment())
    assert probe.outcome == "asked"
    for waiting in (other, fleet.environment()):
        assert ask(waiting) == "failed"
        assert waiting.retry_after == 2
    assert probe.end("answers") == "answered"
    assert ask(fleet.environment()) == "answered"


def test_a_probe_whose_environment_died_is_sent_again_when_its_lease_ends(fleet: Fleet) -> None:
    other = fleet.opened()
    fleet.time.seconds += RECOVERY
    assert CallUnderWay(fleet.environment()).end("kills us") == "dead"
    fleet.time.seconds += RECOVERY - 1
    assert ask(other) == "failed"
    fleet.time.seconds += 1
    assert ask(other) == "answered"
    assert fleet.store.state() is CircuitState.CLOSED


def test_a_probe_that_says_nothing_of_the_service_is_sent_again_when_its_lease_ends(
    fleet: Fleet,
) -> None:
    environment = fleet.opened()
    fleet.time.seconds += RECOVERY
    assert ask(environment, "breaks us") == "broken"
    assert ask(environment) == "failed"
    fleet.time.seconds += RECOVERY
    assert ask(environment) == "answered"


@pytest.mark.parametrize("reply", ["answers", "refuses", "fails"])
def test_a_probe_that_outlived_its_lease_changes_nothing(fleet: Fleet, reply: Reply) -> None:
    slow = fleet.opened()
    fleet.time.seconds += RECOVERY
    probe = CallUnderWay(slow)
    fleet.time.seconds += RECOVERY
    other = fleet.environment()
    ask(other, "fails")
    reopened_at = fleet.opened_at()
    fleet.time.seconds += 10
    probe.end(reply)
    assert fleet.store.state() is CircuitState.OPEN
    assert fleet.opened_at() == reopened_at
    assert ask(slow) == "failed"
    assert slow.retry_after == RECOVERY - 10


def test_failures_that_are_reported_late_do_not_open_what_others_have_closed(fleet: Fleet) -> None:
    slow = fleet.environment()
    fail(slow, IN_A_ROW - 1)
    late = CallUnderWay(slow)
    other = fleet.opened()
    fleet.time.seconds += RECOVERY
    assert ask(other) == "answered"
    assert late.end("fails") == "failed"
    assert fleet.store.state() is CircuitState.CLOSED
    assert ask(slow) == "answered"


def test_failures_that_are_reported_late_do_not_take_the_probe_s_lease(fleet: Fleet) -> None:
    slow = fleet.environment()
    fail(slow, IN_A_ROW - 1)
    late = CallUnderWay(slow)
    other = fleet.opened()
    fleet.time.seconds += RECOVERY
    probe = CallUnderWay(other)
    assert late.end("fails") == "failed"
    assert fleet.store.state() is CircuitState.HALF_OPEN
    assert probe.end("answers") == "answered"
    assert fleet.store.state() is CircuitState.CLOSED


def test_of_two_that_open_a_circuit_at_once_one_is_counted(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = fleet.environment()
    fail(slow, IN_A_ROW - 1)
    late = CallUnderWay(slow)
    metrics.flush()
    capsys.readouterr()
    fleet.opened()
    late.end("fails")
    metrics.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["CircuitOpen"] for line in lines if "_aws" in line] == [[1.0]]


def test_what_was_opened_without_the_store_is_told_when_it_answers_again(fleet: Fleet) -> None:
    environment = fleet.environment()
    environment.line.fault = "down"
    fail(environment)
    assert fleet.store.state() is CircuitState.CLOSED
    heal(fleet, environment)
    assert fleet.store.state() is CircuitState.OPEN
    assert ask(fleet.environment()) == "failed"


def test_what_a_probe_found_is_told_when_the_store_answers_again(fleet: Fleet) -> None:
    environment = fleet.opened()
    fleet.time.seconds += RECOVERY
    probe = CallUnderWay(environment)
    environment.line.fault = "down"
    probe.end("answers")
    assert ask(environment) == "answered"
    assert fleet.store.state() is CircuitState.HALF_OPEN
    heal(fleet, environment)
    assert fleet.store.state() is CircuitState.CLOSED


def test_what_others_have_done_meanwhile_holds(fleet: Fleet) -> None:
    alone = fleet.environment()
    alone.line.fault = "down"
    fail(alone)
    fleet.opened()
    fleet.time.seconds += RECOVERY
    ask(fleet.environment(), "fails")
    reopened_at = fleet.opened_at()
    heal(fleet, alone)
    assert fleet.opened_at() == reopened_at
    assert ask(alone) == "failed"


@pytest.mark.parametrize("fault", ["down", "loses answers", "writes late"])
def test_who_does_not_know_that_it_was_elected_does_not_probe(fleet: Fleet, fault: Fault) -> None:
    environment = fleet.opened()
    fleet.time.seconds += RECOVERY - 1
    ask(environment)
    fleet.time.seconds += 1
    environment.line.fault = fault
    assert ask(environment) == "failed"
    environment.line.deliver()
    fleet.time.seconds += FRESH
    others = [ask(fleet.environment()), ask(fleet.environment())]
    assert others == (["answered"] * 2 if fault == "down" else ["failed"] * 2)
    fleet.time.seconds += RECOVERY
    assert ask(fleet.environment()) == "answered"


def test_without_the_store_a_circuit_that_was_open_closes_too(fleet: Fleet) -> None:
    environment = fleet.opened()
    environment.line.fault = "down"
    fleet.time.seconds += RECOVERY
    assert ask(environment) == "failed"
    fleet.time.seconds += RECOVERY
    assert ask(environment) == "answered"
    assert ask(environment) == "answered"


def test_a_probe_without_the_store_keeps_nobody_else_from_probing(fleet: Fleet) -> None:
    environment = fleet.opened()
    environment.line.fault = "down"
    for _ in range(2):
        fleet.time.seconds += RECOVERY
        ask(environment, "breaks us")
    assert ask(environment) == "failed"
    heal(fleet, environment)
    assert fleet.store.state() is CircuitState.CLOSED

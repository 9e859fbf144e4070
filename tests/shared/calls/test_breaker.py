"""What a caller sees of a circuit breaker, and what slow, dead and unreachable environments do to
its circuit."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from shared.calls.circuit_store import Circuit, CircuitState, DynamoCircuits
from shared.runtime import metrics, steps
from tests.shared.calls.environments import (
    BACKOFF_CALLS,
    CIRCUIT,
    FRESH,
    IN_A_ROW,
    RECOVERY,
    Environment,
    Fault,
    Outcome,
    Reply,
    Time,
)
from tests.support.aws import simulated_table

REPLIES: dict[str, Reply] = {
    "a": "answers",
    "f": "fails",
    "r": "refuses",
    "t": "throttles",
    "x": "raises",
    "d": "dies",
}


class Fleet:
    """Environments that share a store, and the service that they call."""

    def __init__(self) -> None:
        self.time = Time()
        self.store = DynamoCircuits(simulated_table("OrdersTable"))
        self.called = 0

    @property
    def circuit(self) -> Circuit:
        """As it is stored."""
        stored = self.store.read(CIRCUIT)
        return stored.circuit if stored else Circuit()

    def environment(self) -> Environment:
        return Environment(self.store, self.time)

    def opened(self) -> Environment:
        """An environment that has just opened the circuit."""
        environment = self.environment()
        self.call(environment, "f" * IN_A_ROW)
        self.called = 0
        return environment

    def call(
        self,
        environment: Environment,
        replies: str = "a",
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[Outcome]:
        """A call for each letter of REPLIES; `meanwhile` happens before it ends."""

        def served(letter: str) -> Reply:
            self.called += 1
            meanwhile()
            return REPLIES[letter]

        return [environment.call(partial(served, letter)) for letter in replies]

    def heal(self, environment: Environment) -> None:
        """The store answers again, and is called again."""
        environment.connection.fault = ""
        self.time.seconds += FRESH
        self.call(environment, "a" * (BACKOFF_CALLS + 1))


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.mark.parametrize(
    ("replies", "called"),
    [
        ("f" * IN_A_ROW + "aaa", IN_A_ROW),
        ("ft" * IN_A_ROW + "aaa", 2 * IN_A_ROW - 1),
        ("ffffaffffa", 10),
        ("ffffrffffa", 10),
        ("r" * 50, 50),
        ("t" * 50, 50),
        # The rate: ten of the last twenty.
        ("ffffa" * 4, 12),
        ("faa" * 100, 300),
        ("ffaffa" + "a" * 14 + "ffa" * 2 + "faaa", 30),
    ],
)
def test_circuit_opens_after_failures(fleet: Fleet, replies: str, called: int) -> None:
    fleet.call(fleet.environment(), replies)
    assert fleet.called == called


def test_breaker_returns_what_the_function_returns(fleet: Fleet) -> None:
    assert fleet.environment().breaker.call(divmod, 7, 4) == (1, 3)


def test_open_circuit_names_the_seconds_left(fleet: Fleet) -> None:
    environment = fleet.environment()
    assert fleet.call(environment, "f") == ["failed"]
    assert environment.retry_after == 2
    environment = fleet.opened()
    for seconds, left in ((0, RECOVERY), (20, 10), (9, 2)):
        fleet.time.seconds += seconds
        assert fleet.call(environment) == ["failed"]
        assert environment.retry_after == left
    assert fleet.called == 0


@pytest.mark.parametrize("healthy", ["a", "r"])
def test_one_healthy_probe_closes_the_circuit_for_all(fleet: Fleet, healthy: str) -> None:
    another = fleet.environment()
    fleet.call(another, "ffff")
    environment = fleet.opened()
    fleet.time.seconds += FRESH
    assert fleet.call(another) == ["failed"]
    fleet.time.seconds += RECOVERY - FRESH
    fleet.call(environment, healthy)
    fleet.time.seconds += FRESH
    # Both count from none again.
    for closed in (environment, another):
        assert fleet.call(closed, "ffffa")[-1] == "answered"
    assert fleet.call(fleet.environment()) == ["answered"]


def test_failed_probe_opens_the_circuit_again(fleet: Fleet) -> None:
    environment = fleet.opened()
    fleet.time.seconds += RECOVERY
    another = fleet.environment()
    fleet.call(another, "f")
    assert another.retry_after == 2
    for waiting in (another, environment):
        fleet.call(waiting)
        assert waiting.retry_after == RECOVERY
    assert fleet.called == 1


def test_throttled_probe_leaves_the_next_call_to_probe(fleet: Fleet) -> None:
    environment = fleet.opened()
    fleet.time.seconds += RECOVERY
    assert fleet.call(environment, "tt") == ["failed"] * 2
    assert fleet.call(fleet.environment()) == ["answered"]
    assert fleet.called == 3


def test_log_has_a_refusal_of_the_circuit_instead_of_a_step(fleet: Fleet) -> None:
    environment = fleet.opened()
    steps.begin()
    fleet.call(environment)
    assert steps.logged()["steps"] == ["service 0 CircuitOpen"]


def test_transitions_and_refusals_are_counted_once(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    metrics.flush()
    capsys.readouterr()
    slow, environment = fleet.environment(), fleet.environment()
    fleet.call(slow, "ffff")
    # When the slow call fails, the circuit is open already.
    fleet.call(slow, "f", meanwhile=lambda: fleet.call(environment, "f" * IN_A_ROW + "aa"))
    for reply in "fa":
        fleet.time.seconds += RECOVERY
        fleet.call(environment, reply)
    metrics.flush()
    counted = json.loads(capsys.readouterr().out)
    assert {name: sum(counted[name]) for name in counted if name.startswith("Circuit")} == {
        "CircuitOpen": 2,
        "CircuitHalfOpen": 2,
        "CircuitClosed": 1,
        "CircuitRefusals": 2,
    }
    assert "circuit service: CLOSED → OPEN" in caplog.messages
    assert "circuit service: HALF_OPEN → CLOSED" in caplog.messages


def test_environment_that_lost_the_election_to_a_healthy_probe_calls(fleet: Fleet) -> None:
    late = fleet.opened()
    fleet.time.seconds += RECOVERY - 1
    fleet.call(late)  # reads the open circuit just before its time is up
    fleet.time.seconds += 1
    assert fleet.call(fleet.environment()) == ["answered"]
    assert fleet.call(late) == ["answered"]


def test_healthy_circuit_reads_its_store_once_in_five_seconds(fleet: Fleet) -> None:
    environment = fleet.environment()
    for _ in range(100):
        assert fleet.call(environment) == ["answered"]
        fleet.time.seconds += 0.1
    assert environment.connection.reads == 2


def test_others_wait_while_one_probes(fleet: Fleet) -> None:
    other = fleet.opened()
    fleet.time.seconds += RECOVERY - 1
    fleet.call(other)  # reads the open circuit just before its time is up
    fleet.time.seconds += 1

    def wait() -> None:
        for waiting in (other, fleet.environment()):
            assert fleet.call(waiting) == ["failed"]
            assert waiting.retry_after == 2

    assert fleet.call(fleet.environment(), "a", meanwhile=wait) == ["answered"]
    assert fleet.call(fleet.environment()) == ["answered"]


@pytest.mark.parametrize(("reply", "outcome"), [("d", "dead"), ("x", "raised")])
def test_probe_without_a_result_is_repeated_when_its_lease_ends(
    fleet: Fleet, reply: str, outcome: Outcome
) -> None:
    other = fleet.opened()
    fleet.time.seconds += RECOVERY
    assert fleet.call(fleet.environment(), reply) == [outcome]
    fleet.time.seconds += RECOVERY - 1
    assert fleet.call(other) == ["failed"]
    fleet.time.seconds += 1
    assert fleet.call(other) == ["answered"]


@pytest.mark.parametrize("reply", ["a", "r", "f"])
def test_probe_that_outlived_its_lease_changes_nothing(fleet: Fleet, reply: str) -> None:
    slow = fleet.opened()
    fleet.time.seconds += RECOVERY

    def outlive() -> None:
        fleet.time.seconds += RECOVERY
        fleet.call(fleet.environment(), "f")
        fleet.time.seconds += 10

    fleet.call(slow, reply, meanwhile=outlive)
    assert fleet.circuit.opened_at == int(fleet.time.seconds) - 10
    assert fleet.call(slow) == ["failed"]
    assert slow.retry_after == RECOVERY - 10


@pytest.mark.parametrize("state", [CircuitState.HALF_OPEN, CircuitState.CLOSED])
def test_failures_that_are_reported_late_change_nothing(fleet: Fleet, state: CircuitState) -> None:
    late = fleet.environment()
    fleet.call(late, "ffff")

    def probe_meanwhile() -> None:
        other = fleet.opened()
        fleet.time.seconds += RECOVERY
        # A probe that dies leaves the circuit half open.
        fleet.call(other, "a" if state is CircuitState.CLOSED else "d")

    assert fleet.call(late, "f", meanwhile=probe_meanwhile) == ["failed"]
    assert fleet.circuit.state is state


def test_circuit_works_without_its_store_and_writes_its_state_later(fleet: Fleet) -> None:
    environment = fleet.environment()
    environment.connection.fault = "down"
    fleet.call(environment, "f" * IN_A_ROW)
    assert fleet.call(environment) == ["failed"]
    fleet.heal(environment)
    assert fleet.circuit.state is CircuitState.OPEN
    environment.connection.fault = "down"
    fleet.time.seconds += RECOVERY
    assert fleet.call(environment) == ["failed"]  # another environment may be the probe
    fleet.time.seconds += RECOVERY
    assert fleet.call(environment, "aa") == ["answered"] * 2


def test_state_of_an_environment_without_its_store_does_not_overwrite_later_ones(
    fleet: Fleet,
) -> None:
    alone = fleet.environment()
    alone.connection.fault = "down"
    fleet.call(alone, "f" * IN_A_ROW)
    fleet.opened()
    fleet.time.seconds += RECOVERY
    fleet.call(fleet.environment(), "f")
    reopened = fleet.circuit
    fleet.heal(alone)
    assert fleet.circuit == reopened
    assert fleet.call(alone) == ["failed"]


@pytest.mark.parametrize("fault", ["down", "loses answers", "writes late"])
def test_environment_does_not_probe_if_its_election_has_no_answer(
    fleet: Fleet, fault: Fault
) -> None:
    environment = fleet.opened()
    fleet.time.seconds += RECOVERY - 1
    fleet.call(environment)
    fleet.time.seconds += 1
    environment.connection.fault = fault
    assert fleet.call(environment) == ["failed"]
    environment.connection.deliver_late_writes()
    fleet.time.seconds += FRESH
    others = [outcome for _ in range(2) for outcome in fleet.call(fleet.environment())]
    assert others == (["answered"] * 2 if fault == "down" else ["failed"] * 2)
    fleet.time.seconds += RECOVERY
    assert fleet.call(fleet.environment()) == ["answered"]


def test_probe_without_the_store_does_not_exclude_others(fleet: Fleet) -> None:
    environment = fleet.opened()
    environment.connection.fault = "down"
    for _ in range(2):
        fleet.time.seconds += RECOVERY
        fleet.call(environment, "x")
    assert fleet.call(environment) == ["failed"]
    fleet.heal(environment)
    assert fleet.circuit.state is CircuitState.CLOSED

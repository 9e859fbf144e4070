"""Circuit breakers through histories of environments that are slow, die, disagree about the time or lose their store."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.runtime import logging
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

SKEW = 4.0  # seconds that a clock may be off, either way
FRESH = 5.0  # seconds for which an environment believes what it heard
LIFE = 20.0  # seconds after which a call's function is killed

OUTCOMES: dict[Reply, Outcome] = {
    "answers": "answered",
    "refuses": "refused",
    "fails": "failed",
    "throttled": "failed",
    "breaks us": "broken",
    "kills us": "dead",
}
AFTER_PROBE: dict[Reply, CircuitState] = {
    "answers": CircuitState.CLOSED,
    "refuses": CircuitState.CLOSED,
    "fails": CircuitState.OPEN,
    "throttled": CircuitState.OPEN,
    "breaks us": CircuitState.HALF_OPEN,
    "kills us": CircuitState.HALF_OPEN,
}

skews = st.integers(-10, 10).map(lambda tenths: tenths * SKEW / 10)
numbers = st.integers(0, 5)
replies = st.sampled_from(["fails", "fails", "answers", "refuses", "throttled", "breaks us"])
type Trouble = (
    Fault | Literal["it dies", "its letters arrive", "all is well", "nobody reaches the store"]
)
troubles: st.SearchStrategy[Trouble] = st.sampled_from(
    [
        "all is well",
        "all is well",
        "all is well",
        "it dies",
        "down",
        "loses answers",
        "writes late",
        "its letters arrive",
        "nobody reaches the store",
    ]
)


@pytest.fixture(autouse=True, scope="module")
def _without_log() -> Iterator[None]:
    """Ten thousand histories would fill the memory with lines that nobody reads."""
    level = logging.logger().log_level
    logging.logger().setLevel("CRITICAL")
    yield
    logging.logger().setLevel(level)


@dataclass
class Flight:
    """A call under way: since when, whether as the store's probe, and whether the service still works on it."""

    call: CallUnderWay
    since: float
    is_elected: bool
    is_live: bool = True


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.store = InMemoryCircuits()
        self.environments: list[Environment] = []
        self.flights: dict[int, Flight] = {}
        self.closed_at = self.time.seconds  # when the store's circuit was last closed
        self.calls_alone: dict[int, int] = {}  # calls since the store failed

    # What may happen. Few rules with many cases: of many rules, Hypothesis leaves some out of each history.

    @initialize(clocks=st.lists(skews, min_size=3, max_size=6), opens=st.booleans())
    def start(self, clocks: list[float], *, opens: bool) -> None:
        self.environments = [Environment(self.store, self.time, skew=skew) for skew in clocks]
        if opens:
            for _ in range(IN_A_ROW):
                self.ask(0, "fails")
            self.pass_time(RECOVERY)

    @rule(number=numbers, reply=replies, manner=st.sampled_from(["quickly", "slowly", "often"]))
    def use(self, number: int, reply: Reply, manner: str) -> None:
        """An environment calls, goes on with its call, or stands still while the service has long answered."""
        number %= len(self.environments)
        if number not in self.flights and manner == "slowly":
            self.take_off(number)
        elif number not in self.flights:
            for _ in range(1 if manner == "quickly" else IN_A_ROW):
                self.ask(number, reply)
        elif manner == "slowly":
            self.flights[number].is_live = False
        else:
            self.land(number, reply)

    @rule(tenths=st.integers(1, 100) | st.integers(300, 500))
    def wait(self, tenths: int) -> None:
        self.pass_time(tenths / 10)

    @rule(number=numbers, trouble=troubles, skew=skews)
    def disturb(self, number: int, trouble: Trouble, skew: float) -> None:
        number %= len(self.environments)
        line = self.environments[number].line
        match trouble:
            case "it dies":
                self.kill(number, skew)
            case "its letters arrive":
                line.deliver()
            case "all is well":
                for environment in self.environments:
                    environment.line.fault = ""
            case "nobody reaches the store":
                for environment in self.environments:
                    environment.line.fault = "down"
            case _:
                line.fault = trouble

    # What must hold.

    @invariant()
    def at_most_one_elected_probe_is_live(self) -> None:
        assert len(self.live_probes()) <= 1

    @invariant()
    def a_store_that_is_down_is_hardly_asked(self) -> None:
        for number, environment in enumerate(self.environments):
            line = environment.line
            if line.failed_since is not None:
                assert line.failures <= 1 + (self.time.seconds - line.failed_since) / 5
                # A call asks twice where it changes the state.
                calls = self.calls_alone.get(number, 0)
                assert line.failures <= 2 + 2 * calls / CALLS_LEFT_ALONE

    def check_asked(self, number: int) -> bool:
        """Whether the environment was elected to ask. That it asks at all must be right."""
        environment = self.environments[number]
        line, memory = environment.line, environment.breaker._memory
        self.note_closed()
        if memory._record.state is CircuitState.CLOSED:
            if line.failed_since is None:
                assert self.time.seconds - line.heard_at < FRESH
                assert self.time.seconds - self.closed_at < FRESH
            return False
        # A probe, and not before its time by the clock on this wall.
        assert memory._record.state is CircuitState.HALF_OPEN
        assert memory._record.opened_at is not None
        assert environment.now().timestamp() >= memory._record.opened_at + RECOVERY
        if line.failed_since is not None:
            event("a probe without the store")
            assert self.time.seconds - line.failed_since >= RECOVERY
            return False
        event("a probe that the store elected")
        stored = self.store.read(CIRCUIT)
        assert stored
        assert stored.record == memory._record
        assert not self.live_probes()
        return True

    def land(self, number: int, reply: Reply) -> None:
        flight = self.flights.pop(number)
        before, known = self.store.read(CIRCUIT), self.environments[number].breaker._memory._fence
        assert flight.call.end(reply) == OUTCOMES[reply]
        if (before.fence if before else None) == known:
            self.check_reported(number, reply, is_elected=flight.is_elected)
        else:
            event("overtaken")
            assert self.store.read(CIRCUIT) == before

    def check_reported(self, number: int, reply: Reply, *, is_elected: bool) -> None:
        """What the elected probe finds is known to all."""
        environment = self.environments[number]
        if is_elected and not environment.line.fault:
            event(f"a probe {reply}")
            assert self.store.state() is AFTER_PROBE[reply]
            if reply == "fails":
                stored = self.store.read(CIRCUIT)
                assert stored
                assert stored.record.opened_at == int(environment.now().timestamp())

    def teardown(self) -> None:
        """When failures have ended and time has passed, the circuit is closed, and everybody knows."""
        for number in list(self.flights):
            self.land(number, "answers")
        for environment in self.environments:
            environment.line.deliver()
            environment.line.fault = ""
        # The rest of a dead probe's lease at most, or of the time to recover, and what clocks disagree about.
        for _ in range(15):
            self.pass_time((RECOVERY + 2 * SKEW + FRESH) / 15)
            for number in range(len(self.environments)):
                self.ask(number, "answers")
        assert self.store.state() is CircuitState.CLOSED
        for number in range(len(self.environments)):
            assert self.ask(number, "answers") == "answered"

    # How it is done.

    def live_probes(self) -> list[Flight]:
        return [f for f in self.flights.values() if f.is_elected and f.is_live]

    def pass_time(self, seconds: float) -> None:
        for number, flight in list(self.flights.items()):
            if flight.is_live and self.time.seconds + seconds - flight.since > LIFE:
                self.kill(number, skew=0)
        self.time.seconds += seconds
        self.note_closed()

    def note_closed(self) -> None:
        if self.store.state() is CircuitState.CLOSED:
            self.closed_at = self.time.seconds

    def ask(self, number: int, reply: Reply) -> Outcome:
        """A call to its end, while nothing else happens."""
        is_asked = is_elected = False

        def service() -> Reply:
            nonlocal is_asked, is_elected
            is_asked, is_elected = True, self.check_asked(number)
            return reply

        self.count_call(number)
        outcome = self.environments[number].call(service)
        assert outcome == (OUTCOMES[reply] if is_asked else "failed")
        self.check_reported(number, reply, is_elected=is_elected)
        return outcome

    def take_off(self, number: int) -> None:
        """A call that others may overtake."""
        self.count_call(number)
        call = CallUnderWay(self.environments[number])
        if call.outcome == "asked":
            is_elected = self.check_asked(number)
            self.flights[number] = Flight(call, self.time.seconds, is_elected)
        else:
            assert call.outcome == "failed"

    def kill(self, number: int, skew: float) -> None:
        if number in self.flights:
            self.land(number, "kills us")
        self.environments[number] = Environment(self.store, self.time, skew=skew)

    def count_call(self, number: int) -> None:
        is_alone = self.environments[number].line.failed_since is not None
        self.calls_alone[number] = self.calls_alone.get(number, 0) + 1 if is_alone else 0


TestHistories = Histories.TestCase
TestHistories.settings = settings(deadline=None, stateful_step_count=40)

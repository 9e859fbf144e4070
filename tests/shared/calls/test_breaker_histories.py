"""Circuit breakers through histories of environments that are slow, die, disagree about the time or
lose their store."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.calls.breaker.store import CircuitState
from shared.runtime import logging
from tests.shared.calls.environments import (
    BACKOFF_CALLS,
    CIRCUIT,
    FRESH,
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
LIFE = 20.0  # seconds after which a call's function is killed

OUTCOMES: dict[Reply, Outcome] = {
    "answers": "answered",
    "refuses": "refused",
    "fails": "failed",
    "throttles": "failed",
    "raises": "raised",
    "dies": "dead",
}
AFTER_PROBE: dict[Reply, CircuitState] = {
    "answers": CircuitState.CLOSED,
    "refuses": CircuitState.CLOSED,
    "fails": CircuitState.OPEN,
    "throttles": CircuitState.OPEN,
    "raises": CircuitState.HALF_OPEN,
    "dies": CircuitState.HALF_OPEN,
}

skews = st.integers(-10, 10).map(lambda tenths: tenths * SKEW / 10)
numbers = st.integers(0, 5)
replies = st.sampled_from(["fails", "fails", "answers", "refuses", "throttles", "raises"])
type Trouble = Fault | Literal["it dies", "late writes arrive", "all recovers", "the store is down"]
troubles: st.SearchStrategy[Trouble] = st.sampled_from(
    [
        "all recovers",
        "all recovers",
        "all recovers",
        "it dies",
        "down",
        "loses answers",
        "writes late",
        "late writes arrive",
        "the store is down",
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
    """A call under way: since when, whether as the store's probe, and whether the service still
    works on it."""

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
        self.calls_without_store: dict[int, int] = {}  # calls since the store failed

    # What may happen. Few rules with many cases: of many rules, Hypothesis leaves some out of each
    # history.

    @initialize(clocks=st.lists(skews, min_size=3, max_size=6), opens=st.booleans())
    def start(self, clocks: list[float], *, opens: bool) -> None:
        self.environments = [Environment(self.store, self.time, skew=skew) for skew in clocks]
        if opens:
            for _ in range(IN_A_ROW):
                self.ask(0, "fails")
            self.pass_time(RECOVERY)

    @rule(number=numbers, reply=replies, manner=st.sampled_from(["quickly", "slowly", "often"]))
    def use(self, number: int, reply: Reply, manner: str) -> None:
        """An environment calls, goes on with its call, or stands still while the service has long
        answered."""
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
        connection = self.environments[number].connection
        match trouble:
            case "it dies":
                self.kill(number, skew)
            case "late writes arrive":
                connection.deliver_late_writes()
            case "all recovers":
                for environment in self.environments:
                    environment.connection.fault = ""
            case "the store is down":
                for environment in self.environments:
                    environment.connection.fault = "down"
            case _:
                connection.fault = trouble

    # What must hold.

    @invariant()
    def at_most_one_elected_probe_is_live(self) -> None:
        assert len(self.live_probes()) <= 1

    @invariant()
    def a_store_that_is_down_is_rarely_called(self) -> None:
        for number, environment in enumerate(self.environments):
            connection = environment.connection
            if connection.failed_since is not None:
                assert connection.failures <= 1 + (self.time.seconds - connection.failed_since) / 5
                # A call asks twice where it changes the state.
                calls = self.calls_without_store.get(number, 0)
                assert connection.failures <= 2 + 2 * calls / BACKOFF_CALLS

    def check_called(self, number: int) -> bool:
        """Whether the environment was elected to ask. That it asks at all must be right."""
        environment = self.environments[number]
        connection, circuit = environment.connection, environment.breaker._shared
        self.note_closed()
        if circuit.known.state is CircuitState.CLOSED:
            if connection.failed_since is None:
                assert self.time.seconds - connection.answered_at < FRESH
                assert self.time.seconds - self.closed_at < FRESH
            return False
        # A probe, and not before its time by the clock on this wall.
        assert circuit.known.state is CircuitState.HALF_OPEN
        assert circuit.known.opened_at is not None
        assert environment.now().timestamp() >= circuit.known.opened_at + RECOVERY
        if connection.failed_since is not None:
            event("a probe without the store")
            assert self.time.seconds - connection.failed_since >= RECOVERY
            return False
        event("a probe that the store elected")
        stored = self.store.read(CIRCUIT)
        assert stored
        assert stored.circuit == circuit.known
        assert not self.live_probes()
        return True

    def land(self, number: int, reply: Reply) -> None:
        flight = self.flights.pop(number)
        before, known = self.store.read(CIRCUIT), self.environments[number].breaker._shared._fence
        assert flight.call.end(reply) == OUTCOMES[reply]
        if (before.fence if before else None) == known:
            self.check_reported(number, reply, is_elected=flight.is_elected)
        else:
            event("too late")
            assert self.store.read(CIRCUIT) == before

    def check_reported(self, number: int, reply: Reply, *, is_elected: bool) -> None:
        """What the elected probe finds is known to all."""
        environment = self.environments[number]
        if is_elected and not environment.connection.fault:
            event(f"a probe {reply}")
            assert self.store.state() is AFTER_PROBE[reply]
            if reply == "fails":
                stored = self.store.read(CIRCUIT)
                assert stored
                assert stored.circuit.opened_at == int(environment.now().timestamp())

    def teardown(self) -> None:
        """When failures have ended and time has passed, the circuit is closed, and everybody
        knows."""
        for number in list(self.flights):
            self.land(number, "answers")
        for environment in self.environments:
            environment.connection.deliver_late_writes()
            environment.connection.fault = ""
        # The rest of a dead probe's lease at most, or of the time to recover, and what clocks
        # disagree about.
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
        is_called = is_elected = False

        def service() -> Reply:
            nonlocal is_called, is_elected
            is_called, is_elected = True, self.check_called(number)
            return reply

        self.count_call(number)
        outcome = self.environments[number].call(service)
        assert outcome == (OUTCOMES[reply] if is_called else "failed")
        self.check_reported(number, reply, is_elected=is_elected)
        return outcome

    def take_off(self, number: int) -> None:
        """A call that others may overtake."""
        self.count_call(number)
        call = CallUnderWay(self.environments[number])
        if call.outcome == "called":
            is_elected = self.check_called(number)
            self.flights[number] = Flight(call, self.time.seconds, is_elected)
        else:
            assert call.outcome == "failed"

    def kill(self, number: int, skew: float) -> None:
        if number in self.flights:
            self.land(number, "dies")
        self.environments[number] = Environment(self.store, self.time, skew=skew)

    def count_call(self, number: int) -> None:
        is_alone = self.environments[number].connection.failed_since is not None
        self.calls_without_store[number] = (
            self.calls_without_store.get(number, 0) + 1 if is_alone else 0
        )


TestHistories = Histories.TestCase
TestHistories.settings = settings(deadline=None, stateful_step_count=40)

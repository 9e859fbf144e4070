"""A service that fails is left alone for a while (the store on moto)."""

import json
from collections import Counter

import pytest

from shared.calls.breaker.store import CircuitStore, DynamoCircuits
from shared.runtime import metrics
from tests.shared.circuits import IN_A_ROW, RECOVERY, Environment, Outcome, Reply, Time
from tests.support.aws import make_table


class Service:
    """A service behind: what it does with the calls to come, and how often it was asked."""

    def __init__(self) -> None:
        self.reply: Reply = "answers"
        self.asked = 0

    def __call__(self) -> Reply:
        self.asked += 1
        return self.reply


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(account: None) -> CircuitStore:
    return DynamoCircuits(make_table("OrdersTable"))


@pytest.fixture
def environment(store: CircuitStore, time: Time) -> Environment:
    return Environment(store, time)


def calls(environment: Environment, service: Service, replies: str) -> list[Outcome]:
    """A call for each letter: answered, failed, refused, throttled."""
    letters: dict[str, Reply] = {"a": "answers", "f": "fails", "r": "refuses", "t": "throttled"}
    outcomes = []
    for letter in replies:
        service.reply = letters[letter]
        outcomes.append(environment.call(service))
    return outcomes


def test_a_call_goes_through(environment: Environment) -> None:
    def add(a: int, *, b: int) -> int:
        return a + b

    assert environment.breaker.call(add, 3, b=4) == 7


def test_a_failed_call_is_said_to_be_worth_another_soon(
    environment: Environment, service: Service
) -> None:
    assert calls(environment, service, "f") == ["failed"]
    assert (environment.retry_after, service.asked) == (2, 1)


def test_after_five_failures_in_a_row_the_service_is_left_alone(
    environment: Environment, service: Service, time: Time
) -> None:
    calls(environment, service, "f" * IN_A_ROW)
    assert calls(environment, service, "a") == ["failed"]
    assert environment.retry_after == RECOVERY
    time.seconds += RECOVERY - 10
    assert calls(environment, service, "a") == ["failed"]
    assert environment.retry_after == 10
    assert service.asked == IN_A_ROW


@pytest.mark.parametrize("healthy", ["a", "r"], ids=["an answer", "a refusal"])
def test_a_healthy_call_between_failures_starts_the_count_again(
    environment: Environment, service: Service, healthy: str
) -> None:
    almost = "f" * (IN_A_ROW - 1)
    calls(environment, service, almost + healthy + almost)
    assert calls(environment, service, "a") == ["answered"]


def test_refusals_open_no_circuit(environment: Environment, service: Service) -> None:
    assert Counter(calls(environment, service, "r" * 50)) == {"refused": 50}


def test_throttled_calls_open_no_circuit(environment: Environment, service: Service) -> None:
    assert Counter(calls(environment, service, "t" * 50)) == {"failed": 50}
    assert (environment.retry_after, service.asked) == (2, 50)


def test_a_throttled_call_between_failures_counts_neither_way(
    environment: Environment, service: Service
) -> None:
    calls(environment, service, "ft" * IN_A_ROW)
    assert calls(environment, service, "a") == ["failed"]
    assert environment.retry_after == RECOVERY


def test_a_throttled_probe_leaves_the_next_call_of_any_environment_to_probe(
    environment: Environment, service: Service, store: CircuitStore, time: Time
) -> None:
    calls(environment, service, "f" * IN_A_ROW)
    time.seconds += RECOVERY
    assert calls(environment, service, "tt") == ["failed"] * 2
    assert environment.retry_after == 2
    assert calls(Environment(store, time), service, "a") == ["answered"]
    assert service.asked == IN_A_ROW + 3


def test_a_service_that_fails_four_times_in_five_is_left_alone_after_twelve_calls(
    environment: Environment, service: Service
) -> None:
    calls(environment, service, "ffffa" * 4)
    assert service.asked == 12
    assert environment.retry_after == RECOVERY


def test_a_service_that_fails_once_in_three_calls_is_asked_on(
    environment: Environment, service: Service
) -> None:
    calls(environment, service, "faa" * 100)
    assert service.asked == 300


def test_only_the_last_twenty_calls_matter_to_the_rate(
    environment: Environment, service: Service
) -> None:
    calls(environment, service, "ffaffa" + "a" * 14 + "ffa" * 2 + "faa")
    assert calls(environment, service, "a") == ["answered"]


def test_one_environment_s_failures_are_known_to_all(
    environment: Environment, service: Service, store: CircuitStore, time: Time
) -> None:
    calls(environment, service, "f" * IN_A_ROW)
    assert calls(Environment(store, time), service, "a") == ["failed"]
    assert service.asked == IN_A_ROW


@pytest.mark.parametrize("healthy", ["a", "r"], ids=["an answer", "a refusal"])
def test_one_healthy_call_after_the_recovery_time_closes_the_circuit_for_all(
    environment: Environment, service: Service, store: CircuitStore, time: Time, healthy: str
) -> None:
    calls(environment, service, "f" * IN_A_ROW)
    time.seconds += RECOVERY
    calls(environment, service, healthy)
    assert calls(environment, service, "aa") == ["answered"] * 2
    assert calls(Environment(store, time), service, "a") == ["answered"]
    assert service.asked == IN_A_ROW + 4


def test_one_call_that_fails_after_the_recovery_time_opens_it_again(
    environment: Environment, service: Service, store: CircuitStore, time: Time
) -> None:
    calls(environment, service, "f" * IN_A_ROW)
    time.seconds += RECOVERY
    another = Environment(store, time)
    calls(another, service, "f")
    assert another.retry_after == 2
    for waiting in (another, environment):
        calls(waiting, service, "a")
        assert waiting.retry_after == RECOVERY
    assert service.asked == IN_A_ROW + 1


def test_a_circuit_that_closed_counts_from_none(
    environment: Environment, service: Service, time: Time
) -> None:
    calls(environment, service, "fffa" * 3)
    calls(environment, service, "f")
    time.seconds += RECOVERY
    calls(environment, service, "a")
    assert calls(environment, service, "fa") == ["failed", "answered"]


def test_a_breaker_without_its_store_counts_for_itself(
    environment: Environment, service: Service, time: Time
) -> None:
    environment.line.fault = "down"
    assert calls(environment, service, "a") == ["answered"]
    calls(environment, service, "f" * IN_A_ROW)
    assert calls(environment, service, "a") == ["failed"]
    assert environment.retry_after == RECOVERY
    time.seconds += RECOVERY
    assert calls(environment, service, "aa") == ["answered"] * 2
    assert service.asked == IN_A_ROW + 3


def test_transitions_and_refusals_are_counted(
    environment: Environment,
    service: Service,
    time: Time,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics.flush()
    capsys.readouterr()
    calls(environment, service, "f" * IN_A_ROW + "aa")
    time.seconds += RECOVERY
    calls(environment, service, "f")
    time.seconds += RECOVERY
    calls(environment, service, "a")
    metrics.flush()
    counted = json.loads(capsys.readouterr().out)
    sums = {name: sum(values) for name, values in counted.items() if name.startswith("Circuit")}
    assert sums == {
        "CircuitOpen": 2,
        "CircuitHalfOpen": 2,
        "CircuitClosed": 1,
        "CircuitRefusals": 2,
    }
    assert "circuit service: CLOSED → OPEN" in caplog.messages
    assert "circuit service: HALF_OPEN → CLOSED" in caplog.messages


def test_a_coroutine_function_is_not_guarded(environment: Environment) -> None:
    async def answer() -> int:
        return 1

    with pytest.raises(TypeError, match="coroutine"):
        environment.breaker.call(answer)  # type: ignore[unused-coroutine]  # it never becomes one

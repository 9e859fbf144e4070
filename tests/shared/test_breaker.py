"""A service that fails is left alone for a while, and everybody knows (the store on moto)."""

import time

import pytest

from shared.breaker import CircuitBreaker, circuit_store
from shared.dynamodb import Table
from shared.errors import Conflict, ServiceUnavailable
from shared.internal import CallFailed
from tests.support.aws import make_table

THRESHOLD = 5


class Service:
    """A service behind, and how often it was asked."""

    def __init__(self) -> None:
        self.down = False
        self.asked = 0

    def answer(self, number: int) -> int:
        self.asked += 1
        if self.down:
            raise CallFailed("it is down")
        return number

    def refuse(self) -> None:
        self.asked += 1
        raise Conflict


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A circuit of the test's own: Powertools counts by name, for as long as the process lives."""
    return str(request.node.name)


def environment(name: str, table: Table) -> CircuitBreaker:
    """Another environment's breaker, with nothing but the table in common."""
    return CircuitBreaker(name, circuit_store(table.name, table.client))


def fails(breaker: CircuitBreaker, service: Service) -> int:
    """Ask in vain; return how long a client is told to wait."""
    with pytest.raises(ServiceUnavailable) as refused:
        breaker.call(service.answer, 1)
    return refused.value.retry_after


def opened(name: str, table: Table, service: Service) -> CircuitBreaker:
    breaker = environment(name, table)
    service.down = True
    for _ in range(THRESHOLD):
        fails(breaker, service)
    return breaker


def let_recovery_time_pass(name: str, table: Table) -> None:
    table.update(
        {"pk": "CIRCUITS", "sk": name},
        "SET #opened_at = :then",
        values={"then": int(time.time()) - 31},
    )


def test_a_call_goes_through(name: str, table: Table, service: Service) -> None:
    assert environment(name, table).call(service.answer, number=7) == 7


def test_a_failed_call_is_said_to_be_worth_another_soon(
    name: str, table: Table, service: Service
) -> None:
    service.down = True
    assert fails(environment(name, table), service) == 2
    assert service.asked == 1


def test_after_five_failures_in_a_row_the_service_is_left_alone(
    name: str, table: Table, service: Service
) -> None:
    breaker = opened(name, table, service)
    assert fails(breaker, service) == 30
    assert service.asked == THRESHOLD


def test_a_success_between_failures_starts_the_count_again(
    name: str, table: Table, service: Service
) -> None:
    breaker = environment(name, table)
    for _ in range(3):
        service.down = True
        for _ in range(THRESHOLD - 1):
            assert fails(breaker, service) == 2
        service.down = False
        assert breaker.call(service.answer, 1) == 1


def test_a_refusal_is_a_healthy_answer(name: str, table: Table, service: Service) -> None:
    breaker = environment(name, table)
    for _ in range(3 * THRESHOLD):
        with pytest.raises(Conflict):
            breaker.call(service.refuse)
    assert service.asked == 3 * THRESHOLD


def test_one_environment_s_failures_are_known_to_all(
    name: str, table: Table, service: Service
) -> None:
    opened(name, table, service)
    assert fails(environment(name, table), service) == 30
    assert service.asked == THRESHOLD


def test_one_call_that_works_after_the_recovery_time_closes_the_circuit(
    name: str, table: Table, service: Service
) -> None:
    opened(name, table, service)
    let_recovery_time_pass(name, table)
    service.down = False
    assert environment(name, table).call(service.answer, 3) == 3
    assert environment(name, table).call(service.answer, 4) == 4


def test_one_call_that_fails_after_the_recovery_time_opens_it_again(
    name: str, table: Table, service: Service
) -> None:
    opened(name, table, service)
    let_recovery_time_pass(name, table)
    assert fails(environment(name, table), service) == 2
    assert fails(environment(name, table), service) == 30
    assert service.asked == THRESHOLD + 1


@pytest.mark.usefixtures("account")
def test_without_its_store_a_healthy_call_goes_through(name: str, service: Service) -> None:
    there = make_table("UsersTable")
    breaker = CircuitBreaker(name, circuit_store("NoSuchTable", there.client))
    assert breaker.call(service.answer, 1) == 1
    service.down = True
    for _ in range(THRESHOLD):
        fails(breaker, service)
    service.down = False
    assert breaker.call(service.answer, 2) == 2


def test_a_coroutine_function_is_not_guarded(name: str, table: Table) -> None:
    async def answer() -> int:
        return 1

    with pytest.raises(TypeError, match="coroutine"):
        environment(name, table).call(answer)  # type: ignore[unused-coroutine]  # it never becomes one

"""Circuits in DynamoDB (on moto) and in the memory that stands for it in other tests: one contract for both; and how
seldom a store that fails is asked."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord

from shared.calls.breaker import CircuitBreaker
from shared.calls.breaker.store import (
    CircuitStore,
    DynamoCircuits,
    LeftAlone,
    Outdated,
    Unreachable,
)
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.shared.circuits import CIRCUIT, InMemoryCircuits, Line, Time
from tests.support.aws import make_table

OPEN = CircuitStateRecord(CIRCUIT, CircuitState.OPEN, failure_count=5, opened_at=1_800_000_000)
LEASED = CircuitStateRecord(
    CIRCUIT,
    CircuitState.HALF_OPEN,
    opened_at=1_800_000_000,
    half_open_owner="somebody",
    probe_lease_expiry=1_800_000_060,
)
CLOSED = CircuitStateRecord(CIRCUIT, CircuitState.CLOSED)


@pytest.fixture(params=["dynamodb", "memory"])
def store(request: pytest.FixtureRequest) -> CircuitStore:
    if request.param == "memory":
        return InMemoryCircuits()
    request.getfixturevalue("account")
    return DynamoCircuits(make_table("OrdersTable"))


def test_there_is_nothing_before_the_first_write(store: CircuitStore) -> None:
    assert store.read(CIRCUIT) is None


def test_what_is_written_is_read_under_its_fence(store: CircuitStore) -> None:
    fence = None
    for record in (OPEN, LEASED, CLOSED):
        fence = store.write(record, over=fence)
        stored = store.read(CIRCUIT)
        assert stored
        assert (stored.record, stored.fence) == (record, fence)
    assert store.read("another") is None


def test_every_write_has_another_fence(store: CircuitStore) -> None:
    first = store.write(OPEN, over=None)
    assert store.write(OPEN, over=first) != first


def test_nothing_is_written_over_what_its_writer_did_not_know(store: CircuitStore) -> None:
    first = store.write(OPEN, over=None)
    second = store.write(LEASED, over=first)
    for known in (None, first, "a fence that never was"):
        with pytest.raises(Outdated) as outdated:
            store.write(CLOSED, over=known)
        assert outdated.value.stored == store.read(CIRCUIT)
        assert outdated.value.stored
        assert outdated.value.stored.fence == second


def test_what_is_gone_is_not_written_over(store: CircuitStore) -> None:
    with pytest.raises(Outdated) as outdated:
        store.write(CLOSED, over="what time to live took away")
    assert outdated.value.stored is None


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


class TestReadingTogether:
    """Another circuit's state opens just after all have been read."""

    time: Time
    store: DynamoCircuits

    @pytest.fixture(autouse=True)
    def read(self, table: Table) -> None:
        self.time = Time()
        self.store = DynamoCircuits(table, clock=lambda: self.time.seconds)
        self.store.read("another")
        DynamoCircuits(table).write(OPEN, over=None)

    def test_circuits_that_are_asked_for_one_after_the_other_are_read_once(self) -> None:
        assert self.store.read(CIRCUIT) is None

    def test_one_that_is_asked_for_again_is_read_again(self) -> None:
        assert self.store.read(CIRCUIT) is None
        assert self.store.read(CIRCUIT)

    def test_what_was_read_a_while_ago_is_read_again(self) -> None:
        self.time.seconds += 1
        assert self.store.read(CIRCUIT)

    def test_after_a_write_of_one_s_own_it_is_read_again(self) -> None:
        self.store.write(replace(CLOSED, name="another"), over=None)
        assert self.store.read(CIRCUIT)


def test_a_circuit_goes_away_by_itself_some_time_after_its_last_change(table: Table) -> None:
    record = CircuitStateRecord(CIRCUIT, CircuitState.CLOSED, expiry_timestamp=1_800_003_630)
    DynamoCircuits(table).write(record, over=None)
    item = table.get({"pk": "CIRCUITS", "sk": CIRCUIT})
    assert item
    assert item["ttl"] == 1_800_003_630


def test_a_circuit_that_was_written_without_a_fence_is_written_over(table: Table) -> None:
    table.put({"pk": "CIRCUITS", "sk": CIRCUIT, "state": "OPEN", "opened_at": 1})
    store = DynamoCircuits(table)
    stored = store.read(CIRCUIT)
    assert stored
    assert stored.fence is None
    store.write(CLOSED, over=None)


@pytest.mark.parametrize("item", [{}, {"state": "AJAR"}])
def test_an_item_that_is_no_circuit_is_no_answer(table: Table, item: dict[str, str]) -> None:
    table.put({"pk": "CIRCUITS", "sk": CIRCUIT, "fence": "by hand", **item})
    store = DynamoCircuits(table)
    with pytest.raises(Unreachable):
        store.read(CIRCUIT)
    with pytest.raises(Unreachable):
        store.write(CLOSED, over="another")


def test_a_table_that_is_not_there_is_no_answer(account: None) -> None:
    store = DynamoCircuits(Table("NoSuchTable", aws.client("dynamodb")))
    with pytest.raises(Unreachable):
        store.read(CIRCUIT)
    with pytest.raises(Unreachable):
        store.write(OPEN, over=None)


class HangingServer:
    """Takes connections and never answers; counts them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._thread = Thread(target=self._take, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def asked(self) -> int:
        return len(self._taken)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for taken in (self._socket, *self._taken):
            taken.close()

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._socket.accept()[0])
            except OSError:  # it is shut down
                return


@pytest.fixture
def hanging() -> Iterator[HangingServer]:
    server = HangingServer()
    yield server
    server.close()


@pytest.mark.parametrize("pause", [0.01, 1, 60], ids=["busy", "used", "hardly used"])
def test_few_of_a_thousand_healthy_calls_wait_for_a_store_that_hangs(
    account: None, hanging: HangingServer, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", hanging.url)
    client = aws.client("dynamodb", connect=0.2, read=0.2, attempts=1)
    time = Time()
    store = LeftAlone(DynamoCircuits(Table("OrdersTable", client)), clock=lambda: time.seconds)
    users = CircuitBreaker("users", store, monotonic=lambda: time.seconds)
    products = CircuitBreaker("products", store, monotonic=lambda: time.seconds)
    for _ in range(500):
        time.seconds += pause
        assert users.call(lambda: 1) + products.call(lambda: 2) == 3
    # Two at first, then one in 250: of the 500 requests with two calls each, at most one in a hundred.
    assert 1 <= hanging.asked <= 5


def asked(line: Line, store: LeftAlone, times: int) -> int:
    """How often a store that does not answer was asked when it was needed so often."""
    before = line.failures
    for _ in range(times):
        with pytest.raises(Unreachable):
            store.read(CIRCUIT)
    return line.failures - before


def test_a_store_that_failed_once_is_asked_again_after_five_seconds() -> None:
    time = Time()
    line = Line(InMemoryCircuits(), time)
    line.fault = "down"
    store = LeftAlone(line, clock=lambda: time.seconds)
    assert asked(line, store, 1000) == 1
    time.seconds += 5
    line.fault = ""
    assert store.read(CIRCUIT) is None


def test_a_store_that_failed_again_is_left_alone_for_250_calls_too() -> None:
    time = Time()
    line = Line(InMemoryCircuits(), time)
    line.fault = "down"
    store = LeftAlone(line, clock=lambda: time.seconds)
    assert asked(line, store, 1) == 1
    for _ in range(3):
        time.seconds += 1000
        assert asked(line, store, 1) == 1
        time.seconds += 1000
        assert asked(line, store, 250) == 0
    assert asked(line, store, 1) == 1
    assert asked(line, store, 1000) == 0
    time.seconds += 5
    line.fault = ""
    assert store.read(CIRCUIT) is None
    assert store.write(OPEN, over=None)

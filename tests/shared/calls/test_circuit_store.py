"""Circuits in DynamoDB (on moto) and in memory, by one contract; and how rarely a store that fails
is called."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import pytest

from shared.calls.breaker import CircuitBreaker
from shared.calls.breaker.store import (
    BackoffStore,
    Circuit,
    CircuitState,
    CircuitStore,
    DynamoCircuits,
    Outdated,
    Unreachable,
)
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.shared.calls.environments import CIRCUIT, Connection, InMemoryCircuits, Time
from tests.support.aws import make_table

OPEN = Circuit(CircuitState.OPEN, opened_at=1_800_000_000)
LEASED = Circuit(CircuitState.HALF_OPEN, 1_800_000_000, "an owner", lease_until=1_800_000_060)
CLOSED = Circuit()


@pytest.fixture(params=["dynamodb", "memory"])
def store(request: pytest.FixtureRequest) -> CircuitStore:
    if request.param == "memory":
        return InMemoryCircuits()
    request.getfixturevalue("account")
    return DynamoCircuits(make_table("OrdersTable"))


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


def test_store_returns_what_was_written_under_a_new_fence(store: CircuitStore) -> None:
    assert store.read(CIRCUIT) is None
    fences: list[str | None] = [None]
    for circuit in (OPEN, OPEN, LEASED, CLOSED):
        fences.append(store.write(CIRCUIT, circuit, over=fences[-1]))
        stored = store.read(CIRCUIT)
        assert stored
        assert (stored.circuit, stored.fence) == (circuit, fences[-1])
    assert len(set(fences)) == 5
    assert store.read("another") is None


def test_store_refuses_a_write_over_an_unknown_state(store: CircuitStore) -> None:
    with pytest.raises(Outdated) as missing:
        store.write(CIRCUIT, CLOSED, over="a fence that expired")
    assert missing.value.stored is None
    first = store.write(CIRCUIT, OPEN, over=None)
    second = store.write(CIRCUIT, LEASED, over=first)
    for known in (None, first, "a fence that never was"):
        with pytest.raises(Outdated) as outdated:
            store.write(CIRCUIT, CLOSED, over=known)
        assert outdated.value.stored == store.read(CIRCUIT)
        assert outdated.value.stored
        assert outdated.value.stored.fence == second


def test_circuits_are_read_together(table: Table) -> None:
    time = Time()
    store = DynamoCircuits(table, monotonic=lambda: time.seconds)
    store.read("another")
    fence = DynamoCircuits(table).write(CIRCUIT, OPEN, over=None)
    assert store.read(CIRCUIT) is None  # from the same read
    assert store.read(CIRCUIT)  # a second time, so from a new one
    DynamoCircuits(table).write(CIRCUIT, CLOSED, over=fence)
    time.seconds += 1
    stored = store.read(CIRCUIT)
    assert stored
    assert stored.circuit == CLOSED
    store.write("another", OPEN, over=None)
    assert store.read("another")


def test_circuit_is_stored_as_earlier_releases_read_it(table: Table) -> None:
    at = datetime.fromtimestamp(1_800_000_000, UTC)
    fence = DynamoCircuits(table, now=lambda: at).write(CIRCUIT, LEASED, over=None)
    assert table.get({"pk": "CIRCUITS", "sk": CIRCUIT}) == {
        "pk": "CIRCUITS",
        "sk": CIRCUIT,
        "state": "HALF_OPEN",
        "opened_at": 1_800_000_000,
        "half_open_owner": "an owner",
        "probe_lease_expiry": 1_800_000_060,
        "fence": fence,
        "ttl": 1_800_003_600,
    }


def test_circuit_without_a_fence_is_overwritten(table: Table) -> None:
    table.put({"pk": "CIRCUITS", "sk": CIRCUIT, "state": "OPEN", "opened_at": 1})
    store = DynamoCircuits(table)
    stored = store.read(CIRCUIT)
    assert stored
    assert stored.fence is None
    store.write(CIRCUIT, CLOSED, over=None)


@pytest.mark.parametrize("item", [None, {}, {"state": "AJAR"}, {"state": "OPEN", "schema": 9}])
def test_unusable_store_is_unreachable(table: Table, item: dict[str, str] | None) -> None:
    if item is None:
        table = Table("NoSuchTable", aws.client("dynamodb"))
    else:
        later = Table(table.name, table.client, int(item.get("schema", 1)))
        later.put({"pk": "CIRCUITS", "sk": CIRCUIT, "fence": "by hand", **item})
    store = DynamoCircuits(table)
    with pytest.raises(Unreachable):
        store.read(CIRCUIT)
    with pytest.raises(Unreachable):
        store.write(CIRCUIT, CLOSED, over="another")


class HangingServer:
    """Accepts connections and never answers; counts them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.connections: list[socket.socket] = []
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for open_socket in (self._socket, *self.connections):
            open_socket.close()

    def _accept(self) -> None:
        while True:
            try:
                self.connections.append(self._socket.accept()[0])
            except OSError:  # it is shut down
                return


@pytest.fixture
def hanging() -> Iterator[HangingServer]:
    server = HangingServer()
    yield server
    server.close()


@pytest.mark.parametrize("seconds_between", [0.01, 60])
def test_few_of_a_thousand_healthy_calls_wait_for_a_store_that_hangs(
    account: None,
    hanging: HangingServer,
    monkeypatch: pytest.MonkeyPatch,
    seconds_between: float,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", hanging.url)
    client = aws.client("dynamodb", connect=0.2, read=0.2, attempts=1)
    time = Time()
    table = Table("OrdersTable", client)
    store = BackoffStore(DynamoCircuits(table), monotonic=lambda: time.seconds)
    users, products = (
        CircuitBreaker(name, store, monotonic=lambda: time.seconds)
        for name in ("users", "products")
    )
    for _ in range(500):
        time.seconds += seconds_between
        assert users.call(lambda: 1) + products.call(lambda: 2) == 3
    # Two at first, then one in 250: of the 500 requests with two calls each, at most one in a
    # hundred.
    assert 1 <= len(hanging.connections) <= 5


def test_store_that_failed_is_rarely_called() -> None:
    time = Time()
    connection = Connection(InMemoryCircuits(), time)
    connection.fault = "down"
    store = BackoffStore(connection, monotonic=lambda: time.seconds)

    def calls_during(reads: int) -> int:
        before = connection.failures
        for _ in range(reads):
            with pytest.raises(Unreachable):
                store.read(CIRCUIT)
        return connection.failures - before

    assert calls_during(1000) == 1
    time.seconds += 5
    assert calls_during(1) == 1
    # The second time it is also a matter of calls, however long they take.
    for _ in range(2):
        time.seconds += 1000
        assert calls_during(250) == 0
        assert calls_during(1) == 1
    connection.fault = ""
    assert calls_during(1000) == 0
    time.seconds += 5
    assert store.read(CIRCUIT) is None
    assert store.write(CIRCUIT, OPEN, over=None)

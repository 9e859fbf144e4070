"""Circuits in DynamoDB, and how rarely a store that fails is called."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.calls.breaker import CircuitBreaker
from shared.calls.circuit_store import (
    BackoffStore,
    Circuit,
    CircuitState,
    DynamoCircuits,
    Outdated,
    Unreachable,
)
from shared.runtime import aws
from shared.storage.dynamodb import Table
from tests.shared.calls.environments import CIRCUIT, Connection, Time
from tests.support.aws import wired_table

OPEN = Circuit(CircuitState.OPEN, opened_at=1_800_000_000)
LEASED = Circuit(CircuitState.HALF_OPEN, 1_800_000_000, "an owner", lease_until=1_800_000_060)
CLOSED = Circuit()


@pytest.fixture
def table() -> Table:
    return wired_table("OrdersTable")


def test_store_writes_only_over_the_fence_that_the_writer_knows(table: Table) -> None:
    store = DynamoCircuits(table)
    assert store.read(CIRCUIT) is None
    with pytest.raises(Outdated) as missing:
        store.write(CIRCUIT, CLOSED, over="a fence that expired")
    assert missing.value.stored is None
    fences: list[str | None] = [None]
    for circuit in (OPEN, OPEN, LEASED, CLOSED):
        fences.append(store.write(CIRCUIT, circuit, over=fences[-1]))
        stored = store.read(CIRCUIT)
        assert stored
        assert (stored.circuit, stored.fence) == (circuit, fences[-1])
        for known in fences[:-1]:
            with pytest.raises(Outdated) as outdated:
                store.write(CIRCUIT, OPEN, over=known)
            assert outdated.value.stored == stored == store.read(CIRCUIT)
    assert len(set(fences)) == 5
    assert store.read("another") is None


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


@pytest.fixture
def hanging() -> Iterator[socket.socket]:
    """A server that lets clients connect and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        server.setblocking(False)
        yield server


def connections(server: socket.socket) -> int:
    """How many clients have connected."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize("seconds_between", [0.01, 60])
def test_few_of_a_thousand_healthy_calls_wait_for_a_store_that_hangs(
    account: None,
    hanging: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    seconds_between: float,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{hanging.getsockname()[1]}")
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
    assert 1 <= connections(hanging) <= 5


def test_store_that_fails_again_is_called_once_in_250_calls(table: Table) -> None:
    time = Time()
    connection = Connection(DynamoCircuits(table))
    store = BackoffStore(connection, monotonic=lambda: time.seconds)
    connection.fault = "down"
    for _ in range(2):
        with pytest.raises(Unreachable):
            store.read(CIRCUIT)
        time.seconds += 1000
    connection.fault = ""
    for _ in range(250):
        with pytest.raises(Unreachable):
            store.read(CIRCUIT)
    assert store.read(CIRCUIT) is None
    assert store.write(CIRCUIT, OPEN, over=None)

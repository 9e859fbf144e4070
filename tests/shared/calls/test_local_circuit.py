"""An environment's own circuit breaker."""

from datetime import UTC, datetime, timedelta

from shared.calls.local_circuit import LocalCircuit

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_local_circuit_opens_after_failures_in_a_row_until_its_pause_is_over() -> None:
    now = NOON
    circuit = LocalCircuit(failures=3, pause=timedelta(seconds=10), now=lambda: now)
    for _ in range(2):
        circuit.failed()
    circuit.succeeded()
    assert circuit.failed_at is None
    for _ in range(2):
        circuit.failed()
        assert not circuit.is_open
    circuit.failed()
    assert circuit.is_open
    assert circuit.failed_at == NOON
    now += timedelta(seconds=10)
    assert not circuit.is_open
    circuit.failed()
    assert circuit.is_open
    now += timedelta(seconds=10)
    circuit.succeeded()
    circuit.failed()
    assert not circuit.is_open

"""The circuits that all environments share."""

from datetime import UTC, datetime
from typing import Final

from operations.monitoring.models import CircuitReport
from shared.calls.circuit_store import Circuit, CircuitStore, Unreachable
from shared.errors import CloudUnavailable
from shared.runtime import clock

# As OrdersApi names them, by the service behind. Those of the saga are each environment's own.
NAMES: Final = ("users", "products")


class Circuits:
    """Reads their states; what the store does not have is closed."""

    def __init__(self, store: CircuitStore) -> None:
        self._store = store

    def all(self) -> list[CircuitReport]:
        """All circuits.

        Raises:
            CloudUnavailable: the store failed.
        """
        return [self._report(name) for name in NAMES]

    def _report(self, name: str) -> CircuitReport:
        try:
            stored = self._store.read(name)
        except Unreachable as cause:
            raise CloudUnavailable from cause
        circuit = stored.circuit if stored else Circuit()
        at = circuit.opened_at
        opened_at = None if at is None else clock.rfc3339(datetime.fromtimestamp(at, UTC))
        return CircuitReport(name, circuit.state.lower(), opened_at)

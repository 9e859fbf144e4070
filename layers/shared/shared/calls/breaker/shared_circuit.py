"""What one environment knows of a circuit that all environments share."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from shared.calls.breaker.store import (
    Circuit,
    CircuitState,
    CircuitStore,
    Outdated,
    Stored,
    Unreachable,
)
from shared.runtime import clock

_FRESH_SECONDS = 5


class SharedCircuit:
    """A circuit in the store, and its last known state.

    A write is conditional on the state that this environment knows. A concurrent change wins: a
    probe that outlived its lease, or a failure that is reported late, changes nothing.

    While the store does not answer, the state changes in this environment alone; the last change is
    written when the store answers again, unless another environment has written since. The store
    elects the environment that may probe. Only an environment without the store for a whole
    recovery time probes on its own.

    Args:
        name: the circuit's, in the store.
        recovery: seconds that a circuit stays open, and that a probe's lease holds. Two probes
            could overlap only where clocks differ by more than the lease is longer than a probe.
        now: the time of day, which other environments read.
        monotonic: seconds that never run backwards.

    Attributes:
        known: the state as this environment knows it.
    """

    def __init__(
        self,
        name: str,
        store: CircuitStore,
        *,
        recovery: int,
        now: clock.Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._name = name
        self._store = store
        self._recovery = recovery
        self._now = now
        self._monotonic = monotonic
        self._owner = uuid.uuid4().hex
        self.known = Circuit()
        self._fence: str | None = None
        self._fresh_until: float | None = None
        self._is_unwritten = False  # whether `known` is a change that the store does not have
        self._unreachable_since: float | None = None

    def read(self) -> Circuit:
        """The state: as it is known for a few seconds, then as the store has it."""
        if self._fresh_until is None or self._monotonic() >= self._fresh_until:
            try:
                if self._is_unwritten:
                    self._write()
                else:
                    self._learn(self._store.read(self._name))
            except Unreachable:
                self._miss_store()
        return self.known

    def change(self, circuit: Circuit) -> bool:
        """Change the state; False if another environment has changed it since it was read."""
        self.known, self._is_unwritten = circuit, True
        try:
            return self._write()
        except Unreachable:
            self._miss_store()
            return True

    def acquire_probe(self) -> bool:
        """Take the lease for the probe; False if another environment has it, or may have it."""
        until = clock.epoch(self._now()) + self._recovery
        lease = Circuit(CircuitState.HALF_OPEN, self.known.opened_at, self._owner, until)
        if self._is_long_without_store():
            # This lease is never written: when the store answers again, the probe is over.
            self.known, self._is_unwritten = lease, False
            return True
        try:
            fence = self._store.write(self._name, lease, over=self._fence)
        except Outdated as outdated:
            self._learn(outdated.stored)
            return False
        except Unreachable:
            # The write may have been done all the same: this environment or another one may have
            # the lease.
            self._miss_store()
            return False
        self._learn(Stored(lease, fence))
        return True

    def return_probe(self) -> None:
        """Give up the lease of a probe that found nothing out: any environment may probe at
        once."""
        if self.known.probe_owner == self._owner:
            self.change(
                replace(self.known, state=CircuitState.OPEN, probe_owner=None, lease_until=None)
            )

    def _write(self) -> bool:
        """Write the known state; if another environment has written since, learn that instead and
        return False.

        Raises:
            Unreachable: see there.
        """
        try:
            fence = self._store.write(self._name, self.known, over=self._fence)
        except Outdated as outdated:
            self._learn(outdated.stored)
            return False
        self._learn(Stored(self.known, fence))
        return True

    def _learn(self, stored: Stored | None) -> None:
        self.known, self._fence = (stored.circuit, stored.fence) if stored else (Circuit(), None)
        self._is_unwritten = False
        self._unreachable_since = None
        self._fresh_until = self._monotonic() + _FRESH_SECONDS

    def _miss_store(self) -> None:
        self._fresh_until = None
        if self._unreachable_since is None:
            self._unreachable_since = self._monotonic()

    def _is_long_without_store(self) -> bool:
        since = self._unreachable_since
        return since is not None and self._monotonic() - since >= self._recovery

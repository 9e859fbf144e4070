"""Circuit breakers: after a service has failed, no environment calls it for 30 seconds.

CLOSED ── five failures in a row, or ten of the last twenty calls ──► OPEN
OPEN ── after 30 seconds, one environment makes a call as a probe ──► HALF_OPEN
HALF_OPEN ── the probe is answered ──► CLOSED;  it fails ──► OPEN

All environments share a circuit through the caller's table (`circuit_store`).
"""

import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from shared.calls.circuit_store import (
    Circuit,
    CircuitState,
    CircuitStore,
    Outdated,
    Stored,
    Unreachable,
)
from shared.calls.internal import CallFailed, CallThrottled
from shared.errors import BodegaError, ServiceUnavailable
from shared.runtime import clock, logging, metrics, steps

_RECOVERY_SECONDS = 30
_FRESH_SECONDS = 5
# The Retry-After for a single call that failed, or while a probe is under way.
_RETRY_SECONDS = 2
_FAILURES_IN_A_ROW = 5
# The rate: a circuit opens when half of an environment's last 20 calls failed. Where 80 % of calls
# fail at random, it is open within 20 calls with a probability of 0.9995, by this rule or the one
# above; a pattern of four failures and a success, which the one above never sees, opens it at the
# twelfth call. Where 20 % fail, this rule opens it within 1000 calls with 0.46 (the one above:
# 0.23), where 10 % fail with 0.0025 (0.009), where 5 % fail with 0.000005 (0.0003).
_CALLS_REMEMBERED = 20
_FAILURES_REMEMBERED = 10


class CircuitBreaker:
    """Guards the calls to one service. Only `CallFailed` counts as a failure: a refusal is a
    healthy answer, and a throttled call says nothing of the service.

    Args:
        service: whose circuit it is; also its name in the store.
        store: shared by the breakers of an environment.
        now: the time of day.
        monotonic: seconds that never run backwards.
    """

    def __init__(
        self,
        service: str,
        store: CircuitStore,
        *,
        now: clock.Clock = clock.now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._now = now
        self._shared = _SharedCircuit(service, store, now, monotonic)
        # Whether each of the last calls failed, since the circuit was last seen closed.
        self._failed = deque[bool](maxlen=_CALLS_REMEMBERED)

    def call[**P, R](self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function`, unless the circuit is open.

        Raises:
            ServiceUnavailable: the circuit is open, or the call failed or was throttled.
        """
        is_probe = self._is_probe()
        try:
            answer = function(*args, **kwargs)
        except CallFailed as cause:
            logging.logger().warning("call failed: %s", cause)
            self._note_failure(is_probe=is_probe)
            raise ServiceUnavailable(self._service, retry_after=_RETRY_SECONDS) from cause
        except CallThrottled as cause:
            logging.logger().warning("call throttled: %s", cause)
            metrics.count("CallsThrottled")
            if is_probe:
                self._shared.return_probe()
            raise ServiceUnavailable(self._service, retry_after=_RETRY_SECONDS) from cause
        except BodegaError:
            self._note_answer(is_probe=is_probe)
            raise
        self._note_answer(is_probe=is_probe)
        return answer

    def _is_probe(self) -> bool:
        """Whether the call at hand is the probe of an open circuit.

        Raises:
            ServiceUnavailable: the circuit is open, and this call is not its probe.
        """
        circuit = self._shared.read()
        if circuit.state is CircuitState.CLOSED:
            return False
        self._failed.clear()
        recovers_at = (circuit.opened_at or 0) + _RECOVERY_SECONDS
        # The environment with the lease may have died.
        is_open = circuit.state is CircuitState.OPEN
        probe_at = recovers_at if is_open else circuit.lease_until or 0
        if clock.epoch(self._now()) < probe_at or not self._shared.acquire_probe():
            if self._shared.known.state is CircuitState.CLOSED:
                # Another environment's probe has closed it since it was read.
                return False
            metrics.count("CircuitRefusals")
            steps.skipped(self._service, "CircuitOpen")
            raise ServiceUnavailable(self._service, retry_after=self._seconds_left())
        if is_open:
            self._report(circuit.state, CircuitState.HALF_OPEN)
        return True

    def _note_failure(self, *, is_probe: bool) -> None:
        self._failed.append(True)
        in_a_row = list(self._failed)[-_FAILURES_IN_A_ROW:]
        if (
            is_probe
            or in_a_row == [True] * _FAILURES_IN_A_ROW
            or sum(self._failed) >= _FAILURES_REMEMBERED
        ):
            opened = Circuit(CircuitState.OPEN, opened_at=clock.epoch(self._now()))
            self._change(opened, is_probe=is_probe)

    def _note_answer(self, *, is_probe: bool) -> None:
        self._failed.append(False)
        if is_probe:
            self._change(Circuit(), is_probe=True)

    def _change(self, circuit: Circuit, *, is_probe: bool) -> None:
        self._failed.clear()
        if self._shared.change(circuit):
            before = CircuitState.HALF_OPEN if is_probe else CircuitState.CLOSED
            self._report(before, circuit.state)

    def _report(self, before: CircuitState, after: CircuitState) -> None:
        logging.logger().warning("circuit %s: %s → %s", self._service, before, after)
        metrics.count(f"Circuit{after.title().replace('_', '')}")

    def _seconds_left(self) -> int:
        """Until the circuit may be closed, as far as this environment knows."""
        opened_at = self._shared.known.opened_at
        if opened_at is None:
            return _RECOVERY_SECONDS
        left = opened_at + _RECOVERY_SECONDS - clock.epoch(self._now())
        # Another environment's clock may be ahead of this one's.
        return min(max(left, _RETRY_SECONDS), _RECOVERY_SECONDS)


class _SharedCircuit:
    """What one environment knows of a circuit in the store.

    A write is conditional on the state that this environment knows. A concurrent change wins: a
    probe that outlived its lease, or a failure that is reported late, changes nothing.

    While the store does not answer, the state changes in this environment alone; the last change is
    written when the store answers again, unless another environment has written since. The store
    elects the environment that may probe. Only an environment without the store for a whole
    recovery time probes on its own.

    A probe's lease holds as long as a circuit is open. Two probes could overlap only where clocks
    differ by more than the lease is longer than a probe.

    Attributes:
        known: the state as this environment knows it.
    """

    def __init__(
        self,
        name: str,
        store: CircuitStore,
        now: clock.Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._name = name
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._owner = uuid.uuid4().hex
        self.known = Circuit()
        self._fence: str | None = None
        self._fresh_until = float("-inf")
        self._is_unwritten = False  # whether `known` is a change that the store does not have
        self._unreachable_since: float | None = None

    def read(self) -> Circuit:
        """The state: as it is known for a few seconds, then as the store has it."""
        if self._monotonic() >= self._fresh_until:
            try:
                if self._is_unwritten:
                    self._write(self.known)
                else:
                    self._learn(self._store.read(self._name))
            except Unreachable:
                self._miss_store()
        return self.known

    def change(self, circuit: Circuit) -> bool:
        """Change the state; False if another environment has changed it since it was read."""
        self.known, self._is_unwritten = circuit, True
        try:
            return self._write(circuit)
        except Unreachable:
            self._miss_store()
            return True

    def acquire_probe(self) -> bool:
        """Take the lease for the probe; False if another environment has it, or may have it."""
        until = clock.epoch(self._now()) + _RECOVERY_SECONDS
        lease = Circuit(CircuitState.HALF_OPEN, self.known.opened_at, self._owner, until)
        if self._is_long_without_store():
            # Never written: when the store answers again, the probe is over.
            self.known, self._is_unwritten = lease, False
            return True
        try:
            return self._write(lease)
        except Unreachable:
            # The write may have been done all the same: this environment or another one may have
            # the lease.
            self._miss_store()
            return False

    def return_probe(self) -> None:
        """Give up the lease of a probe that found nothing out: any environment may probe at
        once."""
        self.change(
            replace(self.known, state=CircuitState.OPEN, probe_owner=None, lease_until=None)
        )

    def _write(self, circuit: Circuit) -> bool:
        """Write a state; if another environment has written since, learn that instead and
        return False.

        Raises:
            Unreachable: see there.
        """
        try:
            fence = self._store.write(self._name, circuit, over=self._fence)
        except Outdated as outdated:
            self._learn(outdated.stored)
            return False
        self._learn(Stored(circuit, fence))
        return True

    def _learn(self, stored: Stored | None) -> None:
        self.known, self._fence = (stored.circuit, stored.fence) if stored else (Circuit(), None)
        self._is_unwritten = False
        self._unreachable_since = None
        self._fresh_until = self._monotonic() + _FRESH_SECONDS

    def _miss_store(self) -> None:
        if self._unreachable_since is None:
            self._unreachable_since = self._monotonic()

    def _is_long_without_store(self) -> bool:
        since = self._unreachable_since
        return since is not None and self._monotonic() - since >= _RECOVERY_SECONDS

"""The breaker: decides which call is made, and what its outcome says of the service.

CLOSED ── five failures in a row, or ten of the last twenty calls ──► OPEN
OPEN ── after 30 seconds, one environment makes a call as a probe ──► HALF_OPEN
HALF_OPEN ── the probe is answered ──► CLOSED;  it fails ──► OPEN
"""

import inspect
import time
from collections import deque
from collections.abc import Callable

from shared.calls.breaker.shared_circuit import SharedCircuit
from shared.calls.breaker.store import Circuit, CircuitState, CircuitStore
from shared.calls.internal import CallFailed, CallThrottled
from shared.errors import BodegaError, ServiceUnavailable
from shared.runtime import clock, logging, metrics

_RECOVERY_SECONDS = 30
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
        self._shared = SharedCircuit(
            service, store, recovery=_RECOVERY_SECONDS, now=now, monotonic=monotonic
        )
        # Whether each of the last calls failed, since the circuit was last seen closed.
        self._failed = deque[bool](maxlen=_CALLS_REMEMBERED)

    def call[**P, R](self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function`, unless the circuit is open.

        Raises:
            ServiceUnavailable: the circuit is open, or the call failed or was throttled.
            TypeError: `function` is a coroutine function, which would count as a success before it
                ran.
        """
        if inspect.iscoroutinefunction(function):
            raise TypeError("a circuit breaker cannot guard a coroutine function")
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
        if not self._is_probe_due(circuit) or not self._shared.acquire_probe():
            metrics.count("CircuitRefusals")
            raise ServiceUnavailable(self._service, retry_after=self._seconds_left())
        if circuit.state is CircuitState.OPEN:
            self._report(circuit.state, CircuitState.HALF_OPEN)
        return True

    def _is_probe_due(self, circuit: Circuit) -> bool:
        now = clock.epoch(self._now())
        if circuit.state is CircuitState.OPEN:
            return now >= (circuit.opened_at or 0) + _RECOVERY_SECONDS
        # The environment with the lease may have died.
        return now >= (circuit.lease_until or 0)

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

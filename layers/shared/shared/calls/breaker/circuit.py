"""The breaker: calls go through Powertools' state machine, with a rule more and a clock of ours."""

import inspect
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, override

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    CircuitInfo,
    CircuitTransition,
)
from aws_lambda_powertools.utilities.circuit_breaker.base import CircuitBreakerHandler

from shared.calls.breaker.memory import CircuitMemory
from shared.calls.breaker.store import CircuitStore
from shared.calls.internal import CallFailed, CallThrottled
from shared.errors import BodegaError, ServiceUnavailable
from shared.runtime import clock, logging, metrics

_RECOVERY_SECONDS = 30
# What a client is told to wait when a single call failed, or a probe is under way.
_RETRY_SECONDS = 2
_FAILURES_IN_A_ROW = 5
# The rate: a circuit opens when half of an environment's last 20 calls failed. Where 80 % of calls fail at random, it
# is open within 20 calls with a probability of 0.9995, by this rule or the one above; a pattern of four failures and a
# success, which the one above never sees, opens it at the twelfth call. Where 20 % fail, this rule opens it within 1000
# calls with 0.46 (the one above: 0.23), where 10 % fail with 0.0025 (0.009), where 5 % fail with 0.000005 (0.0003).
_CALLS_REMEMBERED = 20
_FAILURES_REMEMBERED = 10


@dataclass(frozen=True)
class _Refusal:
    """A refusal on its way past the state machine, for which it is as good as an answer."""

    error: BodegaError


class CircuitBreaker:
    """Guards the calls to one service. Only `CallFailed` counts as a failure: a refusal is a healthy answer, and a
    throttled call says nothing of the service.

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
        self._memory = CircuitMemory(
            service, store, recovery=_RECOVERY_SECONDS, now=now, monotonic=monotonic
        )
        # Powertools counts by name for as long as the process lives; each breaker counts for itself.
        self._name = f"{service} {uuid.uuid4().hex}"
        self._config = CircuitBreakerConfig(
            failure_threshold=_FAILURES_IN_A_ROW,
            recovery_timeout=_RECOVERY_SECONDS,
            # Above 1 it must be met by one environment within a lease, which few calls can.
            success_threshold=1,
            handled_exceptions=CallFailed,
        )
        self._failed = deque[bool](maxlen=_CALLS_REMEMBERED)

    def call[**P, R](self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function`, unless the circuit is open.

        Raises:
            ServiceUnavailable: the circuit is open, or the call failed or was throttled.
            TypeError: `function` is a coroutine function, which would count as a success before it ran.
        """
        if inspect.iscoroutinefunction(function):
            raise TypeError("a circuit breaker cannot guard a coroutine function")
        machine = _StateMachine(
            self._now,
            function=partial(self._attempt, partial(function, *args, **kwargs)),
            name=self._name,
            config=self._config,
            persistence_store=self._memory,
            on_transition=self._report,
        )
        try:
            answer: R | _Refusal = machine.handle()
        except CircuitBreakerOpenError as cause:
            self._failed.clear()
            metrics.count("CircuitRefusals")
            raise ServiceUnavailable(
                self._service, retry_after=self._seconds_left(cause.circuit)
            ) from cause
        except CallFailed as cause:
            logging.logger().warning("call failed: %s", cause)
            raise ServiceUnavailable(self._service, retry_after=_RETRY_SECONDS) from cause
        except CallThrottled as cause:
            logging.logger().warning("call throttled: %s", cause)
            metrics.count("CallsThrottled")
            raise ServiceUnavailable(self._service, retry_after=_RETRY_SECONDS) from cause
        if isinstance(answer, _Refusal):
            raise answer.error
        return answer

    def _attempt[R](self, call: Callable[[], R]) -> R | _Refusal:
        try:
            answer: R | _Refusal = call()
        except CallFailed:
            self._failed.append(True)
            # Powertools compares with this after each failure, so 1 opens the circuit now, by its own way.
            is_rate_too_high = sum(self._failed) >= _FAILURES_REMEMBERED
            self._config.failure_threshold = 1 if is_rate_too_high else _FAILURES_IN_A_ROW
            raise
        except CallThrottled:
            self._memory.return_probe()
            raise
        except BodegaError as error:
            answer = _Refusal(error)
        self._failed.append(False)
        return answer

    def _seconds_left(self, circuit: CircuitInfo | None) -> int:
        if circuit is None or circuit.opened_at is None:
            return _RECOVERY_SECONDS
        left = circuit.opened_at + _RECOVERY_SECONDS - clock.epoch(self._now())
        # Another environment's clock may be ahead of ours.
        return min(max(left, _RETRY_SECONDS), _RECOVERY_SECONDS)

    def _report(self, transition: CircuitTransition) -> None:
        self._failed.clear()
        if self._memory.overtaken:
            return
        logging.logger().warning(
            "circuit %s: %s → %s", self._service, transition.from_state, transition.to_state
        )
        metrics.count(f"Circuit{transition.to_state.value.title().replace('_', '')}")


class _StateMachine(CircuitBreakerHandler):
    """Powertools' own, but for its clock."""

    def __init__(self, now: clock.Clock, **call: Any) -> None:
        super().__init__(**call)
        self._clock = now

    @override
    def _now(self) -> int:  # type: ignore[override]  # static there, but called as a method
        return clock.epoch(self._clock())

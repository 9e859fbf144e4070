"""Circuit breakers: after five failures in a row a service is not asked for 30 seconds.

Powertools' circuit breaker behind our adapter. Its state is shared by all environments through the caller's table.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    CircuitTransition,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerDynamoDBPersistence,
)

from shared import logging, metrics
from shared.errors import ServiceUnavailable
from shared.internal import CallFailed

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
        CircuitBreakerPersistenceLayer,
    )
    from mypy_boto3_dynamodb import DynamoDBClient

_RECOVERY_SECONDS = 30
_RETRY_SECONDS = (
    2  # what a client is told to wait when a single call failed and the circuit is closed
)


def circuit_store(table_name: str, client: "DynamoDBClient") -> "CircuitBreakerPersistenceLayer":
    """Circuit states as items of a service's table.

    Args:
        client: with short time-outs and one attempt: an unreachable store must not make healthy calls slow.
    """
    return CircuitBreakerDynamoDBPersistence(
        table_name,
        key_attr="pk",
        sort_key_attr="sk",
        static_pk_value="CIRCUITS",
        expiry_attr="ttl",
        boto3_client=client,
    )


class CircuitBreaker:
    """Guards the calls to one service. Only `CallFailed` counts as a failure: a refusal is a healthy answer."""

    def __init__(self, service: str, store: "CircuitBreakerPersistenceLayer") -> None:
        self._service = service
        self._guard = circuit_breaker(
            service,
            store,
            on_transition=_report,
            # success_threshold above 1 must be met by one environment within a lease, which few calls can.
            config=CircuitBreakerConfig(
                recovery_timeout=_RECOVERY_SECONDS,
                success_threshold=1,
                handled_exceptions=CallFailed,
            ),
        )

    def call[**P, R](self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function`, unless the circuit is open.

        Raises:
            ServiceUnavailable: the circuit is open, or the call failed.
            TypeError: `function` is a coroutine function, which would count as a success before it ran.
        """
        if inspect.iscoroutinefunction(function):
            raise TypeError("a circuit breaker cannot guard a coroutine function")
        guarded: Callable[[], R] = self._guard(partial(function, *args, **kwargs))
        try:
            return guarded()
        except CircuitBreakerOpenError as cause:
            metrics.count("CircuitRefusals")
            raise ServiceUnavailable(self._service, retry_after=_RECOVERY_SECONDS) from cause
        except CallFailed as cause:
            logging.logger().warning("call failed: %s", cause)
            raise ServiceUnavailable(self._service, retry_after=_RETRY_SECONDS) from cause


def _report(transition: CircuitTransition) -> None:
    logging.logger().warning(
        "circuit %s: %s → %s", transition.circuit_name, transition.from_state, transition.to_state
    )
    metrics.count(f"Circuit{transition.to_state.value.title().replace('_', '')}")

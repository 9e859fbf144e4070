"""Circuit breakers: a service that fails is left alone for 30 seconds, by all environments at once.

Powertools' state machine behind our adapter (`circuit`), on what an environment knows of a circuit (`memory`), which all
of them share through the caller's table (`store`).
"""

from shared.calls.breaker.circuit import CircuitBreaker
from shared.calls.breaker.store import circuit_store

__all__ = ["CircuitBreaker", "circuit_store"]

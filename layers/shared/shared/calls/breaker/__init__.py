"""Circuit breakers: after a service has failed, no environment calls it for 30 seconds.

`circuit` decides which call is made, by what this environment knows of the circuit
(`shared_circuit`), which all environments share through the caller's table (`store`).
"""

from shared.calls.breaker.circuit import CircuitBreaker
from shared.calls.breaker.store import circuit_store

__all__ = ["CircuitBreaker", "circuit_store"]

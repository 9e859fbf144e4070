"""The circuit breaker: what counts as a failure, who asks an open circuit, and what a broken store may cost."""

from typing import Final

from tools.mutants.mutant import Mutant

_CIRCUIT: Final = "layers/shared/shared/calls/breaker/circuit.py"
_MEMORY: Final = "layers/shared/shared/calls/breaker/memory.py"
_STORE: Final = "layers/shared/shared/calls/breaker/store.py"
_ALONE: Final = ("tests/shared/test_breaker.py",)
_TOGETHER: Final = ("tests/shared/test_breaker_environments.py",)
_STORED: Final = ("tests/shared/test_breaker_stores.py",)

MUTANTS: Final = (
    Mutant(
        "a refusal counts as a failure",
        _CIRCUIT,
        "            answer = _Refusal(error)\n",
        "            self._failed.append(True)\n            raise CallFailed(str(error)) from error\n",
        _ALONE,
    ),
    Mutant(
        "a throttled call counts as a failure",
        _CIRCUIT,
        "            self._memory.return_probe()\n            raise\n",
        "            raise CallFailed from None\n",
        _ALONE,
    ),
    Mutant(
        "a throttled probe keeps its lease",
        _CIRCUIT,
        "            self._memory.return_probe()\n            raise\n",
        "            raise\n",
        _ALONE,
    ),
    Mutant(
        "a coroutine function is guarded",
        _CIRCUIT,
        "if inspect.iscoroutinefunction(function):",
        "if inspect.iscoroutine(function):",
        _ALONE,
    ),
    Mutant(
        "the rate of failures opens no circuit",
        _CIRCUIT,
        "self._config.failure_threshold = 1 if is_rate_too_high else _FAILURES_IN_A_ROW",
        "self._config.failure_threshold = 99 if is_rate_too_high else _FAILURES_IN_A_ROW",
        _ALONE,
    ),
    Mutant(
        "an open circuit is asked",
        _CIRCUIT,
        "        except CircuitBreakerOpenError as cause:\n",
        "        except CircuitBreakerOpenError as cause:\n            function(*args, **kwargs)\n",
        _ALONE,
    ),
    Mutant(
        "a circuit is written over what its writer did not know",
        _STORE,
        'else ("#fence = :over", {"over": over})',
        'else ("attribute_exists(#fence)", {})',
        _STORED,
    ),
    Mutant(
        "a store that failed is asked by the next call",
        _STORE,
        "            if self._calls_to_go >= 0 or self._clock() < self._asked_again_at:\n"
        "                raise Unreachable\n",
        "            pass\n",
        (f"{_STORED[0]}::test_a_store_that_failed_once_is_asked_again_after_five_seconds",),
    ),
    Mutant(
        "who does not know whether it was elected sends a probe",
        _MEMORY,
        """            self._miss_store()
            raise CircuitBreakerExistingLockError from cause
""",
        """            self._miss_store()
            del cause
""",
        _TOGETHER,
    ),
    Mutant(
        "what was decided without the store is forgotten",
        _MEMORY,
        "self._record, self._is_news = replace(record, name=self._name), True",
        "self._record, self._is_news = replace(record, name=self._name), False",
        _TOGETHER,
    ),
)

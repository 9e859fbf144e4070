"""What one environment knows of one circuit: what it last heard, and what it has to tell the others."""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import override

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence.base import (
    CircuitBreakerExistingLockError,
    CircuitBreakerPersistenceLayer,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord

from shared.calls.breaker.store import CircuitStore, Outdated, Stored, Unreachable
from shared.runtime import clock

_SECONDS_FRESH = 5  # as Powertools' own cache


class CircuitMemory(CircuitBreakerPersistenceLayer):
    """The persistence of Powertools' state machine, for one circuit. Unlike Powertools' own

    - it writes only over the state that it knew. Who was overtaken (a probe that outlived its lease, a failure that is
      reported late) changes nothing and learns what is there;
    - it goes on without its store: then states change in this environment alone, and the last one is written when the
      store answers again, unless somebody else has written since. Who is elected for the probe, the store decides;
      only an environment that was without it for a whole recovery time sends a probe of its own.

    Args:
        name: the circuit's, in the store.
        recovery: seconds that a circuit stays open, and that a probe's lease holds. Two probes could meet only where
            clocks differ by more than what the lease is longer than a probe.
        now: the time of day, which other environments are told.
        monotonic: seconds that never run backwards.
    """

    def __init__(
        self,
        name: str,
        store: CircuitStore,
        *,
        recovery: int,
        now: clock.Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._name = name
        self._store = store
        self._recovery = recovery
        self._now = now
        self._monotonic = monotonic
        # Not Powertools' owner, by which it would let this environment probe again without asking for the lease's end.
        self._owner = uuid.uuid4().hex
        self._record = CircuitStateRecord(name, CircuitState.CLOSED)
        self._fence: str | None = None
        self._fresh_until: float | None = None
        self._is_news = False  # whether the store should be told of the record
        self._alone_since: float | None = None
        # Whether the last change was not made, because another environment had made one.
        self.overtaken = False

    @override
    def _retrieve_from_cache(self, name: str) -> CircuitStateRecord | None:
        is_fresh = self._fresh_until is not None and self._monotonic() < self._fresh_until
        return self._record if is_fresh else None

    @override
    def _save_to_cache(self, record: CircuitStateRecord) -> None:
        """The record is kept where its fence is known."""

    @override
    def _get_record(self, name: str) -> CircuitStateRecord:
        try:
            if self._is_news:
                self._tell()
            else:
                self._hear(self._store.read(self._name))
        except Unreachable:
            self._miss_store()
        return self._record

    @override
    def _put_record(
        self,
        record: CircuitStateRecord,
        condition: str | None = None,
        expected_opened_at: int | None = None,
    ) -> None:
        if condition == "half_open":
            self._elect(record)
        else:
            self._change(record)

    @override
    def _update_record(self, record: CircuitStateRecord) -> None:
        self._change(record)

    def _elect(self, record: CircuitStateRecord) -> None:
        """Take the probe's lease.

        Raises:
            CircuitBreakerExistingLockError: it is not ours.
        """
        lease = replace(
            record,
            name=self._name,
            half_open_owner=self._owner,
            probe_lease_expiry=clock.epoch(self._now()) + self._recovery,
        )
        self.overtaken = False
        if self._is_long_alone():
            # A lease is no news: when the store answers again, the probe is over.
            self._record, self._is_news = lease, False
            return
        try:
            self._hear(Stored(lease, self._store.write(lease, over=self._fence)))
        except Outdated as overtaken:
            self._hear(overtaken.stored)
            raise CircuitBreakerExistingLockError from overtaken
        except Unreachable as cause:
            # Somebody else may have been elected, or even we.
            self._miss_store()
            raise CircuitBreakerExistingLockError from cause

    def return_probe(self) -> None:
        """If this environment was to probe, it found nothing out: the circuit is as open as before, and the next call of
        any environment may probe."""
        if self._record.half_open_owner == self._owner:
            opened = replace(self._record, state=CircuitState.OPEN)
            self._change(replace(opened, half_open_owner=None, probe_lease_expiry=None))

    def _change(self, record: CircuitStateRecord) -> None:
        self._record, self._is_news = replace(record, name=self._name), True
        self.overtaken = False
        try:
            self._tell()
        except Unreachable:
            self._miss_store()

    def _tell(self) -> None:
        """Write the record; where somebody else has written since, that holds instead.

        Raises:
            Unreachable: see there.
        """
        try:
            self._hear(Stored(self._record, self._store.write(self._record, over=self._fence)))
        except Outdated as overtaken:
            self.overtaken = True
            self._hear(overtaken.stored)

    def _hear(self, stored: Stored | None) -> None:
        if stored is None:
            stored = Stored(CircuitStateRecord(self._name, CircuitState.CLOSED), None)
        self._record, self._fence = stored.record, stored.fence
        self._is_news = False
        self._alone_since = None
        self._fresh_until = self._monotonic() + _SECONDS_FRESH

    def _miss_store(self) -> None:
        self._fresh_until = None
        if self._alone_since is None:
            self._alone_since = self._monotonic()

    def _is_long_alone(self) -> bool:
        return (
            self._alone_since is not None
            and self._monotonic() - self._alone_since >= self._recovery
        )

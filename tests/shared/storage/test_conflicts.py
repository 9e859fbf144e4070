"""Retries after a lost race."""

import pytest

from shared.errors import Contended
from shared.storage.conflicts import ConcurrentChange, retry_on_conflict


class Stored:
    """A number that `losses` other writers raise first; `carries` whether the conflict carries the
    current number."""

    def __init__(self, losses: int, *, carries: bool = True) -> None:
        self.number = 1
        self.reads = 0
        self._losses = losses
        self._carries = carries

    def read(self) -> int:
        self.reads += 1
        return self.number

    def double(self, number: int) -> int:
        if self._losses:
            self._losses -= 1
            self.number += 1
            raise ConcurrentChange(self.number if self._carries else None)
        assert number == self.number
        self.number *= 2
        return self.number


@pytest.mark.parametrize(("carries", "reads"), [(True, 1), (False, 5)])
def test_retry_decides_again_on_the_current_value(carries: bool, reads: int) -> None:
    stored = Stored(losses=4, carries=carries)
    assert retry_on_conflict(stored.read, stored.double) == 10
    assert stored.reads == reads


def test_retry_stops_after_five_attempts() -> None:
    stored = Stored(losses=5)
    with pytest.raises(Contended) as refused:
        retry_on_conflict(stored.read, stored.double)
    assert refused.value.retry_after == 1
    assert stored.number == 6


def test_retry_stops_before_its_caller_takes_the_function_for_one_that_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = Stored(losses=25)
    seconds = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    with pytest.raises(Contended):
        retry_on_conflict(stored.read, stored.double, attempts=25)
    assert stored.number == 4

"""Retries after a lost race."""

import pytest

from shared.errors import ServiceUnavailable
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

    def double(self, number: int) -> str:
        if self._losses:
            self._losses -= 1
            self.number += 1
            raise ConcurrentChange(self.number if self._carries else None)
        assert number == self.number
        self.number *= 2
        return f"now {self.number}"


@pytest.mark.parametrize(("carries", "reads"), [(True, 1), (False, 3)])
def test_retry_decides_again_on_the_current_value(carries: bool, reads: int) -> None:
    stored = Stored(losses=2, carries=carries)
    assert retry_on_conflict(stored.read, stored.double) == "now 6"
    assert stored.reads == reads


@pytest.mark.parametrize(("losses", "succeeds"), [(4, True), (5, False)])
def test_retry_stops_after_five_attempts(losses: int, succeeds: bool) -> None:
    stored = Stored(losses)
    if succeeds:
        retry_on_conflict(stored.read, stored.double)
    else:
        with pytest.raises(ServiceUnavailable) as refused:
            retry_on_conflict(stored.read, stored.double)
        assert refused.value.retry_after == 1
    assert stored.number == (10 if succeeds else 6)


def test_retry_passes_on_other_errors() -> None:
    def fail(_: int) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        retry_on_conflict(lambda: 1, fail)

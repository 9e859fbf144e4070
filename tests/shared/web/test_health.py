"""The figures of a health report are loaded at most once in five seconds."""

from collections.abc import Iterator

import pytest

from shared.web.health import Kept
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(100))


def test_value_is_loaded_again_after_five_seconds(
    clock: ManualClock, numbers: Iterator[int]
) -> None:
    kept = Kept[int](clock)
    seen = []
    for _ in range(4):
        seen.append(kept.get(lambda: next(numbers)))
        clock.advance(seconds=2.5)
    assert seen == [0, 0, 1, 1]
    # The environment's clock was set back.
    clock.advance(hours=-1)
    assert kept.get(lambda: next(numbers)) == 2


def test_failure_to_load_is_not_kept(clock: ManualClock, numbers: Iterator[int]) -> None:
    kept = Kept[int](clock)
    with pytest.raises(ZeroDivisionError):
        kept.get(lambda: 1 // next(numbers))
    assert kept.get(lambda: next(numbers)) == 1

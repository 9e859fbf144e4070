"""What a memory size costs and takes."""

import pytest

from bench.power import Measured, share, usd_for_a_million

MEASURED = Measured(cold=400, warm=2, calls=2, waiting=8, memory=90)


def test_a_processor_is_shared_by_memory_and_more_than_one_is_of_no_use() -> None:
    assert share(1769) == 1
    assert share(2048) == 1
    assert share(884) == pytest.approx(0.4997, abs=0.0001)


def test_computing_takes_longer_at_a_small_size_and_waiting_does_not() -> None:
    assert MEASURED.duration(1769) == 2 + 8
    assert MEASURED.duration(512) == pytest.approx(2 * 1769 / 512 + 8)
    assert MEASURED.start(2048) == 400
    assert MEASURED.start(256) == pytest.approx(400 * 1769 / 256)


def test_lambda_bills_requests_and_gigabyte_seconds() -> None:
    # AWS's own example, by today's price for arm64: a million of 120 ms at 1536 MB are 180,000 GB-seconds.
    assert usd_for_a_million(1536, 120) == pytest.approx(0.20 + 180_000 * 0.0000133334)


def test_a_size_without_room_is_too_small() -> None:
    assert not Measured(400, 2, 2, 8, memory=206).fits(256)
    assert Measured(400, 2, 2, 8, memory=204).fits(256)

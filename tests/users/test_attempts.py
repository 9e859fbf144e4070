"""Guessing is slowed down, and nobody is locked out by it but the guesser."""

import pytest

from tests.users.builders import SOURCE, Clock
from tests.users.fakes import InMemoryAttempts
from users.attempts import Guard
from users.errors import TooManyAttempts

ALICE = "alice@example.com"
BOB = "bob@example.com"
ELSEWHERE = "198.51.100.7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    return Guard(InMemoryAttempts(), clock)


def fail(guard: Guard, times: int, email: str = ALICE, source: str = SOURCE) -> None:
    for _ in range(times):
        guard.failed(email, source)


def retry_after(guard: Guard, email: str = ALICE, source: str = SOURCE) -> int:
    """Seconds that an attempt is told to wait, 0 if it may be made."""
    try:
        guard.check(email, source)
    except TooManyAttempts as refusal:
        return refusal.retry_after
    return 0


def test_four_failures_cost_nothing(guard: Guard) -> None:
    fail(guard, 4)
    assert retry_after(guard) == 0


def test_each_failure_from_the_fifth_doubles_the_wait(guard: Guard) -> None:
    fail(guard, 5)
    assert retry_after(guard) == 2
    fail(guard, 1)
    assert retry_after(guard) == 4


def test_after_the_wait_an_attempt_may_be_made(guard: Guard, clock: Clock) -> None:
    fail(guard, 5)
    clock.pass_(seconds=2)
    assert retry_after(guard) == 0


def test_an_address_counts_in_whatever_case(guard: Guard) -> None:
    fail(guard, 5, " Alice@EXAMPLE.com")
    assert retry_after(guard) > 0


def test_a_stranger_elsewhere_does_not_lock_the_owner_out(guard: Guard) -> None:
    fail(guard, 40, source=ELSEWHERE)
    assert retry_after(guard) == 0
    assert retry_after(guard, source=ELSEWHERE) > 0


def test_a_success_starts_the_pair_afresh(guard: Guard) -> None:
    fail(guard, 4)
    guard.succeeded(ALICE, SOURCE)
    fail(guard, 4)
    assert retry_after(guard) == 0


def test_the_next_day_starts_afresh(guard: Guard, clock: Clock) -> None:
    fail(guard, 40)
    clock.pass_(days=1)
    assert retry_after(guard) == 0


def test_a_source_that_fails_across_accounts_waits_for_the_hour_to_end(
    guard: Guard, clock: Clock
) -> None:
    for number in range(50):
        assert retry_after(guard) == 0
        guard.failed(f"user-{number}@example.com", SOURCE)
    assert retry_after(guard) == 30 * 60  # the clock stands at half past
    assert retry_after(guard, source=ELSEWHERE) == 0
    clock.pass_(minutes=30)
    assert retry_after(guard) == 0


def test_who_logged_in_from_a_source_still_may_when_it_fails_across_accounts(
    guard: Guard, clock: Clock
) -> None:
    guard.succeeded(BOB, SOURCE)
    for number in range(50):
        guard.failed(f"user-{number}@example.com", SOURCE)
    assert retry_after(guard, BOB) == 0
    fail(guard, 5, BOB)
    assert retry_after(guard, BOB) == 2  # trusted, but not to guess


def test_trust_lasts_thirty_days(guard: Guard, clock: Clock) -> None:
    guard.succeeded(BOB, SOURCE)
    clock.pass_(days=30)
    fail(guard, 50)
    assert retry_after(guard, BOB) > 0


def test_a_subscriber_of_ipv6_is_one_source(guard: Guard) -> None:
    for number in range(5):
        guard.failed(ALICE, f"2001:db8:0:1::{number}")
    assert retry_after(guard, source="2001:db8:0:1:ffff::1") > 0
    assert retry_after(guard, source="2001:db8:0:2::1") == 0


def test_a_source_without_an_address_counts_too(guard: Guard) -> None:
    fail(guard, 5, source="")
    assert retry_after(guard, source="") > 0


def test_records_hold_no_address(clock: Clock) -> None:
    log = InMemoryAttempts()
    guard = Guard(log, clock)
    guard.failed(ALICE, SOURCE)
    guard.succeeded(BOB, SOURCE)
    kept = repr(vars(log))
    assert all(text not in kept for text in ("alice", "bob", SOURCE))

"""Guessing is slowed down, and nobody is locked out by it but the guesser."""

from datetime import timedelta

import pytest

from tests.support.clock import NOON, ManualClock
from tests.users.builders import SOURCE
from tests.users.fakes import InMemoryAttempts
from users.login_throttle.errors import TooManyAttempts
from users.login_throttle.models import Attempts
from users.login_throttle.service import Attempt, Guard
from users.sessions.errors import BadCredentials

ALICE = "alice@example.com"
BOB = "bob@example.com"
ELSEWHERE = "198.51.100.7"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON - timedelta(minutes=30))


@pytest.fixture
def guard(clock: ManualClock) -> Guard:
    return Guard(InMemoryAttempts(), clock)


def fail(guard: Guard, times: int, email: str = ALICE, source: str = SOURCE) -> None:
    """So many wrong passwords, at once."""
    for _ in range(times):
        guard.admit(email, source)


def fail_patiently(guard: Guard, clock: ManualClock, times: int, email: str = ALICE) -> None:
    """So many wrong passwords, each as soon as it may be tried."""
    for _ in range(times):
        clock.advance(seconds=retry_after(guard, email))
        guard.admit(email, SOURCE)


def fail_across(guard: Guard, accounts: int) -> None:
    """A wrong password for each of so many accounts."""
    for number in range(accounts):
        guard.admit(f"user-{number}@example.com", SOURCE)


def retry_after(guard: Guard, email: str = ALICE, source: str = SOURCE) -> int:
    """Seconds that an attempt is told to wait, 0 if it may be made; it is not made then."""
    try:
        attempt = guard.admit(email, source)
    except TooManyAttempts as refusal:
        return refusal.retry_after
    unmade(guard, attempt)
    return 0


def unmade(guard: Guard, attempt: Attempt) -> None:
    log = guard._log
    log.give_back(attempt.pair)
    if not attempt.is_trusted:
        log.count_source(attempt.source, attempt.hour, by=-1, below=None, until=0)


def test_four_failures_cost_nothing(guard: Guard) -> None:
    fail(guard, 4)
    assert retry_after(guard) == 0


def test_an_attempt_that_an_outage_interrupts_does_not_count(guard: Guard) -> None:
    for _ in range(100):
        with pytest.raises(OSError, match="unreachable"), guard.attempt(ALICE, SOURCE):
            raise OSError("unreachable")
    assert retry_after(guard) == 0


def test_an_attempt_that_is_refused_counts(guard: Guard) -> None:
    for _ in range(5):
        with pytest.raises(BadCredentials), guard.attempt(ALICE, SOURCE):
            raise BadCredentials
    assert retry_after(guard) == 2


def test_each_failure_from_the_fifth_doubles_the_wait(guard: Guard, clock: ManualClock) -> None:
    fail(guard, 5)
    assert retry_after(guard) == 2
    clock.advance(seconds=2)
    fail(guard, 1)
    assert retry_after(guard) == 4


def test_of_many_at_once_five_may_be_made(guard: Guard) -> None:
    waits = []
    for _ in range(100):
        try:
            guard.admit(ALICE, SOURCE)
        except TooManyAttempts as refusal:
            waits.append(refusal.retry_after)
    assert waits == [2] * 95


def test_an_address_counts_in_whatever_case(guard: Guard) -> None:
    fail(guard, 5, " Alice@EXAMPLE.com")
    assert retry_after(guard) > 0


def test_a_stranger_elsewhere_does_not_lock_the_owner_out(guard: Guard) -> None:
    fail(guard, 5, source=ELSEWHERE)
    assert retry_after(guard) == 0
    assert retry_after(guard, source=ELSEWHERE) > 0


def test_a_success_starts_the_pair_afresh(guard: Guard) -> None:
    fail(guard, 4)
    guard.succeeded(guard.admit(ALICE, SOURCE))
    fail(guard, 4)
    assert retry_after(guard) == 0


def test_midnight_does_not_shorten_the_wait(guard: Guard, clock: ManualClock) -> None:
    clock.advance(hours=15, minutes=15)  # a quarter of an hour to midnight
    fail_patiently(guard, clock, 11)
    assert retry_after(guard) == 128
    clock.advance(minutes=16)
    fail(guard, 1)
    assert retry_after(guard) == 256


def test_a_day_after_the_last_failure_all_are_forgotten(guard: Guard, clock: ManualClock) -> None:
    fail_patiently(guard, clock, 9)
    clock.advance(days=1)
    fail(guard, 4)
    assert retry_after(guard) == 0


def test_a_source_that_fails_across_accounts_waits_for_the_hour_to_end(
    guard: Guard, clock: ManualClock
) -> None:
    fail_across(guard, 50)
    assert retry_after(guard) == 30 * 60  # the clock stands at half past
    assert retry_after(guard, source=ELSEWHERE) == 0
    clock.advance(minutes=30)
    assert retry_after(guard) == 0


def test_who_is_refused_for_the_source_s_sake_has_not_failed(
    guard: Guard, clock: ManualClock
) -> None:
    fail_across(guard, 50)
    for _ in range(9):
        assert retry_after(guard) == 30 * 60
    clock.advance(minutes=30)
    fail(guard, 5)


def test_successes_do_not_use_a_source_up(guard: Guard) -> None:
    for number in range(60):
        guard.succeeded(guard.admit(f"user-{number}@example.com", SOURCE))
    fail_across(guard, 50)
    assert retry_after(guard) == 0


def test_who_logged_in_from_a_source_still_may_when_it_fails_across_accounts(guard: Guard) -> None:
    guard.succeeded(guard.admit(BOB, SOURCE))
    fail_across(guard, 50)
    assert retry_after(guard, BOB) == 0
    fail(guard, 5, BOB)
    assert retry_after(guard, BOB) == 2  # trusted, but not to guess


def test_who_registered_from_a_source_is_trusted_too(guard: Guard) -> None:
    guard.trust(BOB, SOURCE)
    fail_across(guard, 50)
    assert retry_after(guard, BOB) == 0


def test_trust_lasts_thirty_days_whoever_fails_meanwhile(guard: Guard, clock: ManualClock) -> None:
    guard.trust(BOB, SOURCE)
    clock.advance(days=29)
    fail(guard, 1, BOB)
    fail_across(guard, 50)
    assert retry_after(guard, BOB) == 0
    clock.advance(days=1)
    fail_across(guard, 50)
    assert retry_after(guard, BOB) > 0


def test_a_subscriber_of_ipv6_is_one_source(guard: Guard) -> None:
    for number in range(5):
        guard.admit(ALICE, f"2001:db8:0:1::{number}")
    assert retry_after(guard, source="2001:db8:0:1:ffff::1") > 0
    assert retry_after(guard, source="2001:db8:0:2::1") == 0


def test_an_ipv4_address_is_the_same_in_its_ipv6_form(guard: Guard) -> None:
    fail(guard, 5)
    assert retry_after(guard, source=f"::ffff:{SOURCE}") > 0
    assert retry_after(guard, source=f"::ffff:{ELSEWHERE}") == 0


def test_a_source_without_an_address_counts_too(guard: Guard) -> None:
    fail(guard, 5, source="")
    assert retry_after(guard, source="") > 0


def test_who_is_always_overtaken_is_told_to_come_again(clock: ManualClock) -> None:
    class Crowded(InMemoryAttempts):
        def count(self, *_: object, **__: object) -> tuple[bool, Attempts]:
            return False, Attempts()

    assert retry_after(Guard(Crowded(), clock)) == 1


def test_records_hold_no_address(clock: ManualClock) -> None:
    log = InMemoryAttempts()
    guard = Guard(log, clock)
    guard.admit(ALICE, SOURCE)
    guard.trust(BOB, SOURCE)
    kept = repr(vars(log))
    assert all(text not in kept for text in ("alice", "bob", SOURCE))

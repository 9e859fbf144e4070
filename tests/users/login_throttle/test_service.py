"""Guessing is slowed down, and only the guesser is locked out."""

from datetime import timedelta

import pytest

from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.support.aws import simulated_table
from tests.support.clock import NOON, ManualClock
from tests.users.builders import SOURCE
from users.login_throttle.errors import TooManyAttempts
from users.login_throttle.models import PairAttempts
from users.login_throttle.repository import DynamoAttempts
from users.login_throttle.service import LoginThrottle
from users.sessions.errors import BadCredentials

ALICE = "alice@example.com"
BOB = "bob@example.com"
ELSEWHERE = "198.51.100.7"


@pytest.fixture
def clock() -> ManualClock:
    """At half past eleven."""
    return ManualClock(NOON - timedelta(minutes=30))


@pytest.fixture
def table() -> Table:
    return simulated_table("CredentialsTable")


@pytest.fixture
def throttle(table: Table, clock: ManualClock) -> LoginThrottle:
    return LoginThrottle(DynamoAttempts(table), clock)


def fail(
    throttle: LoginThrottle, times: int, email: str = ALICE, source: str = SOURCE, device: str = ""
) -> None:
    """So many wrong passwords at the same moment."""
    for _ in range(times):
        throttle.admit(email, source, device)


def log_in(throttle: LoginThrottle, device: str = "", email: str = ALICE) -> str:
    """A right password; the device's token from then on."""
    attempt = throttle.admit(email, SOURCE, device)
    throttle.succeeded(attempt)
    return throttle.remember(attempt, email)


def fail_and_wait(throttle: LoginThrottle, clock: ManualClock, times: int) -> None:
    """So many wrong passwords, each as soon as it is admitted."""
    for _ in range(times):
        clock.advance(seconds=retry_after(throttle))
        throttle.admit(ALICE, SOURCE)


def fail_across_accounts(throttle: LoginThrottle) -> None:
    """As many wrong passwords as a network may have in an hour."""
    for number in range(50):
        throttle.admit(f"user-{number}@example.com", SOURCE)


def retry_after(
    throttle: LoginThrottle, email: str = ALICE, source: str = SOURCE, device: str = ""
) -> int:
    """The seconds that an attempt has to wait, 0 if it is admitted. It leaves no trace."""
    try:
        throttle.withdraw(throttle.admit(email, source, device))
    except TooManyAttempts as refusal:
        return refusal.retry_after
    return 0


def test_pair_waits_from_the_fifth_failure_on(throttle: LoginThrottle) -> None:
    fail(throttle, 4)
    assert retry_after(throttle) == 0
    fail(throttle, 1)
    # Of many concurrent attempts, no more than five are admitted.
    assert [retry_after(throttle) for _ in range(95)] == [2] * 95
    assert retry_after(throttle, " Alice@EXAMPLE.com") == 2
    assert retry_after(throttle, source=ELSEWHERE) == 0


@pytest.mark.parametrize(
    ("error", "wait"), [(BadCredentials(), 2), (OSError(), 0)], ids=["refused", "interrupted"]
)
def test_attempt_counts_unless_it_is_interrupted(
    throttle: LoginThrottle, error: Exception, wait: int
) -> None:
    for _ in range(5):
        with pytest.raises(type(error)), throttle.attempt(ALICE, SOURCE):
            raise error
    assert retry_after(throttle) == wait


def test_success_forgets_the_failures_of_the_pair(throttle: LoginThrottle) -> None:
    for _ in range(2):
        fail(throttle, 4)
        throttle.succeeded(throttle.admit(ALICE, SOURCE))
    assert retry_after(throttle) == 0


def test_attempt_that_a_success_has_forgotten_is_not_withdrawn(throttle: LoginThrottle) -> None:
    interrupted = throttle.admit(ALICE, SOURCE)
    throttle.succeeded(throttle.admit(ALICE, SOURCE))
    for attempt in (throttle.admit(ALICE, SOURCE), interrupted):
        throttle.withdraw(attempt)
    fail(throttle, 5)
    assert retry_after(throttle) == 2


def test_failures_are_forgotten_a_day_after_the_last_and_not_at_midnight(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    clock.advance(hours=12, minutes=15)  # to a quarter to twelve
    fail_and_wait(throttle, clock, 11)
    assert retry_after(throttle) == 128
    clock.advance(minutes=16)
    fail(throttle, 1)
    assert retry_after(throttle) == 256
    clock.advance(days=1)
    fail(throttle, 4)
    assert retry_after(throttle) == 0


def test_network_that_fails_across_accounts_waits_until_the_hour_ends(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    fail_across_accounts(throttle)
    # Refusals do not count for the pair.
    assert [retry_after(throttle) for _ in range(9)] == [30 * 60] * 9
    assert retry_after(throttle, source=ELSEWHERE) == 0
    clock.advance(minutes=30)
    fail(throttle, 5)


def test_successes_do_not_count_for_the_network(throttle: LoginThrottle) -> None:
    for number in range(60):
        throttle.succeeded(throttle.admit(f"user-{number}@example.com", SOURCE))
    fail_across_accounts(throttle)
    assert retry_after(throttle) == 0


def test_account_that_logged_in_from_a_network_is_admitted_when_the_network_is_not(
    throttle: LoginThrottle,
) -> None:
    throttle.succeeded(throttle.admit(BOB, SOURCE))
    fail_across_accounts(throttle)
    assert retry_after(throttle, BOB) == 0
    fail(throttle, 5, BOB)
    assert retry_after(throttle, BOB) == 2  # trusted, but not to guess


def test_trust_of_a_registration_lasts_thirty_days_whatever_fails(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    throttle.trust(BOB, SOURCE)
    clock.advance(days=29)
    fail(throttle, 1, BOB)
    fail_across_accounts(throttle)
    assert retry_after(throttle, BOB) == 0
    clock.advance(days=1)
    fail_across_accounts(throttle)
    assert retry_after(throttle, BOB) > 0


def test_device_that_logged_in_is_not_delayed_by_guesses_from_its_network(
    throttle: LoginThrottle,
) -> None:
    device = log_in(throttle)
    fail(throttle, 5)
    fail_across_accounts(throttle)
    assert retry_after(throttle) > 0
    for source in (SOURCE, ELSEWHERE):
        assert retry_after(throttle, source=source, device=device) == 0
    # Its log-in does not help the guesser.
    assert log_in(throttle, device) == device
    assert retry_after(throttle) > 0


def test_guesses_from_a_device_count_for_it_alone(throttle: LoginThrottle) -> None:
    device = log_in(throttle)
    fail(throttle, 5, device=device)
    for source in (SOURCE, ELSEWHERE):
        assert retry_after(throttle, source=source, device=device) == 2
        assert retry_after(throttle, source=source) == 0


def test_device_is_known_to_the_account_that_logged_in_from_it(
    throttle: LoginThrottle, table: Table
) -> None:
    devices = [log_in(throttle, email=BOB), "", "x", "\xe9" * 5000]
    before = table.client.scan(TableName=table.name)["Count"]
    for device in devices:
        fail(throttle, 1, device=device)
    assert [retry_after(throttle, device=device) for device in devices] == [0] * 4
    fail(throttle, 1)
    assert [retry_after(throttle, device=device) for device in devices] == [2] * 4
    # A token that is not known stores nothing: the pair is new, the network is not.
    assert table.client.scan(TableName=table.name)["Count"] == before + 1


def test_device_is_known_for_thirty_days_from_its_last_log_in(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    device = log_in(throttle)
    for days in (29, 29):
        clock.advance(days=days)
        fail(throttle, 1, device=device)
        assert log_in(throttle, device) == device
    clock.advance(days=30)
    assert log_in(throttle, device) != device


@pytest.mark.parametrize(
    ("guesser", "other", "is_same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        (SOURCE, f"::ffff:{SOURCE}", True),
        (SOURCE, f"::ffff:{ELSEWHERE}", False),
        ("", "", True),
    ],
)
def test_network_is_an_ipv4_address_or_64_bits_of_an_ipv6_address(
    throttle: LoginThrottle, guesser: str, other: str, *, is_same: bool
) -> None:
    fail(throttle, 5, source=guesser)
    assert (retry_after(throttle, source=other) > 0) is is_same


def test_attempt_that_loses_every_race_is_refused_for_a_moment(
    table: Table, clock: ManualClock
) -> None:
    class Contended(DynamoAttempts):
        def count(self, *_: object, **__: object) -> PairAttempts:
            raise ConcurrentChange(PairAttempts())

    assert retry_after(LoginThrottle(Contended(table), clock)) == 1


def test_stored_attempts_hold_no_address(table: Table, throttle: LoginThrottle) -> None:
    throttle.admit(ALICE, SOURCE)
    throttle.trust(BOB, SOURCE)
    device = log_in(throttle)
    stored = repr(table.client.scan(TableName=table.name)["Items"])
    assert not any(text in stored for text in ("alice", "bob", SOURCE, device))


@pytest.mark.parametrize(
    ("count", "at", "wait"),
    [
        *((0, 50, 0), (4, 50, 0), (5, 50, 2), (6, 50, 4), (7, 50, 8), (7, 57, 1), (7, 58, 0)),
        *((13, 50, 512), (14, 50, 900), (9999, 50, 900)),
    ],
)
def test_backoff_doubles_from_the_last_attempt_up_to_its_limit(
    count: int, at: int, wait: int
) -> None:
    assert PairAttempts(count, last_at=50).backoff(at=at, tolerated=5, longest=900) == wait

"""Slows password guessing down without letting a stranger lock anybody out.

An attempt is counted before its password is compared, and forgiven if it was right: so of many at once no more are
compared than one after the other. Attempts count for the pair of an account and a source, so that guesses from
elsewhere don't touch the owner. A source that fails across many accounts is refused for the rest of the hour, except for
accounts that have logged in or registered from it: whoever shares an address with a guesser still gets in.
"""

import hashlib
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.errors import BodegaError
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, epoch
from users import emails
from users.login_throttle.errors import TooManyAttempts
from users.login_throttle.models import Attempts
from users.login_throttle.ports import AttemptLog

_TOLERATED: Final = 5  # of a pair; the wait after the fifth is 2 s, then it doubles
_LONGEST_WAIT: Final = 15 * 60
_TOLERATED_OF_SOURCE: Final = 50  # an hour
# From the last attempt on: counted by the calendar, the wait would begin anew every midnight.
_FORGOTTEN_AFTER: Final = 24 * 3600
_TRUST: Final = timedelta(days=30)
_HOUR: Final = 3600
# Others may be faster no more often than they are tolerated, unless somebody logs in meanwhile.
_ROUNDS: Final = _TOLERATED + 3


@dataclass(frozen=True)
class Attempt:
    """One that may be made: what it is counted under, until it is known to be right."""

    pair: str
    source: str
    hour: int
    is_trusted: bool


class Guard:
    """Says whether a password may be tried, and is told when it was right.

    An attempt is at an account's address (known or not), from an IP address.
    """

    def __init__(self, log: AttemptLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def admit(self, email: str, source: str) -> Attempt:
        """Count the attempt, as wrong until `succeeded` is told otherwise.

        Raises:
            TooManyAttempts: it may not be made yet. It does not count.
        """
        now = self._clock()
        pair, network = _pair(email, source), _digest(_network(source))
        hour = epoch(now) // _HOUR * _HOUR
        is_trusted = self._counted(pair, now).trusted_until > epoch(now)
        # For a trusted pair this counts nothing, but takes as long: time tells nobody who has been here before.
        try:
            may_go_on = self._log.count_source(
                network,
                hour,
                by=0 if is_trusted else 1,
                below=None if is_trusted else _TOLERATED_OF_SOURCE,
                until=hour + _HOUR,
            )
        except Exception:
            self._log.give_back(pair)
            raise
        if not may_go_on:
            self._log.give_back(pair)
            raise _refused(hour + _HOUR - epoch(now))
        return Attempt(pair, network, hour, is_trusted)

    @contextmanager
    def attempt(self, email: str, source: str) -> Iterator[Attempt]:
        """Admit an attempt for the length of the block. If the block cannot say whether the password was right, because
        it was interrupted by another error than one of ours, the attempt does not count.

        Raises:
            TooManyAttempts: see `admit`.
        """
        admitted = self.admit(email, source)
        try:
            yield admitted
        except BodegaError:
            raise
        except Exception:
            self._withdraw(admitted)
            raise

    def _withdraw(self, attempt: Attempt) -> None:
        self._log.give_back(attempt.pair)
        self._forgive_source(attempt)

    def succeeded(self, attempt: Attempt) -> None:
        """The password was right: the pair starts afresh and is trusted, and the source has one attempt less."""
        self._trust(attempt.pair)
        self._forgive_source(attempt)

    def _forgive_source(self, attempt: Attempt) -> None:
        if not attempt.is_trusted:
            self._log.count_source(
                attempt.source, attempt.hour, by=-1, below=None, until=attempt.hour + _HOUR
            )

    def trust(self, email: str, source: str) -> None:
        """The account is new, and whose it is was there."""
        self._trust(_pair(email, source))

    def _trust(self, pair: str) -> None:
        self._log.trust(pair, until=epoch(self._clock() + _TRUST))

    def _counted(self, pair: str, now: datetime) -> Attempts:
        """The pair's attempts with this one, unless others leave it no place."""
        before = Attempts()  # most pairs have none: they are not read first
        for _ in range(_ROUNDS):
            if wait := before.backoff(at=epoch(now), tolerated=_TOLERATED, longest=_LONGEST_WAIT):
                raise _refused(wait)
            after = before.with_another(at=epoch(now), forgotten_after=_FORGOTTEN_AFTER)
            is_counted, before = self._log.count(pair, before, after, until=epoch(now + _TRUST))
            if is_counted:
                return before
        raise _refused(1)


def _refused(wait: int) -> TooManyAttempts:
    logging.logger().info("refused a log-in attempt for %s s", wait)
    metrics.count("AttemptsRefused")
    return TooManyAttempts(retry_after=wait)


def _pair(email: str, source: str) -> str:
    # A digest, so that the records hold nobody's address. Their protection is the table's, and that they expire.
    return _digest(f"{_network(source)} {emails.normalised(email)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _network(source: str) -> str:
    """An IPv4 address, or the /64 that one subscriber has of IPv6 and can draw addresses from at will."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(ipaddress.ip_network(address))

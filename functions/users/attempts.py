"""Slows password guessing down without letting a stranger lock anybody out.

Failures count for the pair of an account and a source, so that guesses from elsewhere don't touch the owner. A source
that fails across many accounts is refused for the rest of the hour, except for accounts that have logged in
or registered from it: whoever shares an address with a guesser still gets in.
"""

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import Final

from shared import logging, metrics
from shared.clock import Clock, epoch
from users import emails
from users.errors import TooManyAttempts
from users.ports import AttemptLog

_TOLERATED: Final = 5  # of a pair; the wait after the fifth is 2 s, then it doubles
_LONGEST_WAIT: Final = 15 * 60
_TOLERATED_OF_SOURCE: Final = 50  # an hour
_TRUST: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


class Guard:
    """Says whether a password may be tried, and is told how it went.

    An attempt is an account's address (known or not) and where the request came from, an IP address.
    """

    def __init__(self, log: AttemptLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def check(self, email: str, source: str) -> None:
        """Return if the attempt may be made.

        Raises:
            TooManyAttempts: not yet. It does not count as a failure.
        """
        now = self._clock()
        wait = self._log.failures(_pair(email, source), _window(now, _DAY)).backoff(
            at=epoch(now), tolerated=_TOLERATED, longest=_LONGEST_WAIT
        )
        if not wait and self._is_blocked(email, source, now):
            wait = _end(now, _HOUR) - epoch(now)
        if wait:
            logging.logger().info("refused a log-in attempt for %s s", wait)
            metrics.count("AttemptsRefused")
            raise TooManyAttempts(retry_after=wait)

    def failed(self, email: str, source: str) -> None:
        """The password was wrong, or there is no such account."""
        now = self._clock()
        for key, window in ((_pair(email, source), _DAY), (_source(source), _HOUR)):
            self._log.add_failure(key, _window(now, window), at=epoch(now), until=_end(now, window))

    def succeeded(self, email: str, source: str) -> None:
        """The password was right, or the account is new: the pair starts afresh and is trusted."""
        now = self._clock()
        pair = _pair(email, source)
        self._log.clear(pair, _window(now, _DAY))
        self._log.trust(pair, until=epoch(now + _TRUST))

    def _is_blocked(self, email: str, source: str, now: datetime) -> bool:
        failures = self._log.failures(_source(source), _window(now, _HOUR))
        return failures.count >= _TOLERATED_OF_SOURCE and not self._log.is_trusted(
            _pair(email, source), at=epoch(now)
        )


def _pair(email: str, source: str) -> str:
    # A digest, so that the records hold nobody's address. Their protection is the table's, and that they expire.
    return _digest(f"{_network(source)} {emails.normalised(email)}")


def _source(source: str) -> str:
    return _digest(_network(source))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _network(source: str) -> str:
    """An IPv4 address, or the /64 that one subscriber has of IPv6 and can draw addresses from at will."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    return str(ipaddress.ip_network((address, 64 if address.version == 6 else 32), strict=False))


def _window(now: datetime, length: timedelta) -> str:
    """The name of the window of time that `now` is in: windows that are over need no care, whenever TTL takes them."""
    return str(epoch(now) // int(length.total_seconds()) * int(length.total_seconds()))


def _end(now: datetime, length: timedelta) -> int:
    return int(_window(now, length)) + int(length.total_seconds())

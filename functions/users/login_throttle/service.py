"""Slows down guessing passwords without locking the owner of an account out.

An attempt is counted before its password is compared, and withdrawn if it was right: of many
concurrent attempts, no more are compared than of sequential ones. Attempts count for a pair of an
account and a network, so guesses from another network do not affect the owner. A network that
fails across many accounts is refused until the hour ends, except for accounts that logged in or
registered from it: they may share the network with the guesser.

A guesser in the owner's own network would delay the owner. So each log-in gives the client a token
by which its device is known to the account (OWASP's device cookies): attempts with it count for the
pair of account and device, and not for the network.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from shared.errors import BodegaError, ServiceUnavailable
from shared.runtime import logging, metrics
from shared.runtime.clock import Clock, epoch
from shared.storage.conflicts import ConcurrentChange, retry_on_conflict
from users import emails
from users.login_throttle.errors import TooManyAttempts
from users.login_throttle.models import Attempt, PairAttempts
from users.login_throttle.ports import Attempts, NotTrusted
from users.networks import network

_TOLERATED: Final = 5  # of a pair; the wait after the fifth is 2 s, then it doubles
_LONGEST_WAIT: Final = 15 * 60
_TOLERATED_OF_NETWORK: Final = 50  # an hour
# From the last attempt on: by calendar days, the wait would start again at midnight.
_FORGOTTEN_AFTER: Final = 24 * 3600
TRUST: Final = timedelta(days=30)
"""How long a network or a device is trusted after a log-in."""
_HOUR: Final = 3600
# A pair tolerates five attempts, so that more conflicts mean that log-ins reset it meanwhile.
_WRITES: Final = _TOLERATED + 3


class LoginThrottle:
    """Admits attempts at the password of an address, known or not, from an IP address."""

    def __init__(self, attempts: Attempts, clock: Clock) -> None:
        self._attempts = attempts
        self._clock = clock

    @contextmanager
    def attempt(self, email: str, source: str, device: str = "") -> Iterator[Attempt]:
        """Admit an attempt for the length of the block.

        It counts as wrong until `succeeded`. If the block ends by an error of another kind than
        BodegaError, the password may have been right, and the attempt does not count.

        Raises:
            TooManyAttempts: see `admit`.
        """
        admitted = self.admit(email, source, device)
        try:
            yield admitted
        except BodegaError:
            raise
        except Exception:
            self.withdraw(admitted)
            raise

    def admit(self, email: str, source: str, device: str = "") -> Attempt:
        """Count an attempt as wrong.

        Args:
            device: the token that the client has got from its last log-in, if it has one. One that
                is not known to the account changes nothing.

        Raises:
            TooManyAttempts: it has to wait, and does not count.
        """
        now = self._clock()
        network_id = _digest(network(source))
        hour = epoch(now) // _HOUR * _HOUR
        pair = _device_pair(email, device)
        if device and self._is_counted_for_device(pair, now):
            is_trusted = True
        else:
            pair, device = _pair(email, source), ""
            is_trusted = self._count(pair, now).trusted_until > epoch(now)
        # A trusted pair counts 0 here, so that the time does not show which networks are trusted.
        try:
            is_admitted = self._attempts.count_network(
                network_id,
                hour,
                by=0 if is_trusted else 1,
                below=None if is_trusted else _TOLERATED_OF_NETWORK,
                until=hour + _HOUR,
            )
        except Exception:
            self._attempts.withdraw(pair)
            raise
        if not is_admitted:
            self._attempts.withdraw(pair)
            raise _refusal(hour + _HOUR - epoch(now))
        return Attempt(pair, network_id, hour, is_trusted, device)

    def succeeded(self, attempt: Attempt) -> None:
        """The password was right: forget the pair's attempts, trust it, and count one less."""
        self._trust(attempt.pair)
        self._withdraw_from_network(attempt)

    def remember(self, attempt: Attempt, email: str) -> str:
        """Trust the device of an attempt that succeeded; return the token by which it is known."""
        # A token of another account's is not taken over: somebody else may know it.
        if not attempt.device:
            device = secrets.token_urlsafe(32)
            self._trust(_device_pair(email, device))
            return device
        return attempt.device

    def withdraw(self, attempt: Attempt) -> None:
        """Count an attempt less, whose password was not compared."""
        self._attempts.withdraw(attempt.pair)
        self._withdraw_from_network(attempt)

    def trust(self, email: str, source: str) -> None:
        """Trust a network with a new account, which was registered from it."""
        self._trust(_pair(email, source))

    def _withdraw_from_network(self, attempt: Attempt) -> None:
        if not attempt.is_trusted:
            self._attempts.count_network(
                attempt.network, attempt.hour, by=-1, below=None, until=attempt.hour + _HOUR
            )

    def _trust(self, pair: str) -> None:
        self._attempts.trust(pair, until=epoch(self._clock() + TRUST))

    def _is_counted_for_device(self, pair: str, now: datetime) -> bool:
        """Count an attempt for its device, if the account trusts it."""
        try:
            self._count(pair, now, if_trusted_at=epoch(now))
        except NotTrusted:
            return False
        return True

    def _count(self, pair: str, now: datetime, *, if_trusted_at: int | None = None) -> PairAttempts:
        """Count an attempt for its pair; return what is stored then."""

        def counted(before: PairAttempts) -> PairAttempts:
            if wait := before.backoff(at=epoch(now), tolerated=_TOLERATED, longest=_LONGEST_WAIT):
                raise _refusal(wait)
            after = before.with_another(at=epoch(now), forgotten_after=_FORGOTTEN_AFTER)
            until = epoch(now + TRUST)
            return self._attempts.count(
                pair, before, after, until=until, if_trusted_at=if_trusted_at
            )

        try:
            # Most pairs have no attempts, so the first write is tried without a read.
            return retry_on_conflict(PairAttempts, counted, attempts=_WRITES)
        except ServiceUnavailable as busy:
            if isinstance(busy.__cause__, ConcurrentChange):
                raise _refusal(1) from None
            raise


def _refusal(wait: int) -> TooManyAttempts:
    logging.logger().info("refused a log-in attempt for %s s", wait)
    metrics.count("AttemptsRefused")
    return TooManyAttempts(retry_after=wait)


def _pair(email: str, source: str) -> str:
    # A digest, so that the items hold no address. The table protects them, and they expire.
    return _digest(f"{network(source)} {emails.normalised(email)}")


def _device_pair(email: str, device: str) -> str:
    return _digest(f"device {device} {emails.normalised(email)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

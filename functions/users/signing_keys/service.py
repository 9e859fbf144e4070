"""Which key signs: today's, which the first log-in of the day makes."""

from datetime import datetime
from typing import Final

from shared.auth.public_keys import KEPT_SECONDS
from shared.errors import Contended
from shared.runtime import logging
from shared.runtime.clock import Clock, epoch
from users.signing_keys.models import PublishedKey, SigningKey, days_that_sign
from users.signing_keys.ports import SecretSealer, StoredKeys

# Sooner than a verifier: hardly any token is signed by a key that was deleted.
_CHECKED_SECONDS: Final = 60
# As long as a verifier may keep what it has read, which is longer than `jwks.json` is kept; and
# clocks differ.
_SETTLED_SECONDS: Final = KEPT_SECONDS + 30


class SigningKeys:
    """Finds the key that signs, and makes it if the day has none.

    A new key signs when every reader of the public keys knows it, until then that of the day
    before, if there is one. While storage or KMS do not answer, an environment goes on with the
    key that it has, till noon of the next day at most.
    """

    def __init__(self, stored: StoredKeys, sealer: SecretSealer, clock: Clock) -> None:
        self._stored = stored
        self._sealer = sealer
        self._clock = clock
        self._held: SigningKey | None = None
        self._checked_at = 0

    def current(self) -> SigningKey:
        """The key that signs now."""
        now = self._clock()
        held = self._held
        may_go_on = held is not None and held.day in days_that_sign(now)
        if held and may_go_on and 0 <= epoch(now) - self._checked_at < _CHECKED_SECONDS:
            return held
        try:
            held = self._choose(now)
        except Exception:
            # Whatever it is, MailKey disabled for example: there are hours to correct it.
            if held is None or not may_go_on:
                raise
            logging.logger().exception("the key that signs tokens could not be checked")
        self._held, self._checked_at = held, epoch(now)
        return held

    def _choose(self, now: datetime) -> SigningKey:
        today, *before = days_that_sign(now)
        key = self._stored.find(today) or self._make(today, now)
        if before and epoch(now) - key.made_at < _SETTLED_SECONDS:
            former = self._stored.find(before[0])
            if former and (opened := self._opened(former)):
                return opened
        return self._opened(key) or self._replaced(key, now)

    def _opened(self, key: PublishedKey) -> SigningKey | None:
        if self._held and self._held.kid == key.kid:
            return self._held
        sealed = self._stored.find_sealed(key)
        secret = self._sealer.open(sealed, kid=key.kid) if sealed else None
        return SigningKey.of(key.day, secret) if secret else None

    def _replaced(self, key: PublishedKey, now: datetime) -> SigningKey:
        """The key of the day after one whose secret is lost, as when one of the tables was
        restored."""
        logging.logger().warning("a key that signs tokens has lost its secret, and is replaced")
        opened = self._opened(self._make(key.day, now, instead_of=key))
        if opened is None:
            raise Contended
        return opened

    def _make(
        self, day: str, now: datetime, *, instead_of: PublishedKey | None = None
    ) -> PublishedKey:
        """A new key for the day, or the one that a concurrent request has made."""
        key, secret = SigningKey.generate(day)
        sealed = self._sealer.seal(secret, kid=key.kid)
        if self._stored.add(key, sealed, at=epoch(now), instead_of=instead_of):
            logging.logger().info("a key that signs tokens was made", extra={"kid": key.kid})
        found = self._stored.find(day)
        if found is None:
            raise Contended
        return found

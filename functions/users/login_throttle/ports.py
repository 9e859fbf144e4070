"""What the log-in throttle needs: storage of attempts."""

from typing import Protocol

from shared.errors import OwnError
from users.login_throttle.models import PairAttempts


class NotTrusted(OwnError):
    """The account was not logged in to from this device lately."""


class Attempts(Protocol):
    """Counters of attempts at passwords. All times are epoch seconds."""

    def count(
        self,
        pair: str,
        before: PairAttempts,
        after: PairAttempts,
        *,
        until: int,
        if_trusted_at: int | None = None,
    ) -> PairAttempts:
        """Store `after`, except its trust, if `before` is stored; it may be deleted after `until`.

        Returns:
            What is stored now.

        Raises:
            NotTrusted: the pair is not trusted at `if_trusted_at`; nothing was stored.
            ConcurrentChange: another attempt was stored first; it carries what is stored now.
        """

    def withdraw(self, pair: str) -> None:
        """Count one attempt less."""

    def trust(self, pair: str, *, until: int) -> None:
        """Forget the attempts of a pair, and trust its network or device with the account until
        then."""

    def count_network(
        self, network: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        """Add to the attempts of a network in an hour, unless they are `below` no more.

        Returns:
            Whether it was added.
        """

"""What the log-in throttle needs: storage of attempts."""

from typing import Protocol

from users.login_throttle.models import PairAttempts


class Attempts(Protocol):
    """Counters of attempts at passwords. All times are epoch seconds."""

    def count(
        self, pair: str, before: PairAttempts, after: PairAttempts, *, until: int
    ) -> PairAttempts:
        """Store `after`, except its trust, if `before` is stored; it may be deleted after `until`.

        Returns:
            What is stored now.

        Raises:
            ConcurrentChange: another attempt was stored first; it carries what is stored now.
        """

    def withdraw(self, pair: str) -> None:
        """Count one attempt less."""

    def trust(self, pair: str, *, until: int) -> None:
        """Forget the attempts of a pair, and trust its network with the account until then."""

    def count_network(
        self, network: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        """Add to the attempts of a network in an hour, unless they are `below` no more.

        Returns:
            Whether it was added.
        """

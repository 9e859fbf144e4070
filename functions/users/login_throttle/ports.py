"""What the log-in throttle needs: storage of attempts."""

from typing import Protocol

from users.login_throttle.models import Attempts


class AttemptLog(Protocol):
    """Attempts at passwords, and which sources are trusted. All times in epoch seconds."""

    def count(
        self, pair: str, before: Attempts, after: Attempts, *, until: int
    ) -> tuple[bool, Attempts]:
        """Keep `after` (but not its trust) if what is there is still `before`; it may be forgotten after `until`.

        Returns:
            Whether it was kept, and what is there now.
        """

    def give_back(self, pair: str) -> None:
        """One attempt less."""

    def trust(self, pair: str, *, until: int) -> None:
        """Forget the pair's attempts, and trust its source for some time."""

    def count_source(
        self, source: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        """Add to what a source has tried in an hour, if that is `below` or no limit is given; say whether it was so."""

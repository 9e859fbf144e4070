"""Attempts at passwords, and how long the next has to wait."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Attempts:
    """Passwords that were tried at one account from one source and are not known to be right, and until when the source
    is trusted. Times are epoch seconds, 0 for never."""

    count: int = 0
    last_at: int = 0
    trusted_until: int = 0

    def backoff(self, *, at: int, tolerated: int, longest: int) -> int:
        """Seconds still to wait: none below `tolerated` attempts, then 2 since the last one, doubling with each
        further one up to `longest`."""
        if self.count < tolerated:
            return 0
        delay = min(longest, 2 << min(self.count - tolerated, 30))
        return max(0, self.last_at + delay - at)

    def with_another(self, *, at: int, forgotten_after: int) -> "Attempts":
        """One more; those before it don't count once the last of them is so many seconds ago."""
        is_first = at - self.last_at >= forgotten_after
        return replace(self, count=1 if is_first else self.count + 1, last_at=at)

"""Attempts at passwords, and how long the next one has to wait."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class PairAttempts:
    """The attempts from one network or device at one account that are not known to be right.

    Attributes:
        last_at: epoch seconds, 0 for never.
        trusted_until: epoch seconds until which the network or the device is trusted with the
            account, or 0.
    """

    count: int = 0
    last_at: int = 0
    trusted_until: int = 0

    def backoff(self, *, at: int, tolerated: int, longest: int) -> int:
        """The seconds still to wait: 0 below `tolerated` attempts, then 2 from the last one on,
        doubling with each further one up to `longest`."""
        if self.count < tolerated:
            return 0
        delay = min(longest, 2 << min(self.count - tolerated, 30))
        return max(0, self.last_at + delay - at)

    def with_another(self, *, at: int, forgotten_after: int) -> "PairAttempts":
        """One more attempt. Earlier ones are forgotten so many seconds after the last of them."""
        is_first = at - self.last_at >= forgotten_after
        return replace(self, count=1 if is_first else self.count + 1, last_at=at)


@dataclass(frozen=True)
class Attempt:
    """An admitted attempt, and under which keys it is counted until it is known to be right.

    Attributes:
        device: the token of the trusted device that it is counted for, empty if it is counted for
            its network.
    """

    pair: str
    network: str
    hour: int
    is_trusted: bool
    device: str = field(default="", repr=False)

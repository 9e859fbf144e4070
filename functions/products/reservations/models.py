"""Reservations of stock. Values are frozen; a transition returns the next value or raises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Self

from shared.contracts.inventory import PricedLine, ReservationEnded
from shared.runtime.clock import rfc3339

State = Literal["held", "confirmed", "released"]
Pool = Literal["available", "taken"]

HELD_FOR: Final = timedelta(minutes=15)

# Where a reservation's units are, by its state.
_POOLS: Final[Mapping[State, Pool]] = {
    "held": "taken",
    "confirmed": "taken",
    "released": "available",
}


@dataclass(frozen=True)
class Reservation:
    """What is held for an order until it is sold or given back.

    `expires_at` (RFC 3339) is when a held one may be given back without being asked. A released one without
    lines is a tombstone: it was released before it was held, and never will be.
    """

    order_id: str
    state: State
    lines: tuple[PricedLine, ...]
    expires_at: str

    @classmethod
    def held(cls, order_id: str, lines: tuple[PricedLine, ...], *, at: datetime) -> Self:
        """A new one."""
        return cls(order_id, "held", lines, rfc3339(at + HELD_FOR))

    @classmethod
    def tombstone(cls, order_id: str, *, at: datetime) -> Self:
        """One that was released before it was held."""
        return cls(order_id, "released", (), rfc3339(at))

    @property
    def pool(self) -> Pool:
        """Where its units are now."""
        return _POOLS[self.state]

    def seconds_held(self, at: datetime) -> int:
        """How long ago it was held for the first time."""
        held_at = datetime.fromisoformat(self.expires_at) - HELD_FOR
        return max(0, int((at - held_at).total_seconds()))

    def confirmed(self) -> Self:
        """Sold; the very same reservation if it was so before.

        Raises:
            ReservationEnded: it was released.
        """
        if self.state == "released":
            raise ReservationEnded("The reservation was released.")
        return self if self.state == "confirmed" else replace(self, state="confirmed")

    def released(self) -> Self:
        """Given back, whether it was held or sold; the very same reservation if it was so before."""
        return self if self.state == "released" else replace(self, state="released")

    def has_expired(self, at: datetime) -> bool:
        """Whether it is held and past its time. It can still be confirmed, as long as nobody gave it back."""
        return self.state == "held" and self.expires_at < rfc3339(at)


@dataclass(frozen=True)
class Hold:
    """The answer to a command to hold: the order's reservation; and how many seconds ago an earlier command made it, None
    where this one did."""

    reservation: Reservation
    seconds_ago: int | None

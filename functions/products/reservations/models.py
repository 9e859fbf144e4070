"""Reservations of stock. Values are frozen; a transition returns the next value or raises."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Self

from shared.contracts.inventory import Line, PricedLine, ReservationEnded
from shared.runtime.clock import rfc3339

State = Literal["held", "confirmed", "released"]
HELD_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Reservation:
    """Units that are held for an order until they are sold or released.

    A released reservation without lines is a tombstone: it was released before it was held, and
    nothing can be held for its order any more.

    Attributes:
        lines: without the units that were given back; a line may have none left.
        expires_at: when the sweeper may release it, if it is still held (RFC 3339).
        shares: for each line the share of the product's stock that it was taken from; empty if that
            was the product's own item. None if all were.
        given_back: the keys of the commands that gave units back.
    """

    order_id: str
    state: State
    lines: tuple[PricedLine, ...]
    expires_at: str
    shares: tuple[str, ...] | None = None
    given_back: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[tuple[PricedLine, str], ...]:
        """Each line, and its share."""
        return tuple(zip(self.lines, self.shares or ("",) * len(self.lines), strict=True))

    @classmethod
    def held(cls, order_id: str, lines: tuple[PricedLine, ...], *, at: datetime) -> Self:
        """A new reservation."""
        return cls(order_id, "held", lines, rfc3339(at + HELD_FOR))

    @classmethod
    def tombstone(cls, order_id: str, *, at: datetime) -> Self:
        """A reservation that was released before it was held."""
        return cls(order_id, "released", (), rfc3339(at))

    def seconds_held(self, at: datetime) -> int:
        """The seconds since it was held first."""
        held_at = datetime.fromisoformat(self.expires_at) - HELD_FOR
        return max(0, int((at - held_at).total_seconds()))

    def confirmed(self) -> Self:
        """The reservation as sold; itself if it is sold already.

        Raises:
            ReservationEnded: it was released.
        """
        if self.state == "released":
            raise ReservationEnded("The reservation was released.")
        return self if self.state == "confirmed" else replace(self, state="confirmed")

    def released(self) -> Self:
        """The reservation as released, held or sold before; itself if it is released already."""
        return self if self.state == "released" else replace(self, state="released")

    def without(self, lines: Iterable[Line], *, key: str) -> Self:
        """The reservation without these units, or without those of them that it has; itself if the
        key gave units back before, or it is released."""
        if self.state == "released" or key in self.given_back:
            return self
        less = {line.product_id: line.quantity for line in lines}
        left = (
            line.quantity - min(line.quantity, less.get(line.product_id, 0)) for line in self.lines
        )
        kept = tuple(
            line.model_copy(update={"quantity": quantity})
            for line, quantity in zip(self.lines, left, strict=True)
        )
        return replace(self, lines=kept, given_back=(*self.given_back, key))

    def has_expired(self, at: datetime) -> bool:
        """Whether it is held and past its time. Until it is released it can still be confirmed."""
        return self.state == "held" and self.expires_at < rfc3339(at)


@dataclass(frozen=True)
class Hold:
    """The answer to a reserve command.

    Attributes:
        seconds_ago: how long ago an earlier command made it; None if this command did.
    """

    reservation: Reservation
    seconds_ago: int | None

"""What becomes of orders, whatever happens to their events on the way.

People act when an order has come so far, so that each errand can end in one way only. One is
different: who calls an order off at any moment races with its saga, and then the end is the same
but not the way to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from tests.simulation.shop import SimulatedShop
from tests.support.books import Books

_AT_ONCE: Final = frozenset[str]()
_MUGS: Final = (2, 3, 1)  # of eight; after the second order they run low


@dataclass(frozen=True)
class Move:
    """A change of an order once it is in one of these statuses; directly after placing it if there
    is none."""

    verb: str
    to: str
    once: frozenset[str]


@dataclass(frozen=True)
class Fate:
    """How an order ends: its statuses, why it was cancelled, what was done with the money. None:
    that is a race."""

    statuses: tuple[str, ...]
    reason: str | None = None
    money: tuple[str, ...] | None = ("authorized", "captured")


_CANCEL_AT_ONCE: Final = Move("cancel", "cancelled", _AT_ONCE)
_CANCEL_LATER: Final = Move("cancel", "cancelled", frozenset({"confirmed"}))
_CANCEL_ANY_TIME: Final = Move("cancel", "cancelled", frozenset({"pending", "confirmed"}))
_SHIP: Final = Move("ship", "shipped", frozenset({"confirmed"}))
_DELIVER: Final = Move("deliver", "delivered", frozenset({"shipped"}))

_CONFIRMED: Final = ("pending", "confirmed")
_CANCELLED: Final = ("pending", "cancelled")
_REFUNDED: Final = ("authorized", "captured", "refunded")
_THEN_CANCELLED: Final = (*_CONFIRMED, "cancelled")
_BY_CUSTOMER: Final = "customer_request"
_RACED: Final = Fate(("cancelled",), _BY_CUSTOMER, None)


class Errand(Enum):
    """The card that an order is paid with, what is done with the order afterwards, and how it
    ends."""

    KEPT = "tok_ok", Fate(_CONFIRMED)
    DECLINED = "tok_declined", Fate(_CANCELLED, "payment_declined", ("declined",))
    # This bank charges, and never answers.
    BANK_IS_SLOW = "tok_timeout", Fate(_CONFIRMED)
    BANK_IS_DOWN = "tok_unavailable", Fate(_CANCELLED, "payment_unavailable", ("voided",))
    CALLED_OFF_AT_ONCE = "tok_ok", Fate(_CANCELLED, _BY_CUSTOMER, ("voided",)), _CANCEL_AT_ONCE
    CALLED_OFF_LATER = "tok_ok", Fate(_THEN_CANCELLED, _BY_CUSTOMER, _REFUNDED), _CANCEL_LATER
    CALLED_OFF_ANY_TIME = "tok_ok", _RACED, _CANCEL_ANY_TIME
    SLOW_AND_CALLED_OFF_ANY_TIME = "tok_timeout", _RACED, _CANCEL_ANY_TIME
    SHIPPED = "tok_ok", Fate((*_CONFIRMED, "shipped")), _SHIP
    ACTS = "tok_action", Fate(_CONFIRMED, money=("action_required", "authorized", "captured"))
    FAILS_TO_ACT = (
        "tok_action_failed",
        Fate(_CANCELLED, "payment_declined", ("action_required", "declined")),
    )
    NEVER_ACTS = (
        "tok_action_abandoned",
        Fate(_CANCELLED, "payment_abandoned", ("action_required", "voided")),
    )
    ARRIVED = "tok_timeout", Fate((*_CONFIRMED, "shipped", "delivered")), _SHIP, _DELIVER

    def __init__(self, token: str, fate: Fate, *moves: Move) -> None:
        self.token = token
        self.fate = fate
        self.moves = moves


@dataclass
class _Order:
    errand: Errand
    placed: dict[str, Any]
    moves: list[Move]


class Orders:
    """Some orders on a shop, from their placing to the end.

    All are placed before anything is delivered. Else units that one gives back would be there for
    another or not, as the deliveries fall, and a product would run low once or twice.
    """

    def __init__(self, shop: SimulatedShop, errands: Sequence[Errand]) -> None:
        self._shop = shop
        self._orders: list[_Order] = []
        for number, errand in enumerate(errands):
            lines = (shop.mug, _MUGS[number]), (shop.tray, 1)
            placed = shop.order(*lines, key=f"order {number}", payment_token=errand.token)
            order = _Order(errand, placed, list(errand.moves))
            self._orders.append(order)
            if order.moves and order.moves[0].once is _AT_ONCE:
                self._move(order)

    def act(self, number: int) -> bool:
        """Do with an order what its errand says next, if it has come so far."""
        order = self._orders[number % len(self._orders)]
        if not order.moves or self._status(order) not in order.moves[0].once:
            return False
        self._move(order)
        return True

    def finish(self, settle: Callable[[], None]) -> None:
        """Whatever is still to be done, as soon as it can be."""
        settle()
        while sum(self.act(number) for number in range(len(self._orders))):
            settle()

    def is_any_pending(self) -> bool:
        return any(self._status(order) == "pending" for order in self._orders)

    def fates(self, books: Books) -> list[Fate]:
        return [_fate(books, order) for order in self._orders]

    def _status(self, order: _Order) -> str:
        items = self._shop.cloud.dynamodb.tables["OrdersTable"].items
        return str(items[f"ORDER#{order.placed['id']}", "ORDER"]["status"]["S"])

    def _move(self, order: _Order) -> None:
        move = order.moves.pop(0)
        who = self._shop.customer if move.verb == "cancel" else self._shop.admin
        self._shop.move(who, order.placed, move.verb, move.to)


def _fate(books: Books, order: _Order) -> Fate:
    id_ = order.placed["id"]
    reason = books.orders[id_]["cancel_reason"]
    statuses = tuple(fact.data["status"] for fact in books.events[id_])
    if order.errand.fate is _RACED:
        return Fate(statuses[-1:], reason, None)
    return Fate(statuses, reason, tuple(books.payments[id_]["entries"]))

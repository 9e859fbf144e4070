"""What the service and the saga need of the world, in their own words; payments have a module of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orders.models import Order, Status
from shared.contracts.directory import Customer
from shared.contracts.events import Event
from shared.contracts.inventory import Line, Reservation
from shared.errors import OwnError


@dataclass(frozen=True)
class OrderPage:
    """Orders, newest first; `last` is where the next page goes on, None at the end."""

    orders: list[Order]
    last: str | None


@dataclass(frozen=True)
class HistoryPage:
    """Events of an order, oldest first; `last` is the version after which the next page goes on, None at the end."""

    events: list[Event]
    last: int | None


@dataclass(frozen=True)
class DueOrder:
    """An order that the sweeper should look at, since `due_at`."""

    id: str
    due_at: str


@dataclass(frozen=True)
class ClaimedOrder:
    """What the sweeper sees of an order that it claimed; `updated_at` is since when it has its status."""

    id: str
    status: Status
    version: int
    updated_at: str


class Orders(Protocol):
    """Where orders are kept."""

    def find(self, order_id: str) -> Order | None:
        """The order as it is now."""

    def add(self, order: Order) -> None:
        """Write a new order and its event, both or none.

        Raises:
            OrderExists: there is one of this id.
        """

    def change(self, before: Order, after: Order) -> None:
        """Write a transition, its event and the counts, all or nothing.

        Raises:
            OrderChanged: the order is not at the version of `before` any more.
        """

    def erase(self, before: Order, after: Order) -> None:
        """Write an order without its customer's data, a `user.erased` in its history, and the same over the data in all
        events before, all or nothing. Its due time stays whatever it is.

        Raises:
            OrderChanged: the order is not at the version of `before` any more.
        """

    def settle(self, order: Order) -> None:
        """Write that nothing is left to do for this order.

        Raises:
            OrderChanged: the order is not at this version any more.
        """

    def due(self, before: str) -> Iterator[DueOrder]:
        """Orders whose `due_at` has come, the longest due ones first; read page by page as they are consumed."""

    def claim(self, order: DueOrder, *, until: str) -> ClaimedOrder | None:
        """Move `due_at`, so that no other sweeper takes the order as well; None if it has been moved already."""

    def defer(self, order: Order, *, until: str) -> bool:
        """Move `due_at`, and write the order's `payment_id`; False if `due_at` has been moved already."""

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> OrderPage:
        """Orders of a user or of everybody, in one status or in any, after a place in the list."""

    def of_user(self, user_id: str) -> Iterator[Order]:
        """All orders of a user that the index knows, each as it is now."""

    def history(self, order_id: str, *, after: int | None, limit: int) -> HistoryPage:
        """The events of an order, after a version."""

    def totals(self) -> dict[Status, int]:
        """How many orders are in each status."""


class Customers(Protocol):
    """The users service's directory."""

    def find_customer(self, user_id: str) -> Customer:
        """Who this is.

        Raises:
            UserNotFound: nobody.
            ServiceUnavailable: the directory does not answer.
        """


class Reservations(Protocol):
    """The products service's inventory, as the API needs it."""

    def reserve(self, order_id: str, lines: Sequence[Line]) -> Reservation:
        """Price the lines and hold the stock for a while, all or nothing; done again, the first one's prices.

        Raises:
            OutOfStock, UnknownProduct, ReservationEnded: see there; nothing is held.
            ServiceUnavailable: the inventory does not answer; the stock may be held.
        """


class StockUnavailable(OwnError):
    """The inventory was not reached, did not answer or broke.

    Attributes:
        asked_at: when the call that failed was made, if that was not now.
    """

    def __init__(self, asked_at: datetime | None = None) -> None:
        super().__init__("the inventory is not available")
        self.asked_at = asked_at


class Stock(Protocol):
    """The products service's inventory, as the saga needs it."""

    def confirm(self, order_id: str) -> None:
        """What was held is sold.

        Raises:
            ReservationEnded: it has been released, or was held for too long.
            StockUnavailable: the inventory does not answer; it may be sold.
        """

    def release(self, order_id: str) -> None:
        """What was held or sold is available again, and cannot be held for this order any more.

        Raises:
            StockUnavailable: the inventory does not answer; it may be released.
        """

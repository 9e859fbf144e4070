"""What the service and the saga need from outside: storage and other services."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orders.models import Order, Status
from shared.contracts.directory import Customer
from shared.contracts.events import Event
from shared.contracts.inventory import Line, Reservation
from shared.errors import OwnError
from shared.pages import Page

# ── Storage ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class DueOrder:
    """An order for which the sweeper should send a message, since `due_at`."""

    id: str
    due_at: str


@dataclass(frozen=True)
class ClaimedOrder:
    """What the sweeper reads of an order that it claimed; it has its status since `updated_at`, and
    its customer may act until `action_until`. The provider processes its refund until `asks_at`.
    """

    id: str
    status: Status
    version: int
    updated_at: str
    action_until: str | None = None
    asks_at: str | None = None


class OrderExists(OwnError):
    """An order with this id was written before."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.id} exists")
        self.order = order


class Orders(Protocol):
    """Stores orders and their events.

    A method with `before` or `order` raises `ConcurrentChange` with the current order if the stored
    order has another version.
    """

    def find(self, order_id: str) -> Order | None:
        """The order as it is now."""

    def add(self, order: Order) -> None:
        """Write a new order and its event, both or none.

        Raises:
            OrderExists: an order has this id.
        """

    def change(self, before: Order, after: Order) -> None:
        """Write a transition, its event and the counts, all or nothing."""

    def erase(self, before: Order, after: Order, *, texts: Mapping[str, str] | None = None) -> None:
        """Write an order without personal data, a `user.erased` in its history, and overwrite
        personal data in all earlier events and in the order's refunds; the order is written last.
        The stored `due_at` stays.

        Args:
            texts: what to write over texts about the customer, by the names of their members.
        """

    def settle(self, order: Order) -> None:
        """Write that nothing is left to do for this order."""

    def due(self, before: str) -> Iterator[DueOrder]:
        """Orders whose `due_at` has passed, the oldest first; read page by page as they are
        consumed.
        """

    def claim(self, order: DueOrder, *, until: str) -> ClaimedOrder | None:
        """Move `due_at`, so that no other sweeper takes the order; None if it was moved before."""

    def defer(self, order: Order, *, until: str) -> bool:
        """Move `due_at`, and write the order's `payment_id`, `asks_at` and what its customer has to
        do; False if `due_at` was moved before, or what the customer has to do meets another
        version."""

    def report_slow(self, order_id: str) -> None:
        """Have the event `order.placed` published again, once: the customer gets an e-mail."""

    def page(
        self, *, user_id: str | None, status: Status | None, after: str | None, limit: int
    ) -> Page[Order, str]:
        """Orders of one user or of all, in one status or in any, after a place in the list.

        The cost has a bound, however many orders are in the list: a page may be short.
        """

    def of_user(self, user_id: str) -> Iterator[Order]:
        """All orders of a user that the index has, each as it is now."""

    def count_unpaid(self, order: Order, *, since: str, most: int) -> int:
        """How many other orders of this order's user, placed since then, wait for their customer to
        act; no more than `most` are counted."""

    def history(self, order_id: str, *, after: int | None, limit: int) -> Page[Event, int]:
        """The events of an order after a version."""

    def totals(self) -> dict[Status, int]:
        """How many orders are in each status; of more than 1,000 pending orders 1,000 count."""


# ── Other services ────────────────────────────────────────────────────────────────────────────────


class Customers(Protocol):
    """The users service's directory."""

    def find_customer(self, user_id: str) -> Customer:
        """The customer with this id.

        Raises:
            UserNotFound: no user has this id.
            ServiceUnavailable: the directory does not answer.
        """


class Reservations(Protocol):
    """The inventory of the products service, for the API."""

    def reserve(
        self, order_id: str, lines: Sequence[Line], *, expected_total_minor: int | None = None
    ) -> Reservation:
        """Price the lines and reserve the stock, all or nothing; idempotent: repeated, it returns
        the first prices.

        Raises:
            OutOfStock, UnknownProduct, PriceChanged, ReservationEnded, Contended: see there;
                nothing is reserved.
            ServiceUnavailable: the inventory does not answer; the stock may be reserved.
        """


class StockUnavailable(OwnError):
    """The inventory was not reached, did not answer or failed."""


class Stock(Protocol):
    """The inventory of the products service, for the saga."""

    def confirm(self, order_id: str) -> None:
        """Sell what is reserved.

        Raises:
            ReservationEnded: it was released, or has expired.
            Contended: concurrent requests change the same products; nothing is sold.
            StockUnavailable: the inventory does not answer; it may be sold.
        """

    def give_back(self, order_id: str, lines: Sequence[Line], *, key: str) -> None:
        """Make some of the units that were sold available again, once for each key; `release` makes
        only the others available.

        Raises:
            Contended, StockUnavailable: as `release`.
        """

    def release(self, order_id: str) -> None:
        """Make what was reserved or sold available again; nothing can be reserved for this order
        after it.

        Raises:
            Contended: concurrent requests change the same products; nothing is released.
            StockUnavailable: the inventory does not answer; it may be released.
        """

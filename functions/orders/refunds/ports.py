"""What refunds need from outside: their storage."""

from typing import Protocol

from orders.models import Order
from orders.refunds.models import Refund
from shared.pages import Page


class Refunds(Protocol):
    """Stores refunds, each change together with the order and its event, all or nothing.

    A method with `before` raises `ConcurrentChange` with the current order if the stored order has
    another version.
    """

    def find(self, order_id: str, refund_id: str) -> Refund | None:
        """The refund as it is now."""

    def page(self, order_id: str, *, after: str | None, limit: int) -> Page[Refund, str]:
        """The order's refunds after a place in the list, newest first."""

    def add(self, before: Order, after: Order, refund: Refund) -> None:
        """Write a new refund."""

    def add_failed(self, before: Order, after: Order, refund: Refund) -> None:
        """Write a new refund that has failed."""

    def finish(self, before: Order, after: Order, refund: Refund) -> None:
        """Write a refund's last status."""

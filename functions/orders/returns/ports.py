"""What returns need from outside: their storage."""

from typing import Protocol

from orders.models import Order
from orders.refunds.models import Refund
from orders.returns.models import Return


class Returns(Protocol):
    """Stores returns, each change together with the order and its event, all or nothing.

    A method with `before` raises `ConcurrentChange` with the current order if the stored order has
    another version. So no return changes between two reads of its order at the same version.
    """

    def find(self, order_id: str, return_id: str) -> Return | None:
        """The return as it is now."""

    def of_order(self, order_id: str) -> list[Return]:
        """The order's returns, newest first."""

    def add(self, before: Order, after: Order, new: Return) -> None:
        """Write a new return."""

    def change(
        self,
        before: Order,
        after: Order,
        seen: Return,
        changed: Return,
        *,
        refund: Refund | None = None,
    ) -> None:
        """Write a transition of a return, and the refund that it causes."""

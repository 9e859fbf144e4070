"""Erasure: takes the name and the address of an erased customer out of all of their orders and the orders' histories.

It goes on beside sagas and people who change the orders. Each order is erased under a version of its own, so whoever
read it before meets that version when writing, and goes on from the order as it is now: no name is written back.
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from orders.errors import OrderChanged
from orders.models import Order
from orders.ports import Orders
from shared import clock, logging, metrics
from shared.clock import Clock
from shared.contracts.events import Event, UserErasedData
from shared.redelivery import ComeAgain

# An order may still be on its way when its customer is erased: OrdersApi (28 s) was told that the account is active and
# has not written the order yet, or has, and the index that we look into is behind. So we look once more, when both
# must be over.
_SETTLED: Final = timedelta(seconds=60)
_PAGE: Final = 100
_RACES: Final = 5


class Erasure:
    """Erases customers from the orders."""

    def __init__(self, orders: Orders, now: Clock = clock.now) -> None:
        self._orders = orders
        self._now = now

    def erase(self, fact: Event) -> None:
        """Erase the customer of a `user.erased` from all orders that are there. Those that were erased before stay as
        they are, so whoever has thousands of orders may take more than one delivery.

        Raises:
            ComeAgain: there may be more when some time has passed.
            OrderChanged: others kept changing an order.
        """
        user_id = UserErasedData.model_validate(fact.data).user_id
        erased = sum(self._is_erased_now(order) for order in self._orders_of(user_id))
        if erased:
            logging.logger().info("erased orders: %s", erased, extra={"user_id": user_id})
            metrics.count("OrdersErased", erased)
        left = datetime.fromisoformat(fact.at) + _SETTLED - self._now()
        if left > timedelta():
            # No longer than that, should the clocks of the two services differ.
            raise ComeAgain(math.ceil(min(left, _SETTLED).total_seconds()))

    def _orders_of(self, user_id: str) -> Iterator[Order]:
        after: str | None = None
        while True:
            page = self._orders.page(user_id=user_id, status=None, after=after, limit=_PAGE)
            yield from page.orders
            after = page.last
            if after is None:
                return

    def _is_erased_now(self, order: Order) -> bool:
        """Erase the order; whether that was still to be done."""
        for _ in range(_RACES):
            if order.is_erased:
                return False
            try:
                self._orders.erase(order, order.erased(at=self._now()))
            except OrderChanged as race:
                order = race.current
            else:
                return True
        raise OrderChanged(order)

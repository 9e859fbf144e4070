"""Erasure: takes the name and the address of an erased customer out of all of their orders and the orders' histories.

It goes on beside sagas and people who change the orders. Each order is erased under a version of its own, so whoever
read it before meets that version when writing, and goes on from the order as it is now: no name is written back.
"""

import math
from datetime import datetime, timedelta
from itertools import islice
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
# In one delivery: at a tenth of a second each, half of the function's time.
_AT_ONCE: Final = 300
_RACES: Final = 5


class Erasure:
    """Erases customers from the orders."""

    def __init__(self, orders: Orders, now: Clock = clock.now) -> None:
        self._orders = orders
        self._now = now

    def erase(self, fact: Event) -> None:
        """Erase the customer of a `user.erased` from all orders that are there, so many in one delivery.

        Raises:
            ComeAgain: there are more, or there may be when some time has passed.
            OrderChanged: others kept changing an order.
        """
        user_id = UserErasedData.model_validate(fact.data).user_id
        left_to_do = (order for order in self._orders.of_user(user_id) if not order.is_erased)
        erased = sum(self._is_erased_now(order) for order in islice(left_to_do, _AT_ONCE))
        if erased:
            logging.logger().info("erased orders: %s", erased, extra={"user_id": user_id})
            metrics.count("OrdersErased", erased)
        if erased == _AT_ONCE:
            raise ComeAgain(0)
        left = datetime.fromisoformat(fact.at) + _SETTLED - self._now()
        if left > timedelta():
            # No longer than that, should the clocks of the two services differ.
            raise ComeAgain(math.ceil(min(left, _SETTLED).total_seconds()))

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

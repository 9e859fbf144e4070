"""Erasure: takes the name and the address of an erased customer out of all of their orders and the orders' histories.

It runs beside sagas and requests that change the orders. Each order is erased under a version of its own, so a writer that
read it before fails on that version, and continues from the order as it is now: no name is written back.
"""

import math
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from orders.errors import OrderChanged
from orders.models import Order
from orders.ports import Orders
from shared.contracts.events import Event, UserErasedData
from shared.messaging.redelivery import ComeAgain
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock

# A request may still place an order when its customer is erased: OrdersApi (28 s) has read that the account is active and
# has not written the order yet, or the index does not show it yet. So the erasure looks once more when both must be over.
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
        """Erase the customer of a `user.erased` from all of their orders, at most `_AT_ONCE` in one delivery.

        Raises:
            ComeAgain: more orders are left, or may appear within `_SETTLED`.
            OrderChanged: concurrent writers kept changing an order.
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
            # At most `_SETTLED`, also if the clocks of the two services differ.
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

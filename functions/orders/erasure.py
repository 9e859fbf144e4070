"""Erasure: removes a customer's personal data from all of their orders and the orders' histories.

It runs concurrently with sagas and requests that change the orders. Erasing an order increases its
version: a writer that read the order before fails on the version and continues from the erased
order, so it writes no personal data back.
"""

import math
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from orders.models import Order
from orders.ports import Orders
from orders.refunds.models import Refund
from orders.returns.models import Return
from shared.contracts.events import Event, UserErasedData
from shared.messaging.redelivery import RetryLater
from shared.personal import personal_fields
from shared.runtime import clock, logging
from shared.runtime.clock import Clock
from shared.storage.conflicts import retry_on_conflict

# A request may still place an order when its customer is erased: OrdersApi (28 s) has read that the
# account is active and has not written the order yet, or the index does not have it yet. So the
# erasure runs again when both must be over.
_SETTLED: Final = timedelta(seconds=60)
# In one delivery: at a tenth of a second each, half of the function's time.
_AT_ONCE: Final = 300
# Texts about the customer in what belongs to an order.
_TEXTS: Final = {
    name: mark.erased("")
    for model in (Refund, Return)
    for name, mark in personal_fields(model).items()
}


class Erasure:
    """Erases customers from the orders."""

    def __init__(self, orders: Orders, now: Clock = clock.now) -> None:
        self._orders = orders
        self._now = now

    def erase(self, event: Event) -> None:
        """Erase the customer of a `user.erased` from all of their orders, at most `_AT_ONCE` in one
        delivery.

        Raises:
            RetryLater: more orders are left, or may appear within `_SETTLED`.
            ServiceUnavailable: concurrent writers kept changing an order.
        """
        user_id = UserErasedData.model_validate(event.data).user_id
        remaining = (order for order in self._orders.of_user(user_id) if not order.is_erased)
        erased = sum(self._erase(order) for order in islice(remaining, _AT_ONCE))
        if erased:
            logging.logger().info("erased orders: %s", erased, extra={"user_id": user_id})
        if erased == _AT_ONCE:
            raise RetryLater(0)
        left = datetime.fromisoformat(event.at) + _SETTLED - self._now()
        if left > timedelta():
            # At most `_SETTLED`, also if the clocks of the two services differ.
            raise RetryLater(math.ceil(min(left, _SETTLED).total_seconds()))

    def _erase(self, order: Order) -> bool:
        """Erase the order; False if another delivery did."""

        def erase(current: Order) -> bool:
            if current.is_erased:
                return False
            self._orders.erase(current, current.erased(at=self._now()), texts=_TEXTS)
            return True

        return retry_on_conflict(lambda: order, erase)

"""The decisions about refunds: who may ask for one, and what a repeated request gets."""

from dataclasses import replace

from orders.idempotency import Requested, replay
from orders.models import Order
from orders.refunds.models import Refund, RefundRequest, refund_id
from orders.refunds.ports import Refunds
from orders.service import OrderService
from shared.auth.access import may_change_all, may_see_all
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from shared.pages import Page
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock
from shared.storage.conflicts import retry_on_conflict


class RefundService:
    """The use cases of refunds. All raise OrderNotFound as those of `OrderService`."""

    def __init__(self, orders: OrderService, refunds: Refunds, now: Clock = clock.now) -> None:
        self._orders = orders
        self._refunds = refunds
        self._now = now

    def request(
        self, id_: str, caller: Caller, key: str, wanted: RefundRequest
    ) -> Requested[Refund]:
        """Accept a refund of the order, which the checkout makes; return the first one for a
        repeated key.

        Raises:
            Forbidden: the caller is no admin.
            IdempotencyKeyReused: the key was used with another request.
            IllegalTransition, RefundExceedsPayment: see `Refund.requested`.
        """
        if not may_change_all(caller):
            raise Forbidden
        order = self._orders.get(id_, caller)
        refund_id_ = refund_id(order.id, key)

        def request(before: Order) -> Requested[Refund]:
            if earlier := self._refunds.find(before.id, refund_id_):
                return replay(earlier, wanted.digest)
            at = self._now()
            refund = Refund.requested(refund_id_, before, wanted, at=at)
            after = before.refund_requested(refund.id, refund.amount_minor, refund.lines, at=at)
            self._refunds.add(before, after, refund)
            return Requested(refund, replayed=False)

        requested = retry_on_conflict(lambda: order, request)
        if not requested.replayed:
            logging.logger().info("refund is pending", extra={"order_id": order.id})
            metrics.count("RefundsRequested")
        return requested

    def page(self, id_: str, caller: Caller, *, after: str | None, limit: int) -> Page[Refund, str]:
        """The order's refunds, newest first, with their reasons for admins only."""
        page = self._refunds.page(self._orders.get(id_, caller).id, after=after, limit=limit)
        if may_see_all(caller):
            return page
        return replace(page, items=[refund.without_reason() for refund in page.items])

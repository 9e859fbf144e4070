"""The decisions about returns: who may ask for one and decide it, and until when."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from orders.errors import IllegalTransition, OrderNotFound
from orders.idempotency import Requested, replay
from orders.models import Order, is_order_id
from orders.refunds.models import Refund
from orders.returns.errors import ReturnNotFound, TooManyReturns
from orders.returns.models import MAX_OPEN, Return, ReturnRequest, open_returns, return_id_for
from orders.returns.ports import Returns
from orders.service import OrderService
from shared.auth.access import may_change_all
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from shared.pages import Page
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock
from shared.storage.conflicts import retry_on_conflict

type _Step = Callable[[Order, Return], Return]


class ReturnService:
    """The use cases of returns. All raise OrderNotFound as those of `OrderService`.

    Args:
        period: the time after its delivery in which units of an order may be returned.
    """

    def __init__(
        self,
        orders: OrderService,
        returns: Returns,
        now: Clock = clock.now,
        *,
        period: timedelta,
    ) -> None:
        self._orders = orders
        self._returns = returns
        self._now = now
        self._period = period

    def request(
        self, id_: str, caller: Caller, key: str | None, wanted: ReturnRequest
    ) -> Requested[Return]:
        """Ask to return units of the caller's own order; return the first return for a repeated
        key.

        Raises:
            IdempotencyKeyReused: the key was used with another request.
            IllegalTransition: the order is not delivered.
            ReturnPeriodOver, ReturnExceedsOrder, TooManyReturns: see there.
        """
        order = self._orders.get(id_, caller)
        if order.user_id != caller.id:
            raise OrderNotFound
        new_id = return_id_for(order.id, key) if key else uuid.uuid4().hex

        def request(before: Order) -> Requested[Return]:
            if key and (earlier := self._returns.find(before.id, new_id)):
                return replay(earlier, wanted.digest)
            at = self._now()
            if before.status != "delivered":
                raise IllegalTransition(current=before.status, wanted="returned")
            new = Return.requested(
                new_id,
                before,
                wanted,
                delivered_at=self._delivered_at(before, caller),
                period=self._period,
                at=at,
            )
            if open_returns(self._returns.of_order(before.id)) >= MAX_OPEN:
                raise TooManyReturns
            self._returns.add(before, before.return_requested(new.lines, at=at), new)
            return Requested(new, replayed=False)

        requested = retry_on_conflict(lambda: order, request)
        if not requested.replayed:
            self._logged(requested.made)
        return requested

    def page(self, id_: str, caller: Caller, *, after: str | None, limit: int) -> Page[Return, str]:
        """The order's returns, newest first."""
        returns = self._returns.of_order(self._orders.get(id_, caller).id)
        found = [one for one in returns if after is None or one.listed_at < after]
        return Page.cut(found, limit, lambda one: one.listed_at)

    def approve(self, id_: str, return_id: str, caller: Caller) -> Return:
        """Let the customer send the units back.

        Raises:
            Forbidden, ReturnNotFound, IllegalTransition: see there.
        """

        def approve(before: Order, seen: Return) -> Return:
            at = self._now()
            changed = seen.approved(at=at)
            self._returns.change(before, before.return_approved(at=at), seen, changed)
            return changed

        return self._change(id_, return_id, caller, approve)

    def refuse(self, id_: str, return_id: str, caller: Caller, text: str) -> Return:
        """Refuse it, with a text for the customer; the units may be returned again.

        Raises:
            Forbidden, ReturnNotFound, IllegalTransition: see there.
        """

        def refuse(before: Order, seen: Return) -> Return:
            at = self._now()
            changed = seen.refused(text, before, at=at)
            after = before.return_refused(seen.lines, at=at)
            self._returns.change(before, after, seen, changed)
            return changed

        return self._change(id_, return_id, caller, refuse)

    def receive(self, id_: str, return_id: str, caller: Caller) -> Return:
        """Record that the units are back; they are refunded and restocked.

        Raises:
            Forbidden, ReturnNotFound, IllegalTransition: see there.
        """

        def receive(before: Order, seen: Return) -> Return:
            at = self._now()
            refund = Refund.of_return(seen.id, before, seen.lines, at=at)
            changed = seen.received(refund, at=at)
            # The return has claimed the units: its refund claims none.
            after = before.refund_requested(refund.id, refund.amount_minor, (), at=at)
            self._returns.change(before, after, seen, changed, refund=refund)
            return changed

        return self._change(id_, return_id, caller, receive)

    def _change(self, id_: str, return_id: str, caller: Caller, step: _Step) -> Return:
        if not may_change_all(caller):
            raise Forbidden
        order = self._orders.get(id_, caller)

        def change(before: Order) -> Return:
            # Returns have ids of the form of orders' ids.
            found = self._returns.find(before.id, return_id) if is_order_id(return_id) else None
            if found is None:
                raise ReturnNotFound
            return step(before, found)

        return self._logged(retry_on_conflict(lambda: order, change))

    def _delivered_at(self, order: Order, caller: Caller) -> datetime:
        if order.delivered_at:
            return datetime.fromisoformat(order.delivered_at)
        # An order that an earlier release has delivered: few events precede the delivery.
        history = self._orders.history(order.id, caller, after=None, limit=100)
        found = (event.at for event in history.items if event.type == "order.delivered")
        return datetime.fromisoformat(next(found, order.updated_at))

    def _logged(self, changed: Return) -> Return:
        extra = {"order_id": changed.order_id}
        logging.logger().info("return is %s", changed.status, extra=extra)
        metrics.count(f"Returns{changed.status.title()}")
        return changed

"""The decisions of the orders service: who may place, see and cancel an order, and why a request is
refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from orders.errors import (
    AccountInactive,
    EmailNotConfirmed,
    IdempotencyKeyReused,
    OrderNotFound,
    RequestInProgress,
)
from orders.models import (
    Basket,
    CancelReason,
    Order,
    PaymentAction,
    Status,
    is_order_id,
    order_id,
)
from orders.ports import Customers, OrderExists, Orders, Reservations
from shared.auth.access import may_change, may_change_all, may_see, may_see_all
from shared.auth.tokens import Caller
from shared.contracts.directory import Customer, UserNotFound
from shared.contracts.events import Event
from shared.contracts.inventory import Reservation, ReservationEnded
from shared.errors import Forbidden, Unauthenticated
from shared.pages import Page
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock
from shared.storage.conflicts import retry_on_conflict

# A request that reserved the stock longer ago has probably failed, and its client retries. If it
# still runs, nothing is done twice: the condition on the order's write lets one of the two requests
# write, and the other returns that order.
_IN_PROGRESS_SECONDS: Final = 2


@dataclass(frozen=True)
class Placement:
    """An order as it was placed, and whether an earlier request had placed it."""

    order: Order
    replayed: bool


class OrderService:
    """The use cases of customers and admins.

    Those of one order raise OrderNotFound if it does not exist or the caller may not see it, and
    Forbidden if the caller may see it and not change it.

    Args:
        needs_confirmed_email: whether only customers with a confirmed address may order.
    """

    def __init__(
        self,
        orders: Orders,
        customers: Customers,
        reservations: Reservations,
        now: Clock = clock.now,
        *,
        needs_confirmed_email: bool = True,
    ) -> None:
        self._orders = orders
        self._customers = customers
        self._reservations = reservations
        self._now = now
        self._needs_confirmed_email = needs_confirmed_email

    def place(self, caller: Caller, key: str, basket: Basket) -> Placement:
        """Price the basket, reserve its stock and write the order; return the first order for a
        repeated key.

        Raises:
            AccountInactive, EmailNotConfirmed, OutOfStock, PriceChanged, UnknownProduct,
                ReservationEnded: refused; the key may be used again.
            Unauthenticated: the caller's sessions have ended since the access token was issued.
            IdempotencyKeyReused: the key was used with another basket.
            RequestInProgress: another request with this key runs, or failed a moment ago.
            ServiceUnavailable: another service does not answer, or the products are contended; a
                retry with the key is safe.
        """
        id_ = order_id(caller.id, key)
        # A placed order is returned whatever has become of its customer, its stock or the other
        # services. Its reservation may have been deleted by now, and must not be made again.
        placed = self._orders.find(id_)
        if placed:
            return _replay(placed, basket)
        customer = self._require_customer(caller)
        reservation = self._reserve_stock(id_, basket)
        order = Order.placed(id_, basket, customer, reservation, at=self._now())
        try:
            self._orders.add(order)
        except OrderExists as first:
            return _replay(first.order, basket)
        # After any other failure the order may have been written: even a refusal may belong to the
        # SDK's second attempt. So the stock is not released here: the order may need it, a retry
        # with the key finds it reserved, and otherwise the reservation expires.
        logging.add(order_id=id_)
        metrics.count("OrdersPlaced")
        return Placement(order, replayed=False)

    def get(self, id_: str, caller: Caller) -> Order:
        # No order has an id of another form, and DynamoDB limits the length of keys.
        order = self._orders.find(id_) if is_order_id(id_) else None
        if order is None or not may_see(caller, order.user_id):
            raise OrderNotFound
        return order

    def find_action(self, order: Order, caller: Caller) -> PaymentAction | None:
        """What the customer has to do for the order's payment; no admin may do it instead."""
        return order.action if caller.id == order.user_id else None

    def page(
        self,
        caller: Caller,
        *,
        user_id: str | None,
        status: Status | None,
        after: str | None,
        limit: int,
    ) -> Page[Order, str]:
        """The caller's own orders; those of one user or of all for a caller who may see them.

        Raises:
            Forbidden: a customer asked for another customer's orders.
        """
        if not may_see_all(caller):
            if user_id not in (None, caller.id):
                raise Forbidden("Only an admin may list the orders of others.")
            user_id = caller.id
        return self._orders.page(user_id=user_id, status=status, after=after, limit=limit)

    def history(
        self, id_: str, caller: Caller, *, after: int | None, limit: int
    ) -> Page[Event, int]:
        """The order's events, oldest first."""
        return self._orders.history(self.get(id_, caller).id, after=after, limit=limit)

    def cancel(self, id_: str, caller: Caller) -> Order:
        """Cancel the order; the saga's worker gives its stock and money back.

        Raises:
            IllegalTransition: it was shipped, delivered or cancelled.
        """
        order = self.get(id_, caller)
        if not may_change(caller, order.user_id):
            raise Forbidden
        reason: CancelReason = "customer_request" if caller.id == order.user_id else "admin_request"
        return self._change(order, lambda o: o.cancelled(at=self._now(), reason=reason))

    def ship(self, id_: str, caller: Caller) -> Order:
        """Record that the order was shipped.

        Raises:
            IllegalTransition: it is not confirmed.
        """
        return self._change_as_admin(id_, caller, lambda o: o.shipped(at=self._now()))

    def deliver(self, id_: str, caller: Caller) -> Order:
        """Record that the order was delivered.

        Raises:
            IllegalTransition: it is not shipped.
        """
        return self._change_as_admin(id_, caller, lambda o: o.delivered(at=self._now()))

    def totals(self) -> dict[Status, int]:
        return self._orders.totals()

    def _require_customer(self, caller: Caller) -> Customer:
        """The caller as a customer who may order."""
        try:
            customer = self._customers.find_customer(caller.id)
        except UserNotFound as cause:
            raise AccountInactive from cause
        if not customer.is_active:
            raise AccountInactive
        if customer.session_epoch != caller.session_epoch:
            raise Unauthenticated("The session has ended.", reason="ended")
        if self._needs_confirmed_email and not customer.email_confirmed:
            raise EmailNotConfirmed
        return customer

    def _reserve_stock(self, id_: str, basket: Basket) -> Reservation:
        try:
            reservation = self._reservations.reserve(
                id_, basket.lines, expected_total_minor=basket.expected_total_minor
            )
        except ReservationEnded as cause:
            raise ReservationEnded(
                "What this Idempotency-Key held was given back; order again with a new key."
            ) from cause
        # An earlier request with this key may have reserved another basket and failed before it
        # wrote its order.
        if not basket.matches(reservation.lines):
            raise IdempotencyKeyReused
        # Of two concurrent requests one reserves the stock; the other finds it reserved a moment
        # ago.
        held_ago = reservation.held_seconds_ago
        if held_ago is not None and held_ago <= _IN_PROGRESS_SECONDS:
            raise RequestInProgress
        return reservation

    def _change_as_admin(
        self, id_: str, caller: Caller, transition: Callable[[Order], Order]
    ) -> Order:
        if not may_change_all(caller):
            raise Forbidden
        return self._change(self.get(id_, caller), transition)

    def _change(self, order: Order, transition: Callable[[Order], Order]) -> Order:
        def change(before: Order) -> Order:
            after = transition(before)
            self._orders.change(before, after)
            return after

        changed = retry_on_conflict(lambda: order, change)
        logging.logger().info("order is %s", changed.status, extra={"order_id": order.id})
        metrics.count(f"Orders{changed.status.title()}")
        return changed


def _replay(order: Order, basket: Basket) -> Placement:
    if order.request_digest != basket.digest:
        raise IdempotencyKeyReused
    return Placement(order.as_placed(), replayed=True)

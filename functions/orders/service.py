"""What the orders service decides: who may place, see and change an order, and what each refusal is."""

from collections.abc import Callable
from dataclasses import dataclass

from orders.errors import (
    AccountInactive,
    IdempotencyKeyReused,
    OrderChanged,
    OrderExists,
    OrderNotFound,
    RequestInProgress,
)
from orders.models import Basket, CancelReason, Order, Status, is_order_id, order_id
from orders.ports import Customers, HistoryPage, OrderPage, Orders, Reservations
from shared.auth.tokens import Caller
from shared.contracts.directory import Customer, UserNotFound
from shared.contracts.inventory import ReservationEnded
from shared.errors import Forbidden, ServiceUnavailable
from shared.runtime import clock, logging, metrics
from shared.runtime.clock import Clock

# Who held an order's stock longer ago has most likely died, or was not answered in time, and its client tries again. Were it
# still at work, nothing would be done twice: the order's own condition lets one of the two write, and the other replays it.
_AT_WORK_SECONDS = 2
_RACES = 5  # how often a change is tried again because another one came first
_RETRY_SECONDS = 1


@dataclass(frozen=True)
class Placement:
    """An order as it was placed, and whether an earlier request had placed it."""

    order: Order
    replayed: bool


class OrderService:
    """Orders as their customers and the shop's admins use them.

    Args:
        orders: where orders are kept.
        customers: tells who a customer is.
        reservations: prices lines and holds stock.
        now: the clock.
    """

    def __init__(
        self,
        orders: Orders,
        customers: Customers,
        reservations: Reservations,
        now: Clock = clock.now,
    ) -> None:
        self._orders = orders
        self._customers = customers
        self._reservations = reservations
        self._now = now

    def place(self, caller: Caller, key: str, basket: Basket) -> Placement:
        """Price the basket, hold its stock and write the order; with a key that has placed one, that one.

        Raises:
            AccountInactive, OutOfStock, UnknownProduct, ReservationEnded: refused; the key may be tried again.
            IdempotencyKeyReused: the key came with another basket before.
            RequestInProgress: another request with this key is at work, or died at it a moment ago.
            ServiceUnavailable: a service behind does not answer; trying again with the key is safe.
        """
        id_ = order_id(caller.id, key)
        # An order that was placed answers for itself, whatever became of its customer, its stock or the services
        # behind. What was held for it may be forgotten by now, and must not be held again.
        placed = self._orders.find(id_)
        if placed:
            return _replay(placed, basket)
        order = self._held(id_, caller, basket)
        try:
            self._orders.add(order)
        except OrderExists as first:
            return _replay(first.order, basket)
        # Where the write fails in any other way, nobody knows whether the order is there: even a clean refusal may
        # be the SDK's second attempt after a first that went through. So the stock is not released here: the order
        # may need it, the same key finds it held, and without either it is free again when its time is up.
        logging.logger().info("placed an order", extra={"order_id": id_})
        metrics.count("OrdersPlaced")
        return Placement(order, replayed=False)

    def get(self, id_: str, caller: Caller) -> Order:
        """The order.

        Raises:
            OrderNotFound: there is none, or it is somebody else's.
        """
        order = self._found(id_)
        if not caller.may_act_for(order.user_id):
            raise OrderNotFound
        return order

    def page(
        self,
        caller: Caller,
        *,
        user_id: str | None,
        status: Status | None,
        after: str | None,
        limit: int,
    ) -> OrderPage:
        """A customer's own orders; for an admin those of anybody, or all.

        Raises:
            Forbidden: a customer asked for somebody else's.
        """
        if user_id is not None and not caller.may_act_for(user_id):
            raise Forbidden("Only an admin may list the orders of others.")
        owner = user_id if caller.is_admin else caller.id
        return self._orders.page(user_id=owner, status=status, after=after, limit=limit)

    def history(self, id_: str, caller: Caller, *, after: int | None, limit: int) -> HistoryPage:
        """What happened to the order, oldest first.

        Raises:
            OrderNotFound: there is none, or it is somebody else's.
        """
        return self._orders.history(self.get(id_, caller).id, after=after, limit=limit)

    def cancel(self, id_: str, caller: Caller) -> Order:
        """Cancel the order; the saga's worker gives its stock and money back.

        Raises:
            OrderNotFound: there is none, or it is somebody else's.
            IllegalTransition: it has been shipped, delivered or cancelled.
        """
        order = self.get(id_, caller)
        reason: CancelReason = "customer_request" if caller.id == order.user_id else "admin_request"
        return self._change(order, lambda o: o.cancelled(at=self._now(), reason=reason))

    def ship(self, id_: str) -> Order:
        """Raises OrderNotFound, or IllegalTransition where it is not confirmed."""
        return self._change(self._found(id_), lambda o: o.shipped(at=self._now()))

    def deliver(self, id_: str) -> Order:
        """Raises OrderNotFound, or IllegalTransition where it is not shipped."""
        return self._change(self._found(id_), lambda o: o.delivered(at=self._now()))

    def totals(self) -> dict[Status, int]:
        """How many orders are in each status."""
        return self._orders.totals()

    def _held(self, id_: str, caller: Caller, basket: Basket) -> Order:
        """The order, its stock held and itself not written yet."""
        customer = self._active(caller)
        try:
            reservation = self._reservations.reserve(id_, basket.lines)
        except ReservationEnded as cause:
            raise ReservationEnded(
                "What this Idempotency-Key held was given back; order again with a new key."
            ) from cause
        # A reservation outlives a request that dies before its order is written, and then it is what is held that
        # tells of another body.
        if not basket.is_held_by(reservation.lines):
            raise IdempotencyKeyReused
        # One transaction lets one of two requests hold: the other one knows by it that somebody is before it.
        held_ago = reservation.held_seconds_ago
        if held_ago is not None and held_ago <= _AT_WORK_SECONDS:
            raise RequestInProgress
        return Order.placed(
            id_,
            basket,
            at=self._now(),
            user_id=caller.id,
            user_name=customer.full_name,
            email=customer.email,
            lines=reservation.lines,
            currency=reservation.currency,
        )

    def _active(self, caller: Caller) -> Customer:
        try:
            customer = self._customers.find_customer(caller.id)
        except UserNotFound as cause:
            raise AccountInactive from cause
        if not customer.is_active:
            raise AccountInactive
        return customer

    def _found(self, id_: str) -> Order:
        # No order has an id of another form, and DynamoDB takes no key of any length.
        order = self._orders.find(id_) if is_order_id(id_) else None
        if order is None:
            raise OrderNotFound
        return order

    def _change(self, order: Order, transition: Callable[[Order], Order]) -> Order:
        for _ in range(_RACES):
            after = transition(order)
            try:
                self._orders.change(order, after)
            except OrderChanged as race:
                order = race.current
            else:
                logging.logger().info("order is %s", after.status, extra={"order_id": order.id})
                metrics.count(f"Orders{after.status.title()}")
                return after
        raise ServiceUnavailable("orders", retry_after=_RETRY_SECONDS)


def _replay(order: Order, basket: Basket) -> Placement:
    if order.request_digest != basket.digest:
        raise IdempotencyKeyReused
    return Placement(order.as_placed(), replayed=True)

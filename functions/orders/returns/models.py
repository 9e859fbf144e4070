"""A return and its rules. Values are frozen; a transition returns the next value or raises."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self, get_args

from orders.errors import IllegalTransition
from orders.idempotency import derived_id, digest_of
from orders.models import Order
from orders.refunds.models import Refund
from orders.returns.errors import ReturnExceedsOrder, ReturnPeriodOver
from shared.contracts.events import EventType, ReturnData
from shared.contracts.inventory import Line
from shared.personal import ERASED, Personal
from shared.runtime.clock import rfc3339

Status = Literal["requested", "approved", "refused", "received"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
# Each open return of an order is an e-mail to the admins that they have not answered.
MAX_OPEN: Final = 20

_EVENT_TYPES: Final[dict[Status, EventType]] = {
    "requested": "order.return_requested",
    "approved": "order.return_approved",
    "refused": "order.return_refused",
    "received": "order.return_received",
}
_TRANSITIONS: Final[dict[Status, tuple[Status, ...]]] = {
    "requested": ("approved", "refused"),
    "approved": ("received",),
    "refused": (),
    "received": (),
}


def return_id_for(order_id: str, idempotency_key: str) -> str:
    """The id of the return of this order with this key."""
    return derived_id("bodega/return/1", order_id, idempotency_key)


@dataclass(frozen=True)
class ReturnRequest:
    """What a customer wants to send back, and why."""

    lines: tuple[Line, ...]
    reason: str

    @property
    def digest(self) -> str:
        return digest_of(self.lines, self.reason)


@dataclass(frozen=True)
class Return:
    """A return of units of a delivered order. All times are RFC 3339.

    Attributes:
        reason: what the customer wrote.
        refusal: what the admin who refused it wrote to the customer.
        refund_id: the refund of its units, once they were received.
    """

    id: str
    order_id: str
    status: Status
    lines: tuple[Line, ...]
    reason: Annotated[str, Personal]
    created_at: str
    updated_at: str
    refusal: Annotated[str | None, Personal] = None
    refund_id: str | None = None
    request_digest: str = ""

    @classmethod
    def requested(
        cls,
        id_: str,
        order: Order,
        wanted: ReturnRequest,
        *,
        delivered_at: datetime,
        period: timedelta,
        at: datetime,
    ) -> Self:
        """A new return.

        Args:
            period: the time after the delivery in which units may be returned.

        Raises:
            ReturnPeriodOver, ReturnExceedsOrder, TooManyChanges: see there.
        """
        order.require_place_for_changes()
        if at > delivered_at + period:
            raise ReturnPeriodOver(f"It was over {period.days} days after the delivery.")
        for line in wanted.lines:
            if (left := order.unclaimed(line.product_id)) < line.quantity:
                raise ReturnExceedsOrder(
                    f"{line.quantity} of {line.product_id} to return, {left} left."
                )
        now = rfc3339(at)
        # An erased customer's access token is valid for some minutes.
        reason = ERASED if order.is_erased else wanted.reason
        return cls(
            id=id_,
            order_id=order.id,
            status="requested",
            lines=wanted.lines,
            reason=reason,
            created_at=now,
            updated_at=now,
            request_digest=wanted.digest,
        )

    @property
    def event_type(self) -> EventType:
        """The event of the transition to this status."""
        return _EVENT_TYPES[self.status]

    @property
    def is_open(self) -> bool:
        """Whether something may still become of it."""
        return bool(_TRANSITIONS.get(self.status))

    @property
    def listed_at(self) -> str:
        """Its place in the list of the order's returns."""
        return f"{self.created_at}#{self.id}"

    def as_requested(self) -> Self:
        """The return as the response to its request had it."""
        return replace(
            self, status="requested", updated_at=self.created_at, refusal=None, refund_id=None
        )

    def approved(self, *, at: datetime) -> Self:
        """Its customer may send the units back."""
        return self._moved_to("approved", at)

    def refused(self, text: str, order: Order, *, at: datetime) -> Self:
        """Refused for a reason that the customer reads; not stored if the customer was erased."""
        refusal = ERASED if order.is_erased else text
        return self._moved_to("refused", at, refusal=refusal)

    def received(self, refund: Refund, *, at: datetime) -> Self:
        """The units are back, and are refunded."""
        return self._moved_to("received", at, refund_id=refund.id)

    def data(self, order: Order, refund: Refund | None = None) -> ReturnData:
        """The data of its events."""
        return ReturnData(
            **order.data().model_dump(),
            refunding_minor=order.refunding_minor,
            refunded_minor=order.refunded_minor,
            return_id=self.id,
            refusal=self.refusal,
            refund_id=self.refund_id,
            refund_minor=refund.amount_minor if refund else None,
        )

    def _moved_to(self, status: Status, at: datetime, **values: Any) -> Self:
        if status not in _TRANSITIONS.get(self.status, ()):
            raise IllegalTransition(current=self.status, wanted=status)
        updated_at = max(rfc3339(at), self.updated_at)
        return replace(self, status=status, updated_at=updated_at, **values)


def open_returns(returns: Sequence[Return]) -> int:
    """How many of an order's returns are open."""
    return sum(one.is_open for one in returns)

"""A refund of an order, and the request for it. Values are frozen."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal, Self, get_args

from orders.errors import IllegalTransition
from orders.idempotency import derived_id, digest_of
from orders.models import Order
from orders.refunds.errors import RefundExceedsPayment
from shared.contracts.events import RefundData
from shared.contracts.inventory import Line
from shared.personal import ERASED, Personal
from shared.runtime.clock import rfc3339

Status = Literal["pending", "succeeded", "failed", "reversed"]
"""`reversed`: it had succeeded, and its money has come back."""

STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def refund_id(order_id: str, idempotency_key: str) -> str:
    """The id of the refund of this order with this key.

    The payment provider gets it as its key.
    """
    return derived_id("bodega/refund/1", order_id, idempotency_key)


@dataclass(frozen=True)
class RefundRequest:
    """What to refund: units of the order's products at their prices, or an amount.

    Attributes:
        amount_minor: None for a refund of items.
        restock: whether the units are available again.
        paid_otherwise: whether the customer gets the money without the payment provider.
    """

    lines: tuple[Line, ...] = ()
    amount_minor: int | None = None
    reason: str | None = None
    restock: bool = False
    paid_otherwise: bool = False

    @property
    def digest(self) -> str:
        # The release before has no such member.
        otherwise = ["paid otherwise"] if self.paid_otherwise else []
        return digest_of(self.lines, self.amount_minor, self.reason, self.restock, *otherwise)


@dataclass(frozen=True)
class Refund:
    """A refund of an order. All times are RFC 3339.

    Attributes:
        id: also the payment provider's idempotency key.
        lines: the units that it is for; empty for a refund of an amount.
        reason: what the admin wrote.
        paid_otherwise: the customer gets the money without the payment provider.
    """

    id: str
    order_id: str
    amount_minor: int
    currency: str
    lines: tuple[Line, ...]
    restock: bool
    reason: Annotated[str | None, Personal]
    request_digest: str
    status: Status
    created_at: str
    paid_otherwise: bool = False

    @classmethod
    def requested(cls, id_: str, order: Order, wanted: RefundRequest, *, at: datetime) -> Self:
        """A new refund.

        Raises:
            IllegalTransition: the order's money was not taken, or all of it is given back anyway.
            RefundExceedsPayment: less is left.
            TooManyChanges: see there.
        """
        order.require_place_for_changes()
        if not order.is_paid:
            raise IllegalTransition(current=order.status, wanted="refunded")
        for line in wanted.lines:
            if (left := order.unclaimed(line.product_id)) < line.quantity:
                raise RefundExceedsPayment(
                    f"{line.quantity} of {line.product_id} to refund, {left} left."
                )
        amount = wanted.amount_minor
        if amount is None:
            amount = order.price_of(wanted.lines)
        if amount > order.refundable_minor:
            # The checkout does without.
            from shared.money import to_text

            raise RefundExceedsPayment(
                f"{to_text(amount)} to refund, {to_text(order.refundable_minor)} left."
            )
        return cls(
            id=id_,
            order_id=order.id,
            amount_minor=amount,
            currency=order.currency,
            lines=wanted.lines,
            restock=wanted.restock,
            # The order's texts about its customer have been erased: no new one is stored.
            reason=ERASED if wanted.reason and order.is_erased else wanted.reason,
            request_digest=wanted.digest,
            status="pending",
            created_at=rfc3339(at),
            paid_otherwise=wanted.paid_otherwise,
        )

    @classmethod
    def of_cancellation(cls, order: Order, status: Status, *, at: datetime) -> Self:
        """The cancelled order's own refund, which is recorded only if it does not give the money
        back."""
        return cls(
            id=order.id,
            order_id=order.id,
            amount_minor=order.repayment_minor,
            currency=order.currency,
            lines=(),
            restock=False,
            reason=None,
            request_digest="",
            status=status,
            created_at=rfc3339(at),
        )

    @classmethod
    def of_return(
        cls, return_id: str, order: Order, lines: tuple[Line, ...], *, at: datetime
    ) -> Self:
        """The refund of units that were returned, or of what other refunds have left of their
        price."""
        return cls(
            id=derived_id("bodega/refund of a return/1", order.id, return_id),
            order_id=order.id,
            amount_minor=min(order.price_of(lines), order.refundable_minor),
            currency=order.currency,
            lines=lines,
            restock=True,
            reason=None,
            request_digest="",
            status="pending",
            created_at=rfc3339(at),
        )

    @property
    def items(self) -> tuple[Line, ...] | None:
        """The units that it is for; None for a refund of an amount."""
        return self.lines or None

    @property
    def listed_at(self) -> str:
        """Its place in the list of the order's refunds."""
        return f"{self.created_at}#{self.id}"

    def as_requested(self) -> Self:
        """The refund as the response to its request had it."""
        return replace(self, status="pending")

    def without_reason(self) -> Self:
        """The refund as its customer may see it: the reason is for the admins."""
        return replace(self, reason=None)

    def finished(self, status: Status) -> Self:
        return replace(self, status=status)

    def data(self, order: Order) -> RefundData:
        """The data of its events."""
        return RefundData(
            **order.data().model_dump(),
            refunding_minor=order.refunding_minor,
            refunded_minor=order.refunded_minor,
            refund_id=self.id,
            refund_minor=self.amount_minor,
        )

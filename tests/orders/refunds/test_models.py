"""The rules of refunds."""

from dataclasses import replace

import pytest

from orders.errors import IllegalTransition, TooManyChanges
from orders.models import MAX_VERSION, Order, Status
from orders.refunds.errors import RefundExceedsPayment
from orders.refunds.models import Refund, RefundRequest, refund_id
from shared.contracts.inventory import Line
from tests.orders.builders import MINUTE, a_line, an_order
from tests.support.clock import NOON


def a_paid_order(status: Status = "confirmed") -> Order:
    """Three mugs and a tray, for 57.50 in all."""
    return an_order(lines=[a_line("mug", 3, 1100), a_line("tray", 1, 2450)], status=status)


def items(**quantities: int) -> RefundRequest:
    lines = (Line(product_id=id_, quantity=n) for id_, n in quantities.items())
    return RefundRequest(tuple(lines))


def amount(minor: int) -> RefundRequest:
    return RefundRequest(amount_minor=minor)


def requested(order: Order, wanted: RefundRequest, id_: str = "refund-1") -> Order:
    """The order after the request."""
    refund = Refund.requested(id_, order, wanted, at=NOON)
    return order.refund_requested(refund.id, refund.amount_minor, refund.lines, at=NOON)


def test_refund_of_items_has_their_prices() -> None:
    refund = Refund.requested("refund-1", a_paid_order(), items(mug=2, tray=1), at=NOON)
    assert (refund.amount_minor, refund.status) == (4650, "pending")
    assert refund.lines == (Line(product_id="mug", quantity=2), Line(product_id="tray", quantity=1))


@pytest.mark.parametrize("status", ["pending", "cancelled"])
def test_refund_needs_a_payment(status: Status) -> None:
    with pytest.raises(IllegalTransition) as refused:
        Refund.requested("refund-1", a_paid_order(status), amount(1), at=NOON)
    assert refused.value.data == {"from": status, "to": "refunded"}


@pytest.mark.parametrize("status", ["confirmed", "shipped", "delivered"])
@pytest.mark.parametrize(
    ("first", "second", "is_accepted"),
    [
        (amount(5000), amount(750), True),
        (amount(5000), amount(751), False),
        (items(mug=1), items(mug=2), True),
        (items(mug=1), items(mug=3), False),
        (items(mug=1), amount(4650), True),
        (items(mug=1), amount(4651), False),
        # The units are left, and the money is not.
        (amount(5000), items(mug=1), False),
        (amount(1), items(kettle=1), False),
    ],
)
def test_refunds_never_exceed_what_was_paid_or_ordered(
    status: Status, first: RefundRequest, second: RefundRequest, is_accepted: bool
) -> None:
    order = requested(a_paid_order(status), first)
    if is_accepted:
        after = requested(order, second, "refund-2")
        assert after.pending_refunds == ("refund-1", "refund-2")
        assert after.refunding_minor <= after.total_minor
    else:
        with pytest.raises(RefundExceedsPayment):
            Refund.requested("refund-2", order, second, at=NOON)


def test_refund_makes_its_order_due_until_it_has_ended() -> None:
    order = requested(requested(a_paid_order(), items(mug=1)), amount(5), "refund-2")
    assert (order.version, order.due_at) == (3, "2026-11-20T12:00:50.000Z")
    assert (order.refunding_minor, order.refunded_minor) == (1105, 0)
    # Later steps of the order leave it due.
    order = order.shipped(at=NOON + MINUTE)
    assert order.due_at == "2026-11-20T12:00:50.000Z"
    order = order.refund_succeeded("refund-1", 1100, at=NOON + MINUTE)
    assert (order.refunding_minor, order.refunded_minor) == (5, 1100)
    assert order.due_at == "2026-11-20T12:00:50.000Z"
    order = order.refund_succeeded("refund-2", 5, at=NOON + MINUTE)
    assert (order.refunding_minor, order.refunded_minor) == (0, 1105)
    assert (order.pending_refunds, order.due_at) == ((), None)
    assert order.as_placed().refunded_minor == 0


def test_cancelled_order_stays_due_after_its_refunds() -> None:
    order = requested(a_paid_order(), amount(5))
    order = order.cancelled(at=NOON, reason="admin_request")
    assert order.refund_succeeded("refund-1", 5, at=NOON).due_at


def test_order_takes_a_limited_number_of_refunds_and_returns() -> None:
    order = replace(a_paid_order(), version=MAX_VERSION - 1)
    assert requested(order, amount(1)).version == MAX_VERSION
    with pytest.raises(TooManyChanges):
        Refund.requested("refund-1", replace(order, version=MAX_VERSION), amount(1), at=NOON)


def test_failed_refund_frees_its_money_and_its_units() -> None:
    before = requested(a_paid_order(), items(mug=1), "refund-0")
    refund = Refund.requested("refund-1", before, items(mug=2, tray=1), at=NOON)
    order = before.refund_requested(refund.id, refund.amount_minor, refund.lines, at=NOON)
    order = order.refund_failed(refund.id, refund.amount_minor, refund.lines, at=NOON)
    assert (order.refundable_minor, order.claimed) == (before.refundable_minor, before.claimed)
    assert (order.unclaimed("mug"), order.unclaimed("tray")) == (2, 1)


def test_refund_of_an_erased_order_keeps_no_reason() -> None:
    order = a_paid_order().erased(at=NOON)
    wanted = RefundRequest(amount_minor=5, reason="Alice called")
    assert Refund.requested("refund-1", order, wanted, at=NOON).reason == "Erased"
    assert Refund.requested("refund-1", order, amount(5), at=NOON).reason is None


def test_id_and_digest_tell_requests_apart() -> None:
    assert len({refund_id(order, key) for order in ("a", "b") for key in ("a", "b")}) == 4
    requests = [
        items(mug=1),
        items(mug=2),
        items(tray=1),
        amount(1100),
        RefundRequest(amount_minor=1100, reason="x"),
        RefundRequest(items(mug=1).lines, restock=True),
    ]
    assert len({request.digest for request in requests}) == len(requests)
    assert items(mug=1, tray=2).digest == items(tray=2, mug=1).digest


def test_order_whose_units_are_all_refunded_is_not_shipped() -> None:
    order = requested(a_paid_order(), items(mug=3))
    assert order.shipped(at=NOON).status == "shipped"
    order = requested(order, items(tray=1), "refund-2")
    with pytest.raises(IllegalTransition):
        order.shipped(at=NOON)

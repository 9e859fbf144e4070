"""The rules of returns."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from orders.errors import IllegalTransition, TooManyChanges
from orders.models import MAX_VERSION, Order
from orders.refunds.models import Refund
from orders.returns.errors import ReturnExceedsOrder, ReturnPeriodOver
from orders.returns.models import STATUSES, Return, ReturnRequest, Status
from shared.contracts.inventory import Line
from tests.orders.builders import MINUTE, SECOND, a_line, an_order
from tests.support.clock import NOON

LATER = NOON + MINUTE
ONE_MUG = (Line(product_id="mug", quantity=1),)
TWO_MUGS = (Line(product_id="mug", quantity=2),)
ALLOWED = {("requested", "approved"), ("requested", "refused"), ("approved", "received")}


def a_delivered_order(**overrides: Any) -> Order:
    """Two mugs for 11.00 each."""
    return an_order(lines=[a_line("mug", 2)], status="delivered", **overrides)


def a_return(order: Order, *, lines: tuple[Line, ...] = ONE_MUG, at: Any = NOON) -> Return:
    wanted = ReturnRequest(lines, "Too small.")
    period = timedelta(days=30)
    return Return.requested("return-1", order, wanted, delivered_at=NOON, period=period, at=at)


@pytest.mark.parametrize("from_", STATUSES)
@pytest.mark.parametrize("to", STATUSES[1:])
def test_return_moves_only_along_its_transitions(from_: Status, to: Status) -> None:
    order = a_delivered_order()
    one = a_return(order)
    refund = Refund.of_return(one.id, order, one.lines, at=LATER)
    moves: dict[str, Callable[[Return], Return]] = {
        "approved": lambda before: before.approved(at=LATER),
        "refused": lambda before: before.refused("No.", order, at=LATER),
        "received": lambda before: before.received(refund, at=LATER),
    }
    paths: dict[str, tuple[str, ...]] = {
        "requested": (),
        "approved": ("approved",),
        "refused": ("refused",),
        "received": ("approved", "received"),
    }
    for step in paths[from_]:
        one = moves[step](one)
    if (from_, to) in ALLOWED:
        after = moves[to](one)
        assert (after.status, after.event_type) == (to, f"order.return_{to}")
        assert after.updated_at == "2026-11-20T12:01:00.000Z"
        assert after.refusal == ("No." if to == "refused" else None)
        assert after.refund_id == (refund.id if to == "received" else None)
        assert after.is_open == (to == "approved")
    else:
        with pytest.raises(IllegalTransition) as refused:
            moves[to](one)
        assert refused.value.data == {"from": from_, "to": to}


def test_return_may_be_asked_for_until_its_period_is_over() -> None:
    order = a_delivered_order()
    assert a_return(order, at=NOON + timedelta(days=30)).status == "requested"
    with pytest.raises(ReturnPeriodOver):
        a_return(order, at=NOON + timedelta(days=30) + SECOND)


def test_order_takes_a_limited_number_of_returns() -> None:
    with pytest.raises(TooManyChanges):
        a_return(a_delivered_order(version=MAX_VERSION))


def test_units_are_returned_or_refunded_once() -> None:
    order = a_delivered_order().return_requested(ONE_MUG, at=NOON)
    assert a_return(order).status == "requested"
    with pytest.raises(ReturnExceedsOrder):
        a_return(order, lines=TWO_MUGS)
    order = order.refund_requested("refund-1", 1100, ONE_MUG, at=NOON)
    with pytest.raises(ReturnExceedsOrder):
        a_return(order)
    # A refusal frees its units.
    assert a_return(order.return_refused(ONE_MUG, at=NOON)).lines == ONE_MUG


def test_received_return_refunds_its_units_or_what_is_left_of_their_price() -> None:
    order = a_delivered_order()
    refund = Refund.of_return("return-1", order, TWO_MUGS, at=NOON)
    assert (refund.amount_minor, refund.restock, refund.status) == (2200, True, "pending")
    partly = order.refund_requested("refund-1", 2000, (), at=NOON)
    assert Refund.of_return("return-1", partly, TWO_MUGS, at=NOON).amount_minor == 200
    ids = {Refund.of_return(id_, order, ONE_MUG, at=NOON).id for id_ in ("return-1", "return-2")}
    assert len(ids) == 2


def test_steps_of_a_return_are_versions_of_its_order() -> None:
    order = a_delivered_order()
    requested = order.return_requested(ONE_MUG, at=LATER)
    approved = requested.return_approved(at=LATER)
    assert [one.version for one in (order, requested, approved)] == [1, 2, 3]
    assert (requested.claimed, approved.claimed) == (ONE_MUG, ONE_MUG)
    assert approved.due_at == order.due_at


def test_refusal_to_an_erased_customer_is_not_stored() -> None:
    order = a_delivered_order()
    erased = order.erased(at=NOON)
    assert a_return(order).refused("Dear Alice", erased, at=NOON).refusal == "Erased"


def test_reason_of_an_erased_customer_is_not_stored() -> None:
    """Whose access token is still valid."""
    erased = a_delivered_order().erased(at=NOON)
    assert a_return(erased).reason == "Erased"


def test_order_knows_when_it_was_delivered() -> None:
    order = an_order(status="shipped").delivered(at=LATER)
    assert order.delivered_at == order.updated_at == "2026-11-20T12:01:00.000Z"

"""An order's own rules."""

from dataclasses import FrozenInstanceError

import pytest

from orders.errors import IllegalTransition
from orders.models import STATUSES, Order, Status, is_order_id, order_id
from tests.orders.builders import MINUTE, NOON, a_basket, a_line, an_order

LATER = NOON + MINUTE


def in_status(status: Status) -> Order:
    pending = an_order()
    confirmed = pending.confirmed(at=NOON)
    shipped = confirmed.shipped(at=NOON)
    return {
        "pending": pending,
        "confirmed": confirmed,
        "shipped": shipped,
        "delivered": shipped.delivered(at=NOON),
        "cancelled": pending.cancelled(at=NOON, reason="customer_request"),
    }[status]


def moved(order: Order, to: Status) -> Order:
    match to:
        case "confirmed":
            return order.confirmed(at=LATER)
        case "shipped":
            return order.shipped(at=LATER)
        case "delivered":
            return order.delivered(at=LATER)
        case _:
            return order.cancelled(at=LATER, reason="admin_request")


ALLOWED = {
    ("pending", "confirmed"),
    ("pending", "cancelled"),
    ("confirmed", "shipped"),
    ("confirmed", "cancelled"),
    ("shipped", "delivered"),
}


@pytest.mark.parametrize("from_", STATUSES)
@pytest.mark.parametrize("to", [s for s in STATUSES if s != "pending"])
def test_an_order_moves_only_along_its_states(from_: Status, to: Status) -> None:
    order = in_status(from_)
    if (from_, to) in ALLOWED:
        after = moved(order, to)
        assert (after.status, after.version) == (to, order.version + 1)
        assert after.updated_at == "2026-11-20T12:01:00.000Z"
        assert after.created_at == order.created_at
    else:
        with pytest.raises(IllegalTransition) as refused:
            moved(order, to)
        assert refused.value.data == {"from": from_, "to": to}


def test_an_order_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        an_order().version = 7  # type: ignore[misc]  # what is tried


def test_a_new_order_is_pending_and_due_soon() -> None:
    order = an_order(lines=[a_line("mug", 2, 1150), a_line("tray", 1, 2450)])
    assert (order.status, order.version) == ("pending", 1)
    assert order.created_at == order.updated_at == "2026-11-20T12:00:00.000Z"
    assert order.due_at == "2026-11-20T12:00:50.000Z"
    assert order.total_minor == 4750


def test_nothing_is_left_to_do_for_an_order_that_went_through() -> None:
    assert in_status("confirmed").due_at is None
    assert in_status("delivered").due_at is None


def test_a_cancelled_order_is_due_until_everything_is_given_back() -> None:
    cancelled = in_status("confirmed").cancelled(at=LATER, reason="customer_request")
    assert cancelled.due_at == "2026-11-20T12:01:50.000Z"
    assert cancelled.cancel_reason == "customer_request"


def test_an_order_s_history_does_not_run_backwards_for_a_slow_clock() -> None:
    order = an_order(at=LATER).confirmed(at=NOON)
    assert order.updated_at == order.created_at


def test_an_order_waits_ten_minutes_for_its_payment() -> None:
    order = an_order()
    assert order.deadline == NOON + 10 * MINUTE


def test_an_order_is_remembered_as_it_was_placed() -> None:
    placed = an_order()
    later = placed.cancelled(at=LATER, reason="customer_request")
    assert later.as_placed().data() == placed.data()
    assert later.as_placed().updated_at == placed.created_at
    assert later.as_placed().version == 1


def test_a_user_and_a_key_make_one_order_id() -> None:
    assert order_id("alice", "k") == order_id("alice", "k")
    assert is_order_id(order_id("alice", "k"))
    others = {order_id("bob", "k"), order_id("alice", "l"), order_id("alic", "ek")}
    assert len(others | {order_id("alice", "k")}) == 4


@pytest.mark.parametrize("text", ["", "nothing", "A" * 32, "0" * 31, "0" * 33, f"{'0' * 32}\n"])
def test_other_texts_are_no_order_ids(text: str) -> None:
    assert not is_order_id(text)


def test_a_basket_is_known_again_by_its_digest() -> None:
    basket = a_basket(("mug", 2), ("tray", 1))
    assert basket.digest == a_basket(("mug", 2), ("tray", 1)).digest
    different = [
        a_basket(("mug", 1), ("tray", 1)),
        a_basket(("mug", 2)),
        a_basket(("mug", 2), ("tray", 1), payment_token="tok_declined"),
    ]
    assert basket.digest not in {other.digest for other in different}

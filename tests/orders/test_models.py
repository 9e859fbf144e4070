"""The rules of an order."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest

from orders.errors import IllegalTransition
from orders.models import (
    LEASE,
    STATUSES,
    Basket,
    Order,
    PaymentAction,
    Status,
    is_order_id,
    order_id,
    saga_age,
)
from shared.messaging.redelivery import delay
from shared.runtime.clock import rfc3339
from tests.orders.builders import HOUR, MINUTE, a_basket, a_line, an_order
from tests.support.callers import ALICE
from tests.support.clock import NOON

LATER: Final = NOON + MINUTE
ACTION: Final = PaymentAction("sandbox", "the secret")
ALLOWED: Final = {
    ("pending", "confirmed"),
    ("pending", "cancelled"),
    ("confirmed", "shipped"),
    ("confirmed", "cancelled"),
    ("shipped", "delivered"),
}


def moved(order: Order, to: Status) -> Order:
    if to == "cancelled":
        return order.cancelled(at=LATER, reason="admin_request")
    transition: Callable[..., Order] = getattr(order, to)
    return transition(at=LATER)


@pytest.mark.parametrize("from_", STATUSES)
@pytest.mark.parametrize("to", [status for status in STATUSES if status != "pending"])
def test_order_moves_only_along_its_transitions(from_: Status, to: Status) -> None:
    order = an_order(status=from_)
    if (from_, to) in ALLOWED:
        after = moved(order, to)
        assert (after.status, after.version) == (to, order.version + 1)
        assert after.updated_at == "2026-11-20T12:01:00.000Z"
        assert after.created_at == order.created_at
        assert after.event_type == f"order.{to}"
        # Due only while a compensation is open.
        assert after.due_at == ("2026-11-20T12:01:50.000Z" if to == "cancelled" else None)
        assert after.cancel_reason == ("admin_request" if to == "cancelled" else None)
    else:
        with pytest.raises(IllegalTransition) as refused:
            moved(order, to)
        assert refused.value.data == {"from": from_, "to": to}


def test_placed_order_is_pending_and_due_soon() -> None:
    order = an_order(lines=[a_line("mug", 2, 1150), a_line("tray", 1, 2450)])
    assert (order.status, order.version) == ("pending", 1)
    assert order.created_at == order.updated_at == "2026-11-20T12:00:00.000Z"
    assert order.due_at == "2026-11-20T12:00:50.000Z"
    assert order.deadline == NOON + 10 * MINUTE
    assert order.total_minor == 4750


def test_duplicate_is_recognised_during_the_shortest_pause() -> None:
    sent_at = NOON + timedelta(seconds=20)
    comes_at = sent_at + timedelta(seconds=delay(1))
    order = replace(an_order(), due_at=rfc3339(comes_at + LEASE))
    assert order.has_delayed_message(sent_at + timedelta(seconds=1))
    # Even on a clock that is two seconds behind.
    assert not order.has_delayed_message(comes_at - timedelta(seconds=2))


@pytest.mark.parametrize("change", [Order.confirmed, Order.erased])
def test_order_history_does_not_run_backwards_when_a_clock_is_slow(
    change: Callable[..., Order],
) -> None:
    assert change(an_order(at=LATER), at=NOON).updated_at == an_order(at=LATER).updated_at


def test_order_is_shown_as_it_was_placed() -> None:
    placed = an_order()
    later = placed.cancelled(at=LATER, reason="customer_request")
    shown = replace(later.as_placed(), due_at=placed.due_at, payment_token=placed.payment_token)
    assert shown == placed


def test_erased_order_keeps_everything_but_personal_data() -> None:
    order = an_order().confirmed(at=NOON)
    erased = order.erased(at=LATER)
    assert erased.is_erased
    assert erased == replace(
        order,
        user_name="Erased",
        email=f"{ALICE.id}@erased.invalid",
        payment_token="",
        version=3,
        updated_at="2026-11-20T12:01:00.000Z",
    )


@pytest.mark.parametrize("is_erased", [True, False])
def test_order_keeps_its_payment_token_until_the_payment_is_decided(is_erased: bool) -> None:
    order = an_order(basket=a_basket(payment_token="tok_timeout"))
    if is_erased:
        order = order.erased(at=NOON)
    assert order.payment_token == "tok_timeout"
    assert order.confirmed(at=NOON).payment_token == ""
    assert order.cancelled(at=NOON, reason="admin_request").payment_token == ""


@pytest.mark.parametrize(
    ("asked_after", "within", "until"),
    [(0, 30, 30), (9, 30, 30), (0, 5, 5), (9, 5, 14), (65, 30, 70)],
)
def test_customer_may_act_until_the_deadline_and_for_five_minutes_at_least(
    asked_after: int, within: int, until: int
) -> None:
    at = NOON + asked_after * MINUTE
    order = an_order().awaiting(ACTION, within * MINUTE, at=at)
    assert (order.action, order.deadline) == (ACTION, NOON + until * MINUTE)
    assert order.awaiting(ACTION, within * MINUTE, at=at + MINUTE) == order
    # Whether it is late is shown as for an order that waits for a service.
    for minutes, age in ((-1, 9), (0, 10), (3, 13), (-600, 0)):
        seen_at = order.deadline + minutes * MINUTE
        assert saga_age(order.created_at, order.action_until, seen_at) == age * MINUTE


@pytest.mark.parametrize("to", ["confirmed", "cancelled"])
def test_order_keeps_what_its_customer_has_to_do_until_the_payment_is_decided(to: Status) -> None:
    order = an_order().awaiting(ACTION, HOUR, at=NOON)
    ended = moved(order, to)
    assert (ended.action, ended.action_until) == (None, None)
    erased = order.erased(at=NOON)
    assert (erased.action, erased.action_until) == (None, order.action_until)
    assert erased.awaiting(ACTION, HOUR, at=NOON) == erased


def test_order_id_is_one_for_each_user_and_key() -> None:
    assert order_id("alice", "k") == order_id("alice", "k")
    assert is_order_id(order_id("alice", "k"))
    ids = {order_id(*named) for named in [("alice", "k"), ("bob", "k"), ("alice", "l")]}
    assert len(ids | {order_id("alic", "ek")}) == 4


@pytest.mark.parametrize("text", ["", "nothing", "A" * 32, "0" * 31, "0" * 33, f"{'0' * 32}\n"])
def test_order_id_has_one_form(text: str) -> None:
    assert not is_order_id(text)


def test_basket_digest_differs_when_a_line_or_the_token_differs() -> None:
    baskets = [
        a_basket(("mug", 2), ("tray", 1)),
        a_basket(("mug", 1), ("tray", 1)),
        a_basket(("mug", 2)),
        a_basket(("mug", 2), ("tray", 1), payment_token="tok_declined"),
    ]
    assert len({basket.digest for basket in baskets}) == 4


def test_basket_digest_is_the_same_in_a_release_with_a_further_field() -> None:
    @dataclass(frozen=True)
    class LaterBasket(Basket):
        note: str = ""

    basket = a_basket()
    assert LaterBasket(basket.lines, basket.payment_token).digest == basket.digest
    assert LaterBasket(basket.lines, basket.payment_token, note="a gift").digest != basket.digest


def test_basket_digest_is_the_one_that_stored_orders_have() -> None:
    digest = a_basket(("mug", 2), ("tray", 1)).digest
    assert digest == "eeb103698bf84d855918c3c02ddd60602a95e790def167e726b5b4ea767a7233"

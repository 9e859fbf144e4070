"""The saga of an order: confirmed, or everything given back, whatever fails in between."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from botocore.exceptions import ConnectTimeoutError

from orders.models import CancelReason, Order, PaymentAction
from orders.payments.ports import PaymentState, PaymentUnavailable
from orders.payments.sandbox import ACTION_TAKES
from orders.ports import StockUnavailable
from orders.saga import MAX_UNPAID
from shared.errors import Contended
from shared.runtime import steps
from tests.orders.builders import HOUR, MINUTE, SECOND, a_basket, event_types, order_id_of
from tests.orders.fakes import Fault
from tests.orders.harness import ACTION_WITHIN, OrdersHarness
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import NOON

type Callback = Callable[[], object]


def run_before(shop: OrdersHarness, step: str, callback: Callback) -> None:
    """Run the callback once, just before the step of the saga."""
    (shop.inventory if step == "confirm" else shop.payments).before[step] = callback


def set_faults(shop: OrdersHarness, faults: dict[str, Fault]) -> None:
    shop.inventory.down = "confirm" in faults
    shop.payments.faults = faults


faults_of_one_step = pytest.mark.parametrize(
    "faults",
    [
        {"confirm": "down"},
        {"authorize": "down"},
        {"authorize": "undelivered"},
        {"authorize": "unanswered", "find": "down"},
        {"capture": "down"},
        {"capture": "undelivered"},
    ],
    ids=str,
)


def cancel(shop: OrdersHarness, order: Order) -> None:
    shop.service.cancel(order.id, ALICE)


# ── To confirmed ────────────────────────────────────────────────────────────────────────────────


def test_saga_pays_and_confirms_once_however_often_its_message_is_delivered(
    shop: OrdersHarness,
) -> None:
    order = shop.placed()
    for _ in range(3):
        shop.advance(order)
    shop.assert_confirmed(order)
    assert shop.payments.calls == ["authorize", "capture"]
    assert shop.payments.item(order.id)["amount_minor"] == 1100
    shipped = shop.service.ship(order.id, ADMIN)
    assert shop.advance(shipped) == shipped
    assert shop.deliver(order_id_of(404)) is None


def test_saga_sells_the_stock_before_it_waits_for_the_payment(shop: OrdersHarness) -> None:
    order = shop.placed(token="tok_unavailable")
    shop.advance(order)
    assert shop.inventory.reservations[order.id] == "confirmed"


@pytest.mark.parametrize("operation", ["authorize", "capture"])
def test_saga_looks_a_payment_up_when_the_provider_did_not_answer(
    shop: OrdersHarness, operation: str
) -> None:
    order = shop.placed()
    shop.payments.faults[operation] = "unanswered"
    shop.advance(order)
    shop.assert_confirmed(order)


@faults_of_one_step
def test_saga_waits_while_a_service_does_not_answer(
    shop: OrdersHarness, faults: dict[str, Fault]
) -> None:
    order = shop.placed()
    set_faults(shop, faults)
    shop.advance(order)
    shop.pass_minutes(9)
    assert shop.current(order).status == "pending"
    set_faults(shop, {})
    shop.pass_minutes(2)
    shop.assert_confirmed(order)
    # Without the first step the others are not made.
    assert "confirm" not in faults or shop.payments.calls == ["authorize", "capture"]


# ── To cancelled ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", ["authorize", "capture"])
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("declined", "payment_declined"),
        ("voided", "payment_expired"),
        ("expired", "payment_expired"),
        ("refunded", "payment_expired"),
    ],
)
def test_saga_cancels_when_the_payment_was_declined_or_has_ended(
    shop: OrdersHarness, operation: str, state: PaymentState, reason: CancelReason
) -> None:
    order = shop.placed()
    run_before(shop, operation, lambda: shop.payments.set_state(order.id, state))
    assert shop.advance(order).cancel_reason == reason
    shop.assert_given_back(order, money=state)


def test_saga_cancels_when_the_reservation_has_ended(shop: OrdersHarness) -> None:
    order = shop.placed()
    shop.inventory.release(order.id)
    assert shop.advance(order).cancel_reason == "reservation_expired"
    shop.assert_given_back(order)


@faults_of_one_step
def test_saga_has_the_event_of_an_order_that_waits_published_again_after_50_seconds(
    shop: OrdersHarness, faults: dict[str, Fault]
) -> None:
    order = shop.placed()
    assert shop.publish_events() == [f"{order.id}.1"]
    set_faults(shop, faults)
    shop.advance(order)
    shop.clock.now += 49 * SECOND
    shop.advance(order)
    assert shop.publish_events() == []
    published = []
    for _ in range(8):
        shop.clock.now += MINUTE
        shop.advance(order)
        published += shop.publish_events()
    assert published == [f"{order.id}.1"]


def test_waiting_order_is_reported_at_its_next_message_when_a_report_failed(
    shop: OrdersHarness,
) -> None:
    order = shop.placed(token="tok_unavailable")
    shop.publish_events()

    def fail(_order_id: str) -> None:
        raise ConnectTimeoutError(endpoint_url="dynamodb")

    shop.clock.now += MINUTE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.orders, "report_slow", fail)
        shop.advance(order)
    # The message was sent again with a delay, and comes before the sweeper finds the order.
    assert shop.current(order).has_delayed_message(shop.clock.now)
    assert shop.publish_events() == []
    shop.clock.now += 40 * SECOND
    shop.advance(order)
    assert shop.publish_events() == [f"{order.id}.1"]


# ── The deadline ────────────────────────────────────────────────────────────────────────────────


@faults_of_one_step
def test_saga_cancels_at_the_deadline_when_a_service_does_not_answer(
    shop: OrdersHarness, faults: dict[str, Fault]
) -> None:
    order = shop.placed()
    set_faults(shop, faults)
    shop.advance(order)
    shop.pass_minutes(12)
    service = "inventory" if "confirm" in faults else "payment"
    assert shop.current(order).cancel_reason == f"{service}_unavailable"
    if service == "inventory":
        # The money is given back, though the stock cannot be.
        assert shop.payments.item(order.id)["state"] == "voided"
        assert shop.current(order).due_at
    set_faults(shop, {})
    shop.pass_minutes(2)
    shop.assert_given_back(order)


def test_saga_does_not_cancel_because_of_a_call_before_the_deadline(shop: OrdersHarness) -> None:
    order = shop.placed()
    run_before(shop, "authorize", lambda: setattr(shop.clock, "now", order.deadline))
    shop.payments.faults["authorize"] = "down"
    shop.clock.now = order.deadline - SECOND
    delay = shop.deliver(order.id)
    assert shop.current(order).status == "pending"
    assert delay
    assert 5 <= delay <= 18
    shop.payments.faults.clear()
    shop.pass_minutes(1)
    shop.assert_confirmed(order)


# ── Compensation ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("is_paid", "calls"), [(False, ["void"]), (True, ["authorize", "capture", "void", "refund"])]
)
def test_cancelled_order_gives_back_everything_once(
    shop: OrdersHarness, is_paid: bool, calls: list[str]
) -> None:
    order = shop.placed()
    if is_paid:
        shop.advance(order)
    cancel(shop, order)
    for _ in range(3):
        shop.advance(order)
    shop.assert_given_back(order, money="refunded" if is_paid else "voided")
    assert shop.payments.calls == calls
    assert event_types(shop.orders, order).count("order.cancelled") == 1


@pytest.mark.parametrize("fault", ["down", "unanswered", "undelivered"])
@pytest.mark.parametrize(("operation", "state"), [("void", "voided"), ("refund", "refunded")])
def test_compensation_continues_until_the_money_is_given_back(
    shop: OrdersHarness, operation: str, state: PaymentState, fault: Fault
) -> None:
    order = shop.placed()
    if operation == "void":
        shop.payments.faults["capture"] = "down"
    shop.advance(order)
    cancel(shop, order)
    shop.payments.faults[operation] = fault
    shop.advance(order)
    shop.pass_minutes(60)
    # The stock does not wait for the money; a lost answer is looked up.
    assert shop.inventory.available["mug"] == 10
    assert (shop.current(order).due_at is None) == (fault == "unanswered")
    shop.clock.now += 30 * 24 * HOUR
    shop.pass_minutes(2)
    shop.payments.faults.clear()
    shop.pass_minutes(2)
    shop.assert_given_back(order, money=state)


# ── The customer has to act ─────────────────────────────────────────────────────────────────────


def awaiting(shop: OrdersHarness, token: str = "tok_action_abandoned") -> Order:
    """An order whose customer has to act, and its delayed message."""
    order = shop.placed(token=token)
    shop.advance(order)
    return shop.current(order)


def let_customer_act(shop: OrdersHarness, order: Order) -> None:
    shop.payments.set_state(order.id, "authorized")


def test_order_waits_for_its_customer_and_says_what_to_do(shop: OrdersHarness) -> None:
    order = awaiting(shop)
    assert order.status == "pending"
    assert order.action == PaymentAction("sandbox", f"sandbox_secret_{order.id}")
    assert order.deadline == NOON + ACTION_WITHIN
    # The stock is sold already: it does not expire.
    assert shop.inventory.reservations[order.id] == "confirmed"
    shop.pass_minutes(29)
    assert shop.current(order).status == "pending"
    assert len(shop.messages) == 1


def test_order_is_cancelled_when_five_others_of_its_customer_wait_for_their_payment(
    shop: OrdersHarness,
) -> None:
    waiting = [
        shop.advance(shop.placed(f"{n}", token="tok_action_abandoned")) for n in range(MAX_UNPAID)
    ]
    shop.clock.now += MINUTE
    sixth = shop.advance(shop.placed("sixth", token="tok_action"))
    assert (sixth.cancel_reason, sixth.due_at) == ("too_many_unpaid", None)
    assert shop.payments.item(sixth.id)["state"] == "voided"
    assert shop.inventory.reservations[sixth.id] == "released"
    # Orders that need no action, and of others, are not affected; those that wait go on waiting.
    assert shop.advance(shop.placed("paid")).status == "confirmed"
    others = shop.service.place(BOB, "k", a_basket(payment_token="tok_action_abandoned"))
    assert shop.advance(others.order).action
    assert [shop.current(order).status for order in waiting] == ["pending"] * MAX_UNPAID
    let_customer_act(shop, waiting[0])
    shop.deliver(waiting[0].id, is_news=True)
    assert shop.current(waiting[0]).status == "confirmed"
    assert shop.advance(shop.placed("seventh", token="tok_action_abandoned")).action


def test_order_does_not_count_itself_among_those_that_wait_when_two_workers_handle_it(
    shop: OrdersHarness,
) -> None:
    for n in range(MAX_UNPAID - 1):
        shop.advance(shop.placed(f"{n}", token="tok_action_abandoned"))
    fifth = shop.placed("fifth", token="tok_action_abandoned")
    shop.payments.before["authorize"] = lambda: shop.deliver(fifth.id)
    assert shop.advance(fifth).action


def test_order_is_confirmed_without_news_when_its_customer_has_acted(shop: OrdersHarness) -> None:
    order = awaiting(shop, "tok_action")
    # Nothing is needed from the inventory any more.
    shop.inventory.down = True
    shop.pass_minutes(1)
    shop.assert_confirmed(order)
    assert shop.current(order).action is None
    assert shop.payments.calls.count("authorize") == shop.payments.calls.count("capture") == 1


@pytest.mark.parametrize(
    ("token", "minutes", "reason", "money"),
    [
        ("tok_action_failed", 1, "payment_declined", "declined"),
        ("tok_action_abandoned", 31, "payment_abandoned", "voided"),
    ],
)
def test_order_is_cancelled_when_its_customer_fails_or_does_not_act(
    shop: OrdersHarness, token: str, minutes: int, reason: CancelReason, money: str
) -> None:
    order = awaiting(shop, token)
    shop.pass_minutes(minutes)
    assert shop.current(order).cancel_reason == reason
    assert shop.current(order).action is None
    shop.assert_given_back(order, money=money)
    let_pass = shop.current(order)
    assert shop.deliver(order.id, is_news=True) is None
    assert shop.current(order) == let_pass


@pytest.mark.parametrize("acts", ["before void", "never"])
def test_order_that_is_cancelled_while_its_customer_has_to_act_gives_everything_back(
    shop: OrdersHarness, acts: str
) -> None:
    order = awaiting(shop, "tok_action")
    cancel(shop, order)
    assert shop.current(order).action is None
    if acts == "before void":
        shop.clock.now += ACTION_TAKES
    shop.advance(order)
    shop.clock.now += ACTION_TAKES
    shop.deliver(order.id, is_news=True)
    shop.assert_given_back(order)
    assert "capture" not in shop.payments.calls


def test_compensation_continues_while_the_customer_could_still_act(shop: OrdersHarness) -> None:
    order = awaiting(shop)
    cancel(shop, order)
    shop.payments.faults["void"] = "undelivered"
    shop.advance(order)
    assert shop.current(order).due_at
    shop.payments.faults.clear()
    shop.pass_minutes(2)
    shop.assert_given_back(order)


@pytest.mark.parametrize("fault", ["down", "undelivered"])
def test_provider_that_is_away_while_the_customer_acts_costs_time_only(
    shop: OrdersHarness, fault: Fault
) -> None:
    order = awaiting(shop, "tok_action")
    shop.payments.faults["find"] = fault
    shop.pass_minutes(28)
    assert shop.current(order).status == "pending"
    shop.payments.faults.clear()
    shop.pass_minutes(2)
    shop.assert_confirmed(order)


def test_saga_cancels_at_the_later_deadline_when_the_provider_does_not_answer(
    shop: OrdersHarness,
) -> None:
    order = awaiting(shop, "tok_action")
    shop.payments.faults["find"] = "down"
    shop.pass_minutes(32)
    assert shop.current(order).cancel_reason == "payment_unavailable"
    shop.assert_given_back(order)


def wait_again(shop: OrdersHarness) -> None:
    """Pass time until an order's delayed message has just been sent: the next is a minute away."""
    shop.pass_minutes(5)
    shop.clock.now, order_id = shop.messages.pop()
    assert shop.deliver(order_id)


def test_news_confirms_an_order_that_has_a_delayed_message(shop: OrdersHarness) -> None:
    order = awaiting(shop)
    wait_again(shop)
    let_customer_act(shop, order)
    assert shop.deliver(order.id) is None
    assert shop.current(order).status == "pending"
    for _ in range(2):
        assert shop.deliver(order.id, is_news=True) is None
        shop.assert_confirmed(order)
    confirmed = shop.current(order)
    shop.pass_minutes(2)
    assert shop.current(order) == confirmed
    assert shop.payments.calls.count("capture") == 1


def test_news_of_nothing_leaves_the_order_and_its_delayed_message(shop: OrdersHarness) -> None:
    order = awaiting(shop)
    wait_again(shop)
    waiting = shop.current(order)
    for faults in ({}, {"find": "down"}):
        shop.payments.faults = faults  # type: ignore[assignment]  # of its type
        assert shop.deliver(order.id, is_news=True) is None
    assert shop.current(order) == waiting
    assert len(shop.messages) == 1
    assert shop.deliver(order_id_of(404), is_news=True) is None


def test_news_that_comes_before_the_first_message_does_its_work(shop: OrdersHarness) -> None:
    order = shop.placed(token="tok_action")
    assert shop.deliver(order.id, is_news=True)
    shop.clock.now += 2 * SECOND
    assert shop.deliver(order.id) is None
    assert shop.current(order).action
    shop.pass_minutes(1)
    shop.assert_confirmed(order)


def test_news_during_an_outage_tells_the_customer_what_to_do_at_once(shop: OrdersHarness) -> None:
    order = shop.placed(token="tok_action_abandoned")
    shop.payments.faults["authorize"] = "unanswered"
    shop.payments.faults["find"] = "down"
    shop.clock.now += 5 * MINUTE
    shop.deliver(order.id)
    shop.payments.faults.clear()
    shop.clock.now += 20 * SECOND
    shop.deliver(order.id, is_news=True)
    assert shop.current(order).action
    assert len(shop.messages) == 2
    shop.pass_minutes(2)
    # The earlier message was a duplicate of the later one.
    assert len(shop.messages) == 1


def test_customer_who_is_erased_meanwhile_leaves_no_secret_and_no_open_order(
    shop: OrdersHarness,
) -> None:
    order = awaiting(shop)

    def erase() -> None:
        current = shop.current(order)
        shop.orders.erase(current, current.erased(at=shop.clock.now))

    shop.clock.now = shop.messages.pop()[0]
    run_before(shop, "find", erase)
    shop.deliver(order.id)
    shop.pass_minutes(29)
    assert (shop.current(order).status, shop.current(order).action) == ("pending", None)
    shop.pass_minutes(3)
    assert shop.current(order).cancel_reason == "payment_abandoned"
    shop.assert_given_back(order)


def test_customers_who_have_to_act_are_no_outage(
    shop: OrdersHarness, emitted: Callable[[], dict[str, Any]]
) -> None:
    orders = many(shop, 7, token="tok_action_abandoned")
    for order in orders:
        shop.advance(order)
    # The circuit is closed.
    assert shop.advance(shop.placed("other")).status == "confirmed"
    shop.pass_minutes(25)
    found = emitted()
    assert "PaymentActions" in found
    assert max(found["OrderAge"]) < 6 * 60
    assert "PaymentsWaiting" not in found


# ── Waiting ─────────────────────────────────────────────────────────────────────────────────────


def test_waiting_order_is_retried_less_and_less_often_and_at_its_deadline(
    shop: OrdersHarness,
) -> None:
    order = shop.placed(token="tok_unavailable")
    shop.advance(order)
    ages: list[float] = []
    while shop.messages and shop.current(order).status == "pending":
        shop.clock.now, _ = shop.messages.pop()
        ages.append(order.age(shop.clock.now).total_seconds())
        shop.deliver(order.id)
    gaps = [after - before for before, after in pairwise([0, *ages])]
    assert 5 <= gaps[0] <= 6
    assert max(gaps) <= 73
    assert len(ages) < 25
    assert 600 < ages[-1] < 620


def test_waiting_order_ignores_a_duplicate_of_its_message(shop: OrdersHarness) -> None:
    order = shop.placed()
    shop.payments.faults["authorize"] = "down"
    shop.clock.now += 5 * MINUTE
    assert shop.deliver(order.id)
    waiting = shop.current(order)
    shop.payments.faults.clear()
    assert shop.deliver(order.id) is None
    assert shop.current(order) == waiting


def test_waiting_order_has_one_message_when_two_workers_handle_it(shop: OrdersHarness) -> None:
    order = shop.placed()
    shop.payments.faults["authorize"] = "down"

    def other_worker_waits() -> None:
        shop.restart()
        shop.deliver(order.id)

    run_before(shop, "authorize", other_worker_waits)
    assert shop.deliver(order.id) is None
    assert len(shop.messages) == 1


# ── One payment, also after the provider has forgotten the key ──────────────────────────────────


def test_payment_with_a_known_id_is_not_authorised_again(shop: OrdersHarness) -> None:
    order = shop.placed()
    shop.payments.faults["capture"] = "down"
    assert shop.advance(order).payment_id == f"sandbox-{order.id}"
    shop.payments.faults.clear()
    shop.pass_minutes(1)
    shop.assert_confirmed(order)
    assert shop.payments.calls.count("authorize") == 1


@pytest.mark.parametrize("exists", [True, False])
def test_payment_with_an_unknown_id_is_looked_up_after_a_day(
    shop: OrdersHarness, exists: bool
) -> None:
    order = shop.placed()
    if exists:
        shop.payments.set_state(order.id, "authorized")
    shop.clock.now += 26 * HOUR
    shop.advance(order)
    shop.assert_confirmed(order)
    assert shop.payments.calls == ["find", *([] if exists else ["authorize"]), "capture"]


# ── Concurrent workers and requests ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ["confirm", "authorize", "capture"])
def test_saga_continues_from_what_another_worker_or_request_wrote(
    shop: OrdersHarness, step: str
) -> None:
    cancelled, compensated, confirmed = (shop.placed(key) for key in "abc")

    def cancel_and_compensate() -> None:
        cancel(shop, compensated)
        shop.saga.advance(compensated.id)

    run_before(shop, step, lambda: cancel(shop, cancelled))
    shop.advance(cancelled)
    run_before(shop, step, cancel_and_compensate)
    shop.advance(compensated)
    run_before(shop, step, lambda: shop.saga.advance(confirmed.id))
    shop.advance(confirmed)
    shop.assert_confirmed(confirmed)
    cancel(shop, confirmed)
    shop.advance(confirmed)
    shop.assert_given_back(confirmed, money="refunded")
    shop.assert_given_back(cancelled, money="refunded")
    shop.assert_given_back(compensated)


@pytest.mark.parametrize("is_captured", [True, False])
def test_saga_cancels_at_the_deadline_only_what_no_other_worker_has_confirmed(
    shop: OrdersHarness, is_captured: bool
) -> None:
    order = shop.placed()
    shop.clock.now += 11 * MINUTE

    def advance_and_fail() -> None:
        if not is_captured:
            shop.payments.faults["capture"] = "down"
        shop.saga.advance(order.id)
        shop.payments.faults = {"authorize": "down"}

    run_before(shop, "authorize", advance_and_fail)
    shop.advance(order)
    if is_captured:
        shop.assert_confirmed(order)
    else:
        shop.assert_given_back(order)


# ── The circuits: a service that is down is called for few orders ───────────────────────────────

both_services = pytest.mark.parametrize("step", ["confirm", "authorize"])


def many(shop: OrdersHarness, count: int, *, token: str = "tok_ok") -> list[Order]:
    shop.inventory.available["mug"] = 100
    return [shop.placed(str(number), token=token) for number in range(count)]


def calls_while_down(shop: OrdersHarness, step: str, orders: list[Order]) -> int:
    """Advance the orders while the step's service is down; return how often it was called."""
    called: list[int] = []

    def fail() -> None:
        called.append(1)
        raise StockUnavailable if step == "confirm" else PaymentUnavailable

    for order in orders:
        run_before(shop, step, fail)
        shop.advance(order)
    shop.inventory.before.clear()
    shop.payments.before.clear()
    return len(called)


@both_services
def test_circuit_opens_after_failures_for_five_orders_and_lets_one_through_each_ten_seconds(
    shop: OrdersHarness, step: str
) -> None:
    orders = many(shop, 14)
    assert calls_while_down(shop, step, orders[:8]) == 5
    shop.clock.now += 9 * SECOND
    assert calls_while_down(shop, step, orders[8:10]) == 0
    shop.clock.now += SECOND
    assert calls_while_down(shop, step, orders[10:13]) == 1
    shop.clock.now += 10 * SECOND
    assert shop.advance(orders[13]).status == "confirmed"


@both_services
def test_circuit_lets_the_last_attempt_of_an_order_through(shop: OrdersHarness, step: str) -> None:
    order = shop.placed()
    shop.clock.now = order.deadline + SECOND
    calls_while_down(shop, step, many(shop, 6))
    # Calls for other orders may fail for another reason, such as the bank of a card.
    assert shop.advance(order).status == "confirmed"


def test_circuit_stays_closed_when_products_of_other_orders_are_contended(
    shop: OrdersHarness,
) -> None:
    def refuse() -> None:
        raise Contended

    *contended, other = many(shop, 7)
    for order in contended:
        run_before(shop, "confirm", refuse)
        assert shop.advance(order).status == "pending"
    assert shop.advance(other).status == "confirmed"


@both_services
def test_log_has_an_open_circuit_instead_of_a_step(shop: OrdersHarness, step: str) -> None:
    *others, order = many(shop, 6)
    calls_while_down(shop, step, others)
    steps.begin()
    shop.advance(order)
    service = "inventory" if step == "confirm" else "payments"
    assert steps.logged()["steps"] == [f"{service} 0 CircuitOpen"]


def test_log_has_each_step_of_the_payment(shop: OrdersHarness) -> None:
    order = shop.placed()
    shop.payments.faults = {"authorize": "unanswered"}
    steps.begin()
    shop.advance(order)
    named = [str(one).split()[0::2] for one in cast("list[str]", steps.logged()["steps"])]
    assert named == [["authorize", "PaymentOutcomeUnknown"], ["find"], ["capture"]]
    cancel(shop, order)
    steps.begin()
    shop.advance(order)
    named = [str(one).split()[0::2] for one in cast("list[str]", steps.logged()["steps"])]
    assert named == [["void"], ["refund"]]


def test_circuit_stays_closed_when_one_order_always_fails(shop: OrdersHarness) -> None:
    shop.deliver(shop.placed("a", token="tok_unavailable").id)
    for _ in range(6):
        shop.clock.now, waiting = shop.messages.pop()
        assert shop.deliver(waiting)
    assert shop.advance(shop.placed("b")).status == "confirmed"

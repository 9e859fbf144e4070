"""The saga of an order: confirmed, or everything given back, whatever fails in between."""

import json
from collections.abc import Callable
from itertools import pairwise

import pytest

from orders.ports import PaymentState
from shared.runtime import metrics
from tests.orders.builders import HOUR, MINUTE, SECOND, changed, event_types, order_id_of
from tests.orders.fakes import Killed
from tests.orders.harness import SagaHarness
from tests.support.clock import NOON


def run_before(saga: SagaHarness, step: str, callback: Callable[[], object]) -> None:
    """Run the callback once, just before the step of the saga."""

    def run() -> None:
        callback()

    (saga.stock if step == "confirm" else saga.payments).before[step] = run


def kill() -> None:
    raise Killed


# ── To confirmed ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("deliveries", [1, 3])
def test_saga_pays_and_confirms_once_however_often_its_message_is_delivered(
    saga: SagaHarness, deliveries: int
) -> None:
    order = saga.placed()
    for _ in range(deliveries):
        saga.advance(order)
    saga.assert_confirmed(order)
    assert saga.payments.calls == ["authorize", "capture"]
    assert saga.payments.amounts[order.id] == 1999


def test_saga_ignores_orders_that_have_been_shipped(saga: SagaHarness) -> None:
    confirmed = saga.advance(saga.placed())
    shipped = changed(saga.orders, confirmed, confirmed.shipped(at=NOON))
    assert saga.advance(shipped) == shipped


def test_saga_ignores_messages_of_unknown_orders(saga: SagaHarness) -> None:
    assert saga.deliver(order_id_of(404)) is None


@pytest.mark.parametrize("operation", ["authorize", "capture"])
def test_saga_looks_a_payment_up_when_the_provider_did_not_answer(
    saga: SagaHarness, operation: str
) -> None:
    order = saga.placed()
    saga.payments.unanswered.add(operation)
    saga.advance(order)
    saga.assert_confirmed(order)


def test_saga_waits_when_the_outcome_of_a_payment_stays_unknown(saga: SagaHarness) -> None:
    order = saga.placed("tok_timeout")
    saga.payments.down.add("find")
    assert saga.advance(order).status == "pending"
    saga.payments.down.clear()
    saga.pass_minutes(1)
    saga.assert_confirmed(order)


@pytest.mark.parametrize("operation", ["authorize", "capture"])
def test_saga_repeats_an_operation_that_the_provider_never_received(
    saga: SagaHarness, operation: str
) -> None:
    order = saga.placed()
    saga.payments.undelivered.add(operation)
    assert saga.advance(order).status == "pending"
    saga.payments.undelivered.clear()
    saga.pass_minutes(1)
    saga.assert_confirmed(order)


def test_saga_waits_for_the_inventory_and_calls_the_provider_after_it(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.stock.down = True
    assert saga.advance(order).status == "pending"
    saga.stock.down = False
    saga.pass_minutes(1)
    saga.assert_confirmed(order)
    assert saga.payments.calls == ["authorize", "capture"]


def test_saga_sells_the_stock_before_it_waits_for_the_payment(saga: SagaHarness) -> None:
    order = saga.placed("tok_unavailable")
    saga.advance(order)
    assert saga.stock.reservations[order.id] == "confirmed"


# ── To cancelled ────────────────────────────────────────────────────────────────────────────────


def test_saga_cancels_when_the_payment_is_declined(saga: SagaHarness) -> None:
    order = saga.placed("tok_declined")
    assert saga.advance(order).cancel_reason == "payment_declined"
    saga.assert_given_back(order, money="declined")


def test_saga_cancels_when_the_capture_is_declined(saga: SagaHarness) -> None:
    order = saga.placed()
    run_before(saga, "capture", lambda: saga.payments.states.update({order.id: "declined"}))
    assert saga.advance(order).cancel_reason == "payment_declined"
    saga.assert_given_back(order, money="declined")


@pytest.mark.parametrize("operation", ["authorize", "capture"])
@pytest.mark.parametrize("state", ["voided", "expired", "refunded"])
def test_saga_cancels_when_the_payment_has_ended(
    saga: SagaHarness, operation: str, state: PaymentState
) -> None:
    order = saga.placed()
    saga.payments.states[order.id] = "authorized"
    saga.payments.remember_key(order.id)
    run_before(saga, operation, lambda: saga.payments.states.update({order.id: state}))
    assert saga.advance(order).cancel_reason == "payment_expired"
    saga.assert_given_back(order, money=state)


def test_saga_cancels_when_the_reservation_has_ended(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.stock.release(order.id)
    assert saga.advance(order).cancel_reason == "reservation_expired"
    saga.assert_given_back(order)


# ── The deadline ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", ["authorize", "capture"])
@pytest.mark.parametrize("failure", ["down", "undelivered"])
def test_saga_cancels_at_the_deadline_when_the_provider_does_not_answer(
    saga: SagaHarness, operation: str, failure: str
) -> None:
    order = saga.placed()
    getattr(saga.payments, failure).add(operation)
    saga.advance(order)
    saga.pass_minutes(9)
    assert saga.current(order).status == "pending"
    saga.pass_minutes(3)
    assert saga.current(order).cancel_reason == "payment_unavailable"
    saga.assert_given_back(order)


def test_saga_cancels_at_the_deadline_when_the_inventory_does_not_answer(
    saga: SagaHarness,
) -> None:
    order = saga.placed()
    saga.stock.down = True
    saga.advance(order)
    saga.pass_minutes(9)
    assert saga.current(order).status == "pending"
    saga.pass_minutes(2)
    assert saga.current(order).cancel_reason == "inventory_unavailable"
    # The money is given back, though the stock cannot be.
    assert saga.payments.states[order.id] == "voided"
    assert saga.current(order).due_at
    saga.stock.down = False
    saga.pass_minutes(2)
    saga.assert_given_back(order)


def test_saga_confirms_when_the_provider_answers_before_the_deadline(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.payments.down.add("capture")
    saga.advance(order)
    saga.pass_minutes(9)
    saga.payments.down.clear()
    saga.pass_minutes(2)
    saga.assert_confirmed(order)


def test_saga_does_not_cancel_because_of_a_call_before_the_deadline(saga: SagaHarness) -> None:
    order = saga.placed()
    run_before(saga, "authorize", lambda: setattr(saga.clock, "now", order.deadline))
    saga.payments.down.add("authorize")
    saga.clock.now = order.deadline - SECOND
    delay = saga.deliver(order.id)
    assert saga.current(order).status == "pending"
    assert delay
    assert 5 <= delay <= 18
    saga.payments.down.clear()
    saga.pass_minutes(1)
    saga.assert_confirmed(order)


@pytest.mark.parametrize("service", ["payments", "stock"])
def test_saga_does_not_cancel_because_of_calls_for_other_orders(
    saga: SagaHarness, service: str
) -> None:
    order = saga.placed()
    saga.clock.now = order.deadline + SECOND
    token = "tok_unavailable" if service == "payments" else "tok_ok"
    others = [saga.placed(token, number=number) for number in range(2, 8)]
    saga.stock.down = service == "stock"
    for other in others:
        saga.advance(other)
    saga.stock.down = False
    # The circuit is open.
    assert saga.advance(order).status == "confirmed"


# ── Compensation ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("is_paid", "calls"), [(False, ["void"]), (True, ["authorize", "capture", "void", "refund"])]
)
def test_cancelled_order_gives_back_everything_once(
    saga: SagaHarness, is_paid: bool, calls: list[str]
) -> None:
    order = saga.placed()
    if is_paid:
        saga.advance(order)
    saga.cancel(order)
    for _ in range(3):
        saga.advance(order)
    saga.assert_given_back(order, money="refunded" if is_paid else "voided")
    assert saga.payments.calls == calls
    assert event_types(saga.orders, order).count("order.cancelled") == 1


@pytest.mark.parametrize("failure", ["down", "unanswered", "undelivered"])
@pytest.mark.parametrize("operation", ["void", "refund"])
def test_compensation_continues_until_the_money_is_given_back(
    saga: SagaHarness, operation: str, failure: str
) -> None:
    order = saga.placed()
    if operation == "void":
        saga.payments.down.add("capture")
    saga.advance(order)
    saga.cancel(order)
    getattr(saga.payments, failure).add(operation)
    saga.advance(order)
    saga.pass_minutes(60)
    # The stock does not wait for the money; a lost answer is looked up.
    assert saga.stock.available["mug"] == 10
    assert (saga.current(order).due_at is None) == (failure == "unanswered")
    getattr(saga.payments, failure).clear()
    saga.pass_minutes(2)
    saga.assert_given_back(order, money="voided" if operation == "void" else "refunded")


def test_compensation_continues_until_the_stock_is_given_back(saga: SagaHarness) -> None:
    order = saga.placed("tok_declined")
    run_before(saga, "authorize", lambda: setattr(saga.stock, "down", True))
    assert saga.advance(order).status == "cancelled"
    saga.stock.down = False
    saga.pass_minutes(1)
    saga.assert_given_back(order, money="declined")


def test_compensation_emits_its_age(saga: SagaHarness, capsys: pytest.CaptureFixture[str]) -> None:
    order = saga.placed()
    saga.cancel(order)
    saga.payments.down.add("void")
    metrics.flush()  # what other tests have counted
    saga.pass_minutes(20)
    metrics.flush()
    emitted = json.loads(capsys.readouterr().out.splitlines()[-1])
    # The delayed message arrives every 60 to 72 seconds.
    assert 20 * 60 - 72 <= max(emitted["CompensationAge"]) <= 20 * 60


# ── Waiting ─────────────────────────────────────────────────────────────────────────────────────


def test_waiting_order_is_retried_less_and_less_often_and_at_its_deadline(
    saga: SagaHarness,
) -> None:
    order = saga.placed("tok_unavailable")
    saga.advance(order)
    ages: list[float] = []
    while saga.messages and saga.current(order).status == "pending":
        saga.clock.now, _ = saga.messages.pop()
        ages.append(order.age(saga.clock.now).total_seconds())
        saga.deliver(order.id)
    gaps = [after - before for before, after in pairwise([0, *ages])]
    assert 5 <= gaps[0] <= 6
    assert max(gaps) <= 73
    assert len(ages) < 25
    assert 600 < ages[-1] < 620
    assert saga.current(order).cancel_reason == "payment_unavailable"


def test_waiting_order_ignores_a_duplicate_of_its_message(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.payments.down.add("authorize")
    saga.clock.now += 5 * MINUTE
    assert saga.deliver(order.id)
    waiting = saga.current(order)
    saga.payments.down.clear()
    assert saga.deliver(order.id) is None
    assert saga.current(order) == waiting


def test_waiting_order_has_one_message_when_two_workers_handle_it(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.payments.down.add("authorize")

    def other_worker_waits() -> None:
        saga.restart()
        saga.deliver(order.id)

    run_before(saga, "authorize", other_worker_waits)
    assert saga.deliver(order.id) is None
    assert len(saga.messages) == 1


def test_waiting_orders_are_confirmed_soon_after_an_outage(saga: SagaHarness) -> None:
    """Five minutes of outage: no order is cancelled, and all are confirmed within 90 seconds after
    it.
    """
    saga.stock.available["mug"] = 200
    saga.payments.down.add("authorize")
    orders = []
    for number in range(200):
        orders.append(saga.placed(number=number))
        saga.advance(orders[-1])
        saga.pass_seconds(1.5)
    saga.payments.down.clear()
    saga.pass_seconds(90)
    assert {saga.current(order).status for order in orders} == {"confirmed"}


# ── One payment, also after the provider has forgotten the key ──────────────────────────────────


def test_payment_with_a_known_id_is_not_authorised_again(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.payments.down.add("capture")
    assert saga.advance(order).payment_id == f"pay-{order.id}"
    saga.payments.down.clear()
    run_before(saga, "authorize", kill)
    saga.clock.now += 26 * HOUR
    saga.messages.clear()
    saga.pass_minutes(1)
    saga.assert_confirmed(order)


def test_payment_with_an_unknown_id_is_looked_up_after_a_day(saga: SagaHarness) -> None:
    order = saga.placed("tok_timeout")
    run_before(saga, "capture", kill)
    with pytest.raises(Killed):
        saga.advance(order)
    assert saga.current(order).payment_id is None
    saga.clock.now += 26 * HOUR
    saga.pass_minutes(1)
    saga.assert_confirmed(order)
    assert saga.payments.authorizations[order.id] == 1


def test_payment_that_does_not_exist_is_authorised_after_a_day(saga: SagaHarness) -> None:
    order = saga.placed()
    saga.clock.now += 26 * HOUR
    saga.pass_minutes(1)
    saga.assert_confirmed(order)


# ── Concurrent workers and requests ─────────────────────────────────────────────────────────────

every_step = pytest.mark.parametrize("step", ["confirm", "authorize", "capture"])


@every_step
def test_saga_gives_everything_back_when_the_order_is_cancelled_meanwhile(
    saga: SagaHarness, step: str
) -> None:
    order = saga.placed()
    run_before(saga, step, lambda: saga.cancel(order))
    saga.advance(order)
    saga.assert_given_back(order, money="refunded")


@every_step
def test_saga_changes_nothing_when_another_worker_has_compensated_the_order(
    saga: SagaHarness, step: str
) -> None:
    order = saga.placed()

    def cancel_and_compensate() -> None:
        saga.cancel(order)
        saga.saga.advance(order.id)

    run_before(saga, step, cancel_and_compensate)
    saga.advance(order)
    saga.assert_given_back(order)


@every_step
def test_saga_changes_nothing_when_another_worker_has_confirmed_the_order(
    saga: SagaHarness, step: str
) -> None:
    order = saga.placed()
    run_before(saga, step, lambda: saga.saga.advance(order.id))
    saga.advance(order)
    saga.assert_confirmed(order)


def test_saga_does_not_cancel_at_the_deadline_what_another_worker_has_confirmed(
    saga: SagaHarness,
) -> None:
    order = saga.placed()
    saga.clock.now += 11 * MINUTE

    def confirm_and_fail() -> None:
        saga.saga.advance(order.id)
        saga.payments.down.add("authorize")

    run_before(saga, "authorize", confirm_and_fail)
    saga.advance(order)
    saga.assert_confirmed(order)


def test_saga_cancels_at_the_deadline_what_another_worker_has_only_authorised(
    saga: SagaHarness,
) -> None:
    order = saga.placed()
    saga.clock.now += 11 * MINUTE

    def authorise_and_fail() -> None:
        saga.payments.down.add("capture")
        saga.saga.advance(order.id)
        saga.payments.down = {"authorize"}

    run_before(saga, "authorize", authorise_and_fail)
    saga.advance(order)
    saga.assert_given_back(order)

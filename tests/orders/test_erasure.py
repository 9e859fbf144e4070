"""Erased customers: their orders stay and go on, and tell nobody whose they were."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from orders.erasure import Erasure
from orders.models import Order
from orders.ports import DueOrder, Orders
from orders.repository import DynamoOrders
from shared.contracts.events import Event
from shared.errors import ServiceUnavailable
from shared.messaging.redelivery import ComeAgain
from shared.runtime.clock import rfc3339
from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import Table
from tests.orders.builders import MINUTE, NOON, a_basket, added, an_order, order_id_of
from tests.orders.fakes import InMemoryOrders
from tests.orders.stage import Stage
from tests.support.callers import ALICE, BOB
from tests.support.clock import ManualClock

NAME, EMAIL = "Alice Example", "alice@example.com"
GONE = f"{ALICE.id}@erased.invalid"


def user_erased(user_id: str = ALICE.id) -> Event:
    return Event(
        id=f"{user_id}.4",
        type="user.erased",
        aggregate_id=user_id,
        version=4,
        at=rfc3339(NOON),
        request_id="request-1",
        data={"user_id": user_id},
    )


def confirmed(orders: Orders, order: Order) -> Order:
    after = order.confirmed(at=NOON)
    orders.change(order, after)
    return after


def told(orders: Orders, order: Order) -> list[Event]:
    return orders.history(order.id, after=None, limit=100).events


class TestRules:
    def test_an_erased_order_keeps_its_figures(self) -> None:
        order = an_order().confirmed(at=NOON)
        erased = order.erased(at=NOON + MINUTE)
        assert (erased.user_name, erased.email, erased.is_erased) == ("Erased", GONE, True)
        assert erased == replace(
            order,
            user_name="Erased",
            email=GONE,
            payment_token="",
            version=3,
            updated_at="2026-11-20T12:01:00.000Z",
        )

    def test_it_never_changes_before_it_changed_last(self) -> None:
        order = an_order().confirmed(at=NOON + MINUTE)
        assert order.erased(at=NOON).updated_at == order.updated_at

    def test_what_a_pending_one_is_paid_with_is_kept_until_that_is_decided(self) -> None:
        order = an_order(basket=a_basket(payment_token="tok_timeout")).erased(at=NOON)
        assert order.payment_token == "tok_timeout"
        assert order.confirmed(at=NOON).payment_token == ""
        assert order.cancelled(at=NOON, reason="admin_request").payment_token == ""
        assert an_order().confirmed(at=NOON).payment_token == "tok_ok"


class TestStores:
    def test_an_erased_order_and_its_history_say_so(self, orders: Orders) -> None:
        order = confirmed(orders, added(orders, an_order()))
        after = order.erased(at=NOON + MINUTE)
        orders.erase(order, after)
        assert orders.find(order.id) == after
        assert [fact.type for fact in told(orders, order)] == [
            "order.placed",
            "order.confirmed",
            "user.erased",
        ]
        last = told(orders, order)[-1]
        assert (last.version, last.at) == (3, after.updated_at)
        assert last.data == after.data().model_dump(mode="json")
        assert {fact.data["email"] for fact in told(orders, order)} == {GONE}
        assert {fact.data["status"] for fact in told(orders, order)} == {"pending", "confirmed"}
        assert orders.totals()["confirmed"] == 1

    def test_whoever_read_it_before_writes_no_name_back(self, orders: Orders) -> None:
        seen = added(orders, an_order())
        after = seen.erased(at=NOON)
        orders.erase(seen, after)
        writes: tuple[Callable[[], object], ...] = (
            lambda: orders.change(seen, seen.confirmed(at=NOON)),
            lambda: orders.settle(seen),
        )
        for write in writes:
            with pytest.raises(ConcurrentChange) as refused:
                write()
            assert refused.value.current == after
        assert orders.find(seen.id) == after

    def test_an_order_that_has_gone_on_is_not_put_back(self, orders: Orders) -> None:
        seen = added(orders, an_order())
        now = confirmed(orders, seen)
        with pytest.raises(ConcurrentChange) as refused:
            orders.erase(seen, seen.erased(at=NOON))
        assert refused.value.current == now
        assert orders.find(seen.id) == now
        assert [fact.type for fact in told(orders, seen)] == ["order.placed", "order.confirmed"]

    def test_a_claim_of_the_same_version_stays(self, orders: Orders) -> None:
        seen = added(orders, an_order())
        assert seen.due_at
        later = rfc3339(NOON + 5 * MINUTE)
        assert orders.claim(DueOrder(seen.id, seen.due_at), until=later)
        orders.erase(seen, seen.erased(at=NOON))
        now = orders.find(seen.id)
        assert now
        assert (now.due_at, now.email) == (later, GONE)


def test_no_item_of_an_erased_order_tells_whose_it_was(table: Table) -> None:
    orders = DynamoOrders(table)
    order = confirmed(orders, added(orders, an_order(basket=a_basket(payment_token="tok_timeout"))))
    orders.erase(order, order.erased(at=NOON))
    items = table.client.scan(TableName=table.name)["Items"]
    for text in (NAME, EMAIL, "tok_timeout"):
        assert text not in repr(items)
    # What was still to be published is; that it was erased is not.
    assert ["unsent" in item for item in items if "event" in item] == [True, True, False]


class TestErasure:
    @pytest.fixture
    def orders(self) -> InMemoryOrders:
        return InMemoryOrders()

    def test_all_orders_of_the_customer_are_erased_and_no_one_else_s(
        self, orders: InMemoryOrders, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orders.erasure._AT_ONCE", 2)
        for number in range(5):
            added(orders, an_order(number, at=NOON + number * MINUTE))
        others = added(orders, an_order(9, user_id=BOB.id))
        erasure = Erasure(orders, ManualClock(NOON + MINUTE))
        for _ in range(2):
            with pytest.raises(ComeAgain) as rest:
                erasure.erase(user_erased())
            assert rest.value.seconds == 0
        erasure.erase(user_erased())
        assert [orders.orders[order_id_of(n)].is_erased for n in range(5)] == [True] * 5
        assert orders.orders[others.id] == others

    def test_it_comes_again_when_what_was_on_its_way_must_be_there(
        self, orders: InMemoryOrders
    ) -> None:
        clock = ManualClock(NOON)
        with pytest.raises(ComeAgain) as rest:
            Erasure(orders, clock).erase(user_erased())
        assert rest.value.seconds == 60
        late = added(orders, an_order())
        clock.now += MINUTE / 2
        with pytest.raises(ComeAgain) as rest:
            Erasure(orders, clock).erase(user_erased())
        assert rest.value.seconds == 30
        later = added(orders, an_order(2))
        clock.now += MINUTE / 2
        Erasure(orders, clock).erase(user_erased())
        assert orders.orders[late.id].version == orders.orders[later.id].version == 2

    def test_a_clock_that_is_behind_keeps_nobody_waiting_for_longer(
        self, orders: InMemoryOrders
    ) -> None:
        with pytest.raises(ComeAgain) as rest:
            Erasure(orders, ManualClock(NOON - 60 * MINUTE)).erase(user_erased())
        assert rest.value.seconds == 60

    def test_again_changes_nothing(self, orders: InMemoryOrders) -> None:
        order = added(orders, an_order())
        for _ in range(3):
            Erasure(orders, ManualClock(NOON + MINUTE)).erase(user_erased())
        assert orders.told(order.id) == ["order.placed", "user.erased"]

    def test_one_that_changes_meanwhile_is_erased_as_it_is_then(self) -> None:
        class Racing(InMemoryOrders):
            def erase(self, before: Order, after: Order) -> None:
                if before.status == "pending":
                    self.change(before, before.confirmed(at=NOON))
                super().erase(before, after)

        orders = Racing()
        order = added(orders, an_order())
        Erasure(orders, ManualClock(NOON + MINUTE)).erase(user_erased())
        assert orders.told(order.id) == ["order.placed", "order.confirmed", "user.erased"]
        assert orders.orders[order.id].status == "confirmed"

    def test_one_that_keeps_changing_brings_the_event_back(self) -> None:
        class Racing(InMemoryOrders):
            def erase(self, before: Order, after: Order) -> None:
                raise ConcurrentChange(before)

        orders = Racing()
        added(orders, an_order())
        with pytest.raises(ServiceUnavailable):
            Erasure(orders, ManualClock(NOON + MINUTE)).erase(user_erased())


class TestSagas:
    def erased(self, stage: Stage) -> None:
        Erasure(stage.orders, ManualClock(NOON + MINUTE)).erase(user_erased())

    def test_an_erased_order_goes_on_to_its_end(self, stage: Stage) -> None:
        order = stage.placed("tok_timeout")
        self.erased(stage)
        assert stage.advance(order).status == "confirmed"
        assert stage.now(order).payment_token == ""
        assert stage.now(order).email == GONE

    @pytest.mark.parametrize("moment", ["authorize", "confirm", "capture"])
    def test_an_order_that_is_erased_in_the_middle_of_its_saga_stays_so(
        self, stage: Stage, moment: str
    ) -> None:
        order = stage.placed()
        where = stage.stock if moment == "confirm" else stage.payments
        where.before[moment] = lambda: self.erased(stage)
        now = stage.advance(order)
        assert (now.status, now.email, now.payment_token) == ("confirmed", GONE, "")
        assert stage.payments.states[order.id] == "captured"
        assert EMAIL not in repr(stage.orders.events)
        assert stage.orders.told(order.id) == ["order.placed", "user.erased", "order.confirmed"]

    def test_a_cancelled_one_gives_everything_back(self, stage: Stage) -> None:
        order = stage.placed()
        stage.cancel(order)
        self.erased(stage)
        now = stage.advance(order)
        assert (now.status, now.due_at, now.email) == ("cancelled", None, GONE)
        assert stage.stock.available["mug"] == 10

"""Reconciliation: each break by hand is found, by the whole comparison and by the daily one of
recent orders, and the command that is printed mends it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from operations.reconciliation.models import TABLES, Books
from operations.reconciliation.service import Reconciliation
from orders.payments.sandbox import SandboxPayments
from shared.storage.dynamodb import Table, from_wire, to_wire
from tests.simulation.shop import SimulatedShop, opened
from tests.support.context import a_deadline
from tests.support.lambda_events import SCHEDULED
from tools.progress import Problem
from tools.reconcile import Mender, Stored, compared, mend_all, mend_one, show

type Item = dict[str, Any]


@dataclass
class Scene:
    """A shop at rest, hours later, with an order in each end state."""

    shop: SimulatedShop
    confirmed: str
    declined: str
    refunded: str

    @property
    def stored(self) -> Stored:
        tables = {name: Table(name, self.shop._dynamodb) for name in TABLES}
        return Stored(tables, SandboxPayments(tables["OrdersTable"]))

    def change(self, table: str, pk: str, sk: str = "", **attributes: Any) -> None:
        """By hand: None removes an attribute; without attributes, the item goes."""
        items = self.shop.cloud.dynamodb.tables[table].items
        for key, stored in list(items.items()):
            if key[0] != pk or not key[1].startswith(sk):
                continue
            if not attributes:
                del items[key]
                continue
            changed = {**from_wire(stored), **attributes}
            items[key] = to_wire({n: value for n, value in changed.items() if value is not None})


@pytest.fixture(scope="module")
def restored() -> Iterator[tuple[Scene, Callable[[], None]]]:
    with opened() as shop:
        confirmed, refunded = (shop.order((shop.mug, 2), key=key) for key in ("one", "two"))
        declined = shop.order((shop.tray, 1), key="three", payment_token="tok_declined")
        shop.come_to_rest()
        refund = {"items": [{"product_id": shop.mug["id"], "quantity": 1}], "restock": True}
        path = f"/api/v1/orders/{refunded['id']}/refunds"
        answer = shop.admin.post(path, refund, headers={"Idempotency-Key": "refund"})
        assert answer.status_code == 201, answer.text
        shop.come_to_rest()
        shop.pass_time(timedelta(hours=3))
        scene = Scene(shop, confirmed["id"], declined["id"], refunded["id"])
        yield scene, shop.remember()


@pytest.fixture
def scene(restored: tuple[Scene, Callable[[], None]]) -> Scene:
    scene, restore = restored
    restore()
    return scene


def _product(scene: Scene) -> Item:
    key = f"PRODUCT#{scene.shop.mug['id']}", "PRODUCT"
    return from_wire(scene.shop.cloud.dynamodb.tables["ProductsTable"].items[key])


def _pay_for_nothing(scene: Scene) -> None:
    table = scene.shop.cloud.dynamodb.tables["OrdersTable"]
    payment = copy.deepcopy(table.items[f"SANDBOX-PAYMENT#{scene.confirmed}", "PAYMENT"])
    key = f"SANDBOX-PAYMENT#{'f' * 32}", "PAYMENT"
    table.items[key] = {**payment, **to_wire({"pk": key[0]})}


def _lose_the_order(scene: Scene) -> None:
    """As a restored orders table does: the sandbox's payment stays."""
    scene.change("OrdersTable", f"ORDER#{scene.confirmed}")
    _recount(scene, "OrdersTable")


def _recount(scene: Scene, table: str) -> None:
    stored = scene.stored
    Mender(stored, stored.books()).mend("count", table)


def _keep_the_stock_of_a_cancelled_order(scene: Scene) -> None:
    scene.change("ProductsTable", f"RESERVATION#{scene.declined}", state="confirmed")
    scene.change("ProductsTable", f"PRODUCT#{scene.shop.tray['id']}", taken=1, available=29)
    _recount(scene, "ProductsTable")


def _free_the_stock_of_a_sold_order(scene: Scene) -> None:
    """As a restored products table does."""
    scene.change("ProductsTable", f"RESERVATION#{scene.confirmed}")
    mug = f"PRODUCT#{scene.shop.mug['id']}"
    scene.change("ProductsTable", mug, "PRODUCT", taken=1, available=7)
    _recount(scene, "ProductsTable")


def _forget_that_the_refund_has_ended(scene: Scene) -> None:
    order = f"ORDER#{scene.refunded}"
    [(id_, refund)] = scene.stored.books().refunds.items()
    scene.change("OrdersTable", order, "REFUND", status="pending")
    scene.change(
        "OrdersTable",
        order,
        "ORDER",
        refunding_minor=refund["amount_minor"],
        refunded_minor=None,
        pending_refunds=[id_],
    )


def _lose_the_notifications(scene: Scene) -> None:
    scene.change("NotificationsTable", f"USER#{scene.shop.customer.user['id']}")
    _recount(scene, "NotificationsTable")


def _take_one_more(scene: Scene) -> None:
    product = _product(scene)
    scene.change("ProductsTable", product["pk"], "PRODUCT", taken=product["taken"] + 1)


@dataclass(frozen=True)
class Break:
    """A break by hand.

    Attributes:
        texts: what every finding has one of.
        mends: what is printed to mend them; empty if a person has to decide.
        is_daily: whether the daily comparison of orders finds it too.
    """

    by: Callable[[Scene], None]
    texts: tuple[str, ...]
    mends: tuple[str, ...] = ()
    is_daily: bool = True


BREAKS: Final = {
    "something is left to do": Break(
        lambda s: s.change(
            "OrdersTable", f"ORDER#{s.declined}", "ORDER", due_at="2026-11-20T12:00:00.000Z"
        ),
        ("is cancelled and still due",),
        ("resume",),
    ),
    "stock of a cancelled order": Break(
        _keep_the_stock_of_a_cancelled_order,
        ("is cancelled, its stock is confirmed",),
        ("resume",),
    ),
    "stock of a sold order is held": Break(
        lambda s: s.change("ProductsTable", f"RESERVATION#{s.confirmed}", state="held"),
        ("is confirmed, its stock is held",),
        ("take",),
    ),
    "stock of a sold order is released": Break(
        lambda s: s.change("ProductsTable", f"RESERVATION#{s.confirmed}", state="released"),
        ("is confirmed, its stock is released", "taken, reserved"),
        ("stock",),
    ),
    "stock of a sold order is free": Break(
        _free_the_stock_of_a_sold_order,
        ("its stock was never reserved",),
        ("take",),
    ),
    "order is lost": Break(
        _lose_the_order,
        ("does not exist, its stock is confirmed", "is captured without an order"),
        ("release", "repay"),
        is_daily=False,
    ),
    "payment without an order": Break(
        _pay_for_nothing, ("is captured without an order",), ("repay",), is_daily=False
    ),
    "money of a sold order is void": Break(
        lambda s: s.change("OrdersTable", f"SANDBOX-PAYMENT#{s.confirmed}", state="voided"),
        ("is confirmed, its money is voided",),
    ),
    "sold order is not paid": Break(
        lambda s: s.change("OrdersTable", f"SANDBOX-PAYMENT#{s.confirmed}"),
        ("is confirmed and is not paid",),
    ),
    "money of a cancelled order is captured": Break(
        lambda s: s.change(
            "OrdersTable",
            f"SANDBOX-PAYMENT#{s.declined}",
            state="captured",
            entries=["authorized", "captured"],
        ),
        ("is cancelled, its money is captured",),
        ("resume",),
    ),
    "another amount is captured": Break(
        lambda s: s.change("OrdersTable", f"SANDBOX-PAYMENT#{s.confirmed}", amount_minor=1),
        ("1 paid for",),
    ),
    "refund is not at the provider": Break(
        lambda s: s.change("OrdersTable", f"SANDBOX-PAYMENT#{s.refunded}", refunds={}),
        ("has the refunds",),
    ),
    "refund of the whole payment is at the provider only": Break(
        lambda s: s.change(
            "OrdersTable",
            f"SANDBOX-PAYMENT#{s.confirmed}",
            state="refunded",
            refunds={"by hand": _payment(s)["amount_minor"]},
        ),
        ("the provider {'by hand'",),
    ),
    "refund is not finished": Break(
        _forget_that_the_refund_has_ended, ("has refunds that are not finished",), ("resume",)
    ),
    "order counts a refund that it has not": Break(
        lambda s: s.change("OrdersTable", f"ORDER#{s.refunded}", "ORDER", refunding_minor=1),
        ("counts 1 that is being refunded",),
    ),
    "refund is forgotten by its order": Break(
        lambda s: s.change("OrdersTable", f"ORDER#{s.refunded}", "ORDER", refunded_minor=None),
        ("says 0 refunded",),
    ),
    "unit is claimed twice": Break(
        lambda s: s.change("OrdersTable", f"ORDER#{s.refunded}", "ORDER", claimed=None),
        ("has claims of",),
    ),
    "event is lost": Break(
        lambda s: s.change("OrdersTable", f"ORDER#{s.confirmed}", "EVENT#0000000001"),
        ("its events are [2]",),
    ),
    "event is not published": Break(
        lambda s: s.change(
            "OrdersTable", f"ORDER#{s.confirmed}", "EVENT#0000000002", unsent="quarantine"
        ),
        ("was never published",),
        ("redrive",),
    ),
    "notification is lost": Break(
        _lose_the_notifications,
        ("has no notification",),
        ("publish",),
    ),
    "event of a notification is lost": Break(
        lambda s: s.change(
            "NotificationsTable",
            f"USER#{s.shop.customer.user['id']}",
            "NOTIFICATION",
            type="order.shipped",
        ),
        ("has no event order.shipped, but a notification of it",),
        is_daily=False,
    ),
    "product has more taken than reserved": Break(
        _take_one_more,
        ("taken, reserved",),
        ("stock",),
        is_daily=False,
    ),
    "product is oversold": Break(
        lambda s: s.change("ProductsTable", f"PRODUCT#{s.shop.mug['id']}", "PRODUCT", available=-1),
        ("is oversold", "total_stock"),
        ("count",),
        is_daily=False,
    ),
    "total is wrong": Break(
        lambda s: s.change("OrdersTable", "COUNTERS", confirmed=7),
        ("OrdersTable counts",),
        ("count",),
        is_daily=False,
    ),
}


def _payment(scene: Scene) -> Item:
    key = f"SANDBOX-PAYMENT#{scene.confirmed}", "PAYMENT"
    return from_wire(scene.shop.cloud.dynamodb.tables["OrdersTable"].items[key])


broken = pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)


def test_shop_at_rest_agrees(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    books, found = compared(scene.stored)
    show(books, found, "")
    assert found == []
    assert "3 orders, 3 reservations, 3 payments" in capsys.readouterr().out
    assert scene.shop.invoke("OperationsReconciler", SCHEDULED) == 0


@broken
def test_break_is_found_with_what_mends_it(
    scene: Scene, broken: Break, capsys: pytest.CaptureFixture[str]
) -> None:
    broken.by(scene)
    books, found = compared(scene.stored)
    assert all(any(text in f.text for f in found) for text in broken.texts), found
    assert {finding.mend for finding in found if finding.mend} == set(broken.mends)
    show(books, found, " ENV=dev")
    printed = capsys.readouterr().out
    for finding in found:
        command = f"MEND={finding.mend}:{finding.id} ENV=dev"
        if finding.mend == "redrive":
            command = f"make dlq ACTION=redrive QUEUE={finding.id} ENV=dev"
        assert (command if finding.mend else "docs/runbook.md") in printed


@broken
def test_break_is_found_by_the_daily_comparison_of_orders(scene: Scene, broken: Break) -> None:
    broken.by(scene)
    found = scene.shop.invoke("OperationsReconciler", SCHEDULED)
    assert (found > 0) is broken.is_daily


@pytest.mark.parametrize(
    "broken",
    [one for one in BREAKS.values() if one.mends and "redrive" not in one.mends],
    ids=[name for name, one in BREAKS.items() if one.mends and "redrive" not in one.mends],
)
def test_mending_all_leaves_what_a_person_has_to_decide(scene: Scene, broken: Break) -> None:
    broken.by(scene)
    books, found = compared(scene.stored)
    mend_all(scene.stored, books, found)
    scene.shop.come_to_rest()
    scene.shop.pass_time(timedelta(hours=2))
    _, left = compared(scene.stored)
    assert {finding.mend for finding in left} <= {None}, left


def test_order_that_is_under_way_disagrees_only_when_it_is_late(scene: Scene) -> None:
    order = scene.shop.order((scene.shop.tray, 1), key="under way", payment_token="tok_unavailable")
    scene.shop.settle()
    assert compared(scene.stored)[1] == []
    scene.shop.pass_time(timedelta(hours=2))
    _, found = compared(scene.stored)
    assert {finding.id for finding in found if finding.mend == "resume"} == {order["id"]}


@pytest.mark.parametrize("name", ["product has more taken than reserved", "total is wrong"])
def test_wrong_number_is_found_while_the_shop_sells(scene: Scene, name: str) -> None:
    BREAKS[name].by(scene)
    stored, keys = scene.stored, iter("abcdef")

    class Open(Stored):
        def books(self) -> Books:
            scene.shop.order((scene.shop.mug, 1), key=next(keys))
            scene.shop.settle()
            return super().books()

    _, found = compared(Open(stored.tables, stored.payments))
    assert [finding.mend for finding in found] == [*BREAKS[name].mends]


def test_daily_comparison_reports_orders_that_it_had_no_time_to_compare(scene: Scene) -> None:
    from operations.reconciliation.repository import DynamoRecords
    from operations.reconciliation.service import NotFinished

    tables = scene.stored.tables
    records = DynamoRecords(
        tables["OrdersTable"], tables["ProductsTable"], tables["NotificationsTable"]
    )
    reconciliation = Reconciliation(records, scene.stored.payments)
    with pytest.raises(NotFinished, match="3 orders were not compared"):
        reconciliation.run(a_deadline(seconds=10))


def test_mend_of_what_does_not_disagree_is_refused(scene: Scene) -> None:
    """A payment of a confirmed order is not given back because of an id that was mistaken."""
    payment = _payment(scene)
    for mend in (f"repay:{scene.confirmed}", f"release:{scene.confirmed}", "count:OrdersTable"):
        with pytest.raises(Problem, match="Nothing disagrees"):
            mend_one(scene.stored, mend)
    assert _payment(scene) == payment
    assert compared(scene.stored)[1] == []


def test_totals_are_corrected_by_what_is_wrong_while_the_shop_sells(scene: Scene) -> None:
    scene.change("OrdersTable", "COUNTERS", confirmed=7)
    stored, keys = scene.stored, iter("abcdef")

    class Open(Stored):
        def books(self) -> Books:
            """In the second reading, an order is cancelled after the counters are read."""
            before, key = super().books(), next(keys)
            if key != "b":
                return before
            scene.shop.order((scene.shop.tray, 1), key=key, payment_token="tok_declined")
            scene.shop.come_to_rest()
            return replace(before, orders=super().books().orders)

    mend_one(Open(stored.tables, stored.payments), "count:OrdersTable")
    scene.shop.pass_time(timedelta(hours=2))
    assert compared(stored)[1] == []


def test_categories_of_a_former_release_are_counted(scene: Scene) -> None:
    table = scene.stored.tables["ProductsTable"]
    kept = list(table.query("#pk = :pk", {"pk": "CATEGORIES"}).items)
    assert kept
    for item in kept:
        table.delete({"pk": item["pk"], "sk": item["sk"]})
    assert {finding.mend for finding in compared(scene.stored)[1]} == {"count"}
    mend_one(scene.stored, "count:ProductsTable")
    assert list(table.query("#pk = :pk", {"pk": "CATEGORIES"}).items) == kept


def test_notification_whose_message_is_delivered_again_is_missing_only_when_it_is_late(
    scene: Scene,
) -> None:
    scene.shop.order((scene.shop.tray, 1), key="mailed late")
    for _ in range(3):
        scene.shop.publish()
        scene.shop.deliver("CheckoutQueue")
    scene.shop.pass_time(timedelta(minutes=10))
    assert compared(scene.stored)[1] == []
    assert scene.shop.invoke("OperationsReconciler", SCHEDULED) == 0
    scene.shop.pass_time(timedelta(hours=1))
    assert {finding.mend for finding in compared(scene.stored)[1]} == {"publish"}

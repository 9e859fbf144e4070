"""A restore: tables are brought back to a moment, and the shop agrees again with the payment
provider and with its notifications."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

import pytest

from operations.reconciliation.models import TABLES
from orders.payments.sandbox import SandboxPayments
from shared.runtime import clock
from shared.storage.dynamodb import Item, Table, from_wire
from tests.simulation.shop import SimulatedShop, opened
from tests.support.client import PASSWORD, Client
from tools.reconcile import Stored, compared, mend_all, scanned
from tools.restore import bring_back, erase_again, erased_users, note_sent

_MINUTES_2: Final = timedelta(minutes=2)
_NAMES: Final = (*TABLES, "CredentialsTable")


@pytest.fixture
def shop() -> Iterator[SimulatedShop]:
    with opened() as shop:
        yield shop


def _table(shop: SimulatedShop, name: str) -> Table:
    return Table(name, shop._dynamodb)


def _stored(shop: SimulatedShop) -> Stored:
    tables = {name: _table(shop, name) for name in TABLES}
    return Stored(tables, SandboxPayments(tables["OrdersTable"]))


def _snapshot(shop: SimulatedShop) -> dict[str, list[Item]]:
    return {name: deepcopy(scanned(_table(shop, name))) for name in _NAMES}


def _status(who: Client, order: dict[str, Any]) -> str:
    return str(who.get(f"/api/v1/orders/{order['id']}").json()["status"])


def _run_without_emails(shop: SimulatedShop) -> None:
    for _ in range(8):
        shop.pass_time(_MINUTES_2)
        for sweeper in ("UsersSweeper", "ProductsSweeper", "OrdersSweeper"):
            shop.tick(sweeper)
        shop.publish()
        shop.deliver("CheckoutQueue")


def test_products_that_are_restored_alone_are_not_sold_twice(shop: SimulatedShop) -> None:
    before = _snapshot(shop)["ProductsTable"]
    for key in "abcde":
        shop.order((shop.mug, 1), key=key)
    shop.come_to_rest()
    bring_back(_table(shop, "ProductsTable"), before)
    # Eight of eight are available again, and five are sold.
    shop.pass_time(timedelta(hours=2))
    books, found = compared(_stored(shop))
    assert [finding.mend for finding in found] == ["take"] * 5
    mend_all(_stored(shop), books, found)
    assert compared(_stored(shop))[1] == []
    assert shop.customer.try_order((shop.mug, 4)).status_code == 409
    assert shop.customer.try_order((shop.mug, 3)).status_code == 201


def test_restored_shop_agrees_again_and_sends_no_old_email(shop: SimulatedShop) -> None:
    nina = shop.anyone.register(email="nina@example.com", full_name="Nina Newcomer")
    shipped, cancelled = (shop.order((shop.mug, 1), key=key) for key in ("one", "two"))
    of_nina = nina.order((shop.mug, 1))
    shop.come_to_rest()
    # An order in the middle of its checkout.
    pending = shop.order((shop.tray, 1), key="three")
    then, at = _snapshot(shop), clock.rfc3339(clock.now())
    shop.come_to_rest()
    lost = shop.order((shop.tray, 2), key="four")
    shop.move(shop.admin, shipped, "ship", "shipped")
    shop.move(shop.customer, cancelled, "cancel", "cancelled")
    shop.come_to_rest()
    assert nina.delete(
        f"/api/v1/users/{nina.user['id']}?erase=true", json={"current_password": PASSWORD}
    ).is_success
    shop.come_to_rest()
    handed_over = len(shop.cloud.handed_over)
    shop.cloud.dynamodb.tables["ProductsTable"].items.clear()

    users = _table(shop, "UsersTable")
    erased = erased_users(scanned(users), since=at)
    for name in _NAMES:
        of_users = name in ("UsersTable", "CredentialsTable")
        bring_back(
            _table(shop, name),
            then[name],
            only_missing=name == "NotificationsTable",
            erased=erased if of_users else (),
        )
    erase_again(users, erased)
    _run_without_emails(shop)
    shop.pass_time(timedelta(hours=2))
    stored = _stored(shop)
    books, found = compared(stored)
    mend_all(stored, books, found)
    _run_without_emails(shop)

    # The others need a person: what was cancelled and shipped is so again.
    _, left = compared(stored)
    assert {finding.text.split()[1] for finding in left} >= {shipped["id"], cancelled["id"]}
    admin = shop.admin.log_in()
    for order, verb in ((shipped, "ship"), (cancelled, "cancel")):
        assert admin.post(f"/api/v1/orders/{order['id']}/{verb}").is_success
    _run_without_emails(shop)
    assert note_sent(stored.tables["NotificationsTable"], stored.books()) == 3
    shop.come_to_rest()
    shop.pass_time(timedelta(hours=2))
    _, left = compared(stored)
    assert left == []
    assert len(shop.cloud.handed_over) == handed_over
    assert _status(admin, pending) == "confirmed"
    assert admin.get(f"/api/v1/orders/{lost['id']}").status_code == 404
    payment = from_wire(
        shop.cloud.dynamodb.tables["OrdersTable"].items[f"SANDBOX-PAYMENT#{lost['id']}", "PAYMENT"]
    )
    assert payment["state"] == "refunded"
    everything = repr([items for name in _NAMES for items in scanned(_table(shop, name))])
    assert "Nina Newcomer" not in everything
    assert "nina@example.com" not in everything
    assert of_nina["id"] in everything


def test_second_refund_is_mailed_although_the_first_one_was(shop: SimulatedShop) -> None:
    order = shop.order((shop.mug, 1), key="one")
    path = f"/api/v1/orders/{order['id']}/refunds"

    def refund(key: str) -> None:
        answer = shop.admin.post(path, {"amount": "1.00"}, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text

    shop.come_to_rest()
    refund("first")
    shop.come_to_rest()
    handed_over = len(shop.cloud.handed_over)
    refund("second")
    _run_without_emails(shop)
    stored = _stored(shop)
    assert note_sent(stored.tables["NotificationsTable"], stored.books()) == 0
    shop.come_to_rest()
    assert len(shop.cloud.handed_over) == handed_over + 1

"""A customer is erased: nothing in the shop tells who they were any more, and every figure stays."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.flows.views import by_status, figures, history_of, letters_to, order_of, payment_of
from tests.simulation.people import Regular
from tests.simulation.stage import Stage, opened
from tests.simulation.town import Town
from tests.support.client import Client
from tests.support.invariants import breaches

FIRST = {"email": "petra.private@example.com", "full_name": "Petra Private"}
LATER = {"email": "petra.public@example.com", "full_name": "Petra Public"}
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def opening() -> Iterator[tuple[Stage, Callable[[], None]]]:
    with opened() as stage:
        yield stage, stage.remember()


@pytest.fixture
def stage(opening: tuple[Stage, Callable[[], None]]) -> Iterator[Stage]:
    stage, restore = opening
    yield stage
    # And if it was in the middle of something, that is over.
    restore()


@pytest.fixture
def town(stage: Stage) -> Town:
    return stage.town


@pytest.fixture
def petra(stage: Stage) -> Client:
    """A customer who has been welcomed."""
    petra = stage.anyone.register(**FIRST)
    stage.town.settle()
    return petra


@dataclass
class Raw(Client):
    """Somebody who does not log in again."""


def erase(by: Client, whom: Client) -> None:
    path = f"/api/v1/users/{whom.user['id']}"
    answer = by.delete(path, params={"erase": "true"})
    assert (answer.status_code, answer.json()) == (200, {"deactivated": True, "erased": True})


def settle_for_good(town: Town) -> None:
    """Until the second look for late orders is over too."""
    town.settle()
    town.pass_time(MINUTE)
    town.settle()


def told_of(town: Town, *words: str) -> list[str]:
    """The keys of all items of all tables that hold one of the words."""
    return [
        f"{item['pk']} {item['sk']}"
        for item in town.books().everything
        if any(word in repr(item) for word in words)
    ]


def elsewhere(happens: Callable[[], None]) -> Callable[[], None]:
    """The same on a thread of its own: an API that is in the middle of a request has this one's event loop."""

    def run() -> None:
        with ThreadPoolExecutor(1) as another:
            another.submit(happens).result()

    return run


def amounts(admin: Client, *orders: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What of orders must not change."""
    found = [order_of(admin, order) for order in orders]
    names = ("user_id", "status", "items", "total_amount", "currency", "created_at")
    return [tuple(order[name] for name in names) for order in found]


def test_no_table_tells_of_an_erased_customer_and_all_figures_stay(
    stage: Stage, town: Town, petra: Client
) -> None:
    admin = stage.admin
    bought = petra.order((stage.mug, 2), (stage.tray, 1))
    town.settle()
    changed = petra.put(f"/api/v1/users/{petra.user['id']}", LATER)
    assert changed.status_code == 200
    called_off = petra.order((stage.tray, 3))
    refused = petra.order((stage.tray, 2), payment_token="tok_declined")
    town.settle()
    assert petra.post(f"/api/v1/orders/{called_off['id']}/cancel").status_code == 200
    town.settle()
    [first, *_] = petra.get("/api/v1/notifications").json()["notifications"]
    petra.post(f"/api/v1/notifications/{first['id']}/read")
    orders = (bought, called_off, refused)
    services = ("products", "orders", "notifications")
    before = [figures(admin, service) for service in services]
    kept = amounts(admin, *orders)
    letters = len(town.cloud.handed_over)
    assert len(told_of(town, *FIRST.values(), *LATER.values())) > 15
    erase(petra, petra)
    settle_for_good(town)
    assert told_of(town, "Petra", "petra", *FIRST.values(), *LATER.values()) == []
    assert [figures(admin, service) for service in services] == before
    assert figures(admin, "users") == {"total": 3, "active": 2}
    assert amounts(admin, *orders) == kept
    assert [payment_of(order) for order in orders] == ["captured", "refunded", "declined"]
    assert len(town.cloud.handed_over) == letters
    assert order_of(admin, bought)["user_name"] == "Erased"
    assert history_of(admin, bought) == ["order.placed", "order.confirmed", "user.erased"]
    events = admin.get(f"/api/v1/orders/{bought['id']}/events").json()["events"]
    assert {event["data"]["user_name"] for event in events} == {"Erased"}
    user = petra.user["id"]
    told = admin.get("/api/v1/notifications", params={"user_id": user}).json()["notifications"]
    assert {(n["subject"], n["body"]) for n in told} == {("Erased", "Erased")}
    assert [n["status"] for n in told] == ["sent"] * 8
    assert breaches(town.books(), stage.witness) == []
    assert [queue for queue, q in town.cloud.queues.items() if q.messages] == []


def test_an_erased_customer_is_a_stranger(stage: Stage, town: Town, petra: Client) -> None:
    placed = petra.order((stage.mug, 1))
    erase(petra, petra)
    settle_for_good(town)
    old = Raw(petra.http, petra.token)
    assert old.get("/api/v1/users/me").status_code == 401
    assert old.try_order((stage.mug, 1)).status_code == 403
    again = Regular(petra.http).register(**FIRST)
    assert again.user["id"] != petra.user["id"]
    assert again.get(f"/api/v1/orders/{placed['id']}").status_code == 404
    assert again.get("/api/v1/orders").json()["orders"] == []
    town.settle()
    assert letters_to(town, again)[-1:] == ["Welcome to Bodega"]


def test_an_order_that_was_being_placed_is_erased_a_minute_later(
    stage: Stage, town: Town, petra: Client
) -> None:
    """Its placing was told that the account is active; the order is written when the first look is over."""

    def erased() -> None:
        erase(stage.admin, petra)
        town.settle()

    letters = len(town.cloud.handed_over)
    call = "OrdersApi: dynamodb.TransactWriteItems OrdersTable"
    with town.wire.meanwhile(call, elsewhere(erased)):
        placed = petra.order((stage.mug, 1))
    town.settle()
    assert told_of(town, FIRST["email"]) != []
    town.pass_time(MINUTE)
    town.settle()
    assert told_of(town, *FIRST.values()) == []
    assert history_of(stage.admin, placed) == ["order.placed", "order.confirmed", "user.erased"]
    assert len(town.cloud.handed_over) == letters
    assert breaches(town.books(), stage.witness) == []


def test_an_order_that_the_index_does_not_show_yet_is_erased_a_minute_later(
    stage: Stage, town: Town, petra: Client
) -> None:
    town.cloud.dynamodb.let_indexes_fall_behind()
    placed = petra.order((stage.mug, 1))
    erase(petra, petra)
    town.settle()
    town.cloud.dynamodb.let_indexes_catch_up()
    assert order_of(stage.admin, placed)["user_name"] == FIRST["full_name"]
    town.pass_time(MINUTE)
    town.settle()
    assert told_of(town, *FIRST.values()) == []


def test_letters_that_were_on_their_way_are_sent_to_nobody(
    stage: Stage, town: Town, petra: Client
) -> None:
    letters = len(town.cloud.handed_over)
    placed = petra.order((stage.mug, 1))
    erase(petra, petra)
    while town.publish():
        town.deliver("CheckoutQueue")
    waiting = town.cloud.queues["NotificationsQueue"].messages
    erasure_first = sorted(waiting, key=lambda message: "user.erased" not in message.body)
    town.hand_over("NotificationsQueue", erasure_first)
    settle_for_good(town)
    stage.move(stage.admin, placed, "ship", "shipped")
    town.settle()
    assert len(town.cloud.handed_over) == letters
    assert told_of(town, *FIRST.values()) == []
    assert breaches(town.books(), stage.witness) == []


def test_events_that_were_published_late_write_to_nobody(stage: Stage, town: Town) -> None:
    petra = stage.anyone.register(**FIRST)
    petra.order((stage.mug, 1))
    letters = len(town.cloud.handed_over)
    with town.refusing("sns.PublishBatch"):
        town.settle()
        erase(petra, petra)
        town.settle()
    # As if the streams had given up; then the sweepers find what the erasure has overwritten.
    town.forget_deliveries()
    town.come_to_rest()
    assert len(town.cloud.handed_over) == letters
    assert told_of(town, *FIRST.values()) == []
    assert breaches(town.books(), stage.witness) == []


def test_open_orders_of_an_erased_customer_go_on_to_their_end(
    stage: Stage, town: Town, petra: Client
) -> None:
    admin = stage.admin
    unpaid = petra.order((stage.mug, 2), payment_token="tok_unavailable")
    paid = petra.order((stage.tray, 1), payment_token="tok_timeout")
    town.settle()
    erase(petra, petra)
    settle_for_good(town)
    assert order_of(admin, unpaid)["status"] == "pending"
    town.pass_time(11 * MINUTE)
    town.tick("OrdersSweeper")
    town.settle()
    assert order_of(admin, unpaid)["cancel_reason"] == "payment_unavailable"
    assert payment_of(unpaid) == "voided"
    stage.move(admin, paid, "cancel", "cancelled")
    town.settle()
    assert payment_of(paid) == "refunded"
    assert figures(admin, "orders") == by_status(cancelled=2)
    assert admin.stock_of(stage.mug) == 8
    assert history_of(admin, unpaid) == ["order.placed", "user.erased", "order.cancelled"]
    stored = [item for item in town.books().orders.values() if item["payment_token"]]
    assert stored == []
    assert breaches(town.books(), stage.witness) == []


SAGAS = {
    "confirmed": ("tok_ok", 6),
    "declined": ("tok_declined", 7),
    "called off": ("tok_ok", 6),
}


@pytest.mark.parametrize("saga", SAGAS)
def test_an_erasure_beside_a_saga_harms_neither_at_whichever_call(
    stage: Stage, town: Town, saga: str
) -> None:
    token, at_least = SAGAS[saga]
    petra = stage.anyone.register(**FIRST)
    town.settle()
    placed = petra.order((stage.mug, 2), payment_token=token)
    if saga == "called off":
        stage.move(petra, placed, "cancel", "cancelled")
    restore = stage.remember()
    number = 0

    def erased() -> None:
        erase(stage.admin, petra)
        town.publish()
        town.deliver("CheckoutQueue")

    while True:
        town.publish()
        town.wire.forget()
        with town.wire.meanwhile(number, erased):
            town.deliver("CheckoutQueue")
        calls = [call for call in town.wire.calls if call.function == "OrdersCheckout"]
        town.come_to_rest()
        if number >= len(calls):
            break
        assert told_of(town, *FIRST.values()) == [], number
        assert breaches(town.books(), stage.witness) == [], number
        status = order_of(stage.admin, placed)["status"]
        assert status == ("confirmed" if saga == "confirmed" else "cancelled"), number
        restore()
        number += 1
    assert number >= at_least

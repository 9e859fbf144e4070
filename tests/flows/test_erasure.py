"""A customer is erased: no item of the shop holds their personal data any more, and every figure
stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.flows.views import figures, letters_to, order_of
from tests.simulation.shop import SimulatedShop
from tests.support.client import PASSWORD, Client, RenewingClient
from tests.support.invariants import breaches

FIRST = {"email": "petra.private@example.com", "full_name": "Petra Private"}
LATER = {"email": "petra.public@example.com", "full_name": "Petra Public"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def petra(shop: SimulatedShop) -> Client:
    """A customer who has been welcomed."""
    petra = shop.anyone.register(**FIRST)
    shop.settle()
    return petra


def confirm(petra: Client, token: str) -> None:
    assert petra.post("/api/v1/auth/confirm", {"token": token}).status_code == 200


def erase(by: Client, whom: Client) -> None:
    path = f"/api/v1/users/{whom.user['id']}"
    own = {"current_password": PASSWORD}
    answer = by.delete(path, params={"erase": "true"}, json=own)
    assert (answer.status_code, answer.json()) == (200, {"deactivated": True, "erased": True})


def settle_for_good(shop: SimulatedShop) -> None:
    """Until the second look for late orders is over too."""
    shop.settle()
    shop.pass_time(MINUTE)
    shop.settle()


def items_with(shop: SimulatedShop, *words: str) -> list[str]:
    """The keys of all items of all tables that hold one of the words."""
    return [
        f"{item['pk']} {item['sk']}"
        for item in shop.books().everything
        if any(word in repr(item) for word in words)
    ]


def elsewhere(happens: Callable[[], None]) -> Callable[[], None]:
    """The same on a thread of its own: an API that is in the middle of a request has this one's
    event loop."""

    def run() -> None:
        with ThreadPoolExecutor(1) as another:
            another.submit(happens).result()

    return run


def amounts(admin: Client, *orders: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What of orders must not change."""
    found = [order_of(admin, order) for order in orders]
    names = ("user_id", "status", "items", "total_amount", "currency", "created_at")
    return [tuple(order[name] for name in names) for order in found]


def test_an_erasure_removes_personal_data_and_keeps_all_figures(
    shop: SimulatedShop, petra: Client
) -> None:
    admin = shop.admin
    bought = petra.order((shop.mug, 2), (shop.tray, 1))
    shop.settle()
    change = {**LATER, "current_password": PASSWORD}
    assert petra.put(f"/api/v1/users/{petra.user['id']}", change).status_code == 200
    confirm(petra, shop.email_token(petra.user["id"]))
    called_off = petra.order((shop.tray, 3))
    refused = petra.order((shop.tray, 2), payment_token="tok_declined")
    shop.settle()
    assert petra.post(f"/api/v1/orders/{called_off['id']}/cancel").status_code == 200
    shop.come_to_rest()
    [first, *_] = petra.get("/api/v1/notifications").json()["notifications"]
    petra.post(f"/api/v1/notifications/{first['id']}/read")
    orders = (bought, called_off, refused)
    services = ("products", "orders", "notifications")
    before = [figures(admin, service) for service in services]
    kept = amounts(admin, *orders)
    letters = len(shop.cloud.handed_over)
    assert len(items_with(shop, *FIRST.values(), *LATER.values())) > 15
    erase(petra, petra)
    settle_for_good(shop)
    assert items_with(shop, "Petra", "petra", *FIRST.values(), *LATER.values()) == []
    assert [figures(admin, service) for service in services] == before
    assert figures(admin, "users") == {"total": 3, "active": 2}
    assert amounts(admin, *orders) == kept
    assert len(shop.cloud.handed_over) == letters
    assert order_of(admin, bought)["user_name"] == "Erased"
    events = admin.get(f"/api/v1/orders/{bought['id']}/events").json()["events"]
    assert [event["type"] for event in events] == [
        "order.placed",
        "order.confirmed",
        "user.erased",
    ]
    assert {event["data"]["user_name"] for event in events} == {"Erased"}
    user = petra.user["id"]
    kept_mail = admin.get("/api/v1/notifications", params={"user_id": user}).json()["notifications"]
    assert {(n["subject"], n["body"]) for n in kept_mail} == {("Erased", "Erased")}
    assert [n["status"] for n in kept_mail] == ["sent"] * 9
    assert breaches(shop.books(), shop.witness) == []
    assert [queue for queue, q in shop.cloud.queues.items() if q.messages] == []


def test_an_erased_customer_may_register_as_a_new_one(shop: SimulatedShop, petra: Client) -> None:
    placed = petra.order((shop.mug, 1))
    erase(petra, petra)
    settle_for_good(shop)
    old = Client(petra.http, petra.token)
    assert old.get("/api/v1/users/me").status_code == 401
    assert old.try_order((shop.mug, 1)).status_code == 403
    again = RenewingClient(petra.http).register(**FIRST)
    assert again.user["id"] != petra.user["id"]
    assert again.get(f"/api/v1/orders/{placed['id']}").status_code == 404
    assert again.get("/api/v1/orders").json()["orders"] == []
    shop.settle()
    assert letters_to(shop, again)[-1:] == ["Confirm your e-mail address"]


def test_an_order_is_erased_a_minute_later_when_it_was_being_placed(
    shop: SimulatedShop, petra: Client
) -> None:
    """Placing it found the account active; the order is written after the first search of the
    erasure."""

    def erased() -> None:
        erase(shop.admin, petra)
        shop.settle()

    letters = len(shop.cloud.handed_over)
    call = "OrdersApi: dynamodb.TransactWriteItems OrdersTable"
    with shop.wire.meanwhile(call, elsewhere(erased)):
        placed = petra.order((shop.mug, 1))
    shop.settle()
    assert items_with(shop, FIRST["email"]) != []
    shop.pass_time(MINUTE)
    shop.settle()
    assert items_with(shop, *FIRST.values()) == []
    assert order_of(shop.admin, placed)["user_name"] == "Erased"
    assert len(shop.cloud.handed_over) == letters
    assert breaches(shop.books(), shop.witness) == []


@pytest.mark.parametrize(
    ("token", "status", "at_least"), [("tok_ok", "confirmed", 5), ("tok_declined", "cancelled", 7)]
)
def test_an_erasure_and_a_saga_both_end_when_they_meet_at_any_call(
    shop: SimulatedShop, token: str, status: str, at_least: int
) -> None:
    petra = shop.anyone.register(**FIRST)
    shop.settle()
    placed = petra.order((shop.mug, 2), payment_token=token)
    restore = shop.remember()

    def erased() -> None:
        erase(shop.admin, petra)
        shop.publish()
        shop.deliver("CheckoutQueue")

    number = calls = 0
    while number <= calls:
        shop.publish()
        shop.wire.forget()
        with shop.wire.meanwhile(number, erased):
            shop.deliver("CheckoutQueue")
        calls = sum(call.function == "OrdersCheckout" for call in shop.wire.calls)
        shop.come_to_rest()
        if number < calls:
            assert items_with(shop, *FIRST.values()) == [], number
            assert breaches(shop.books(), shop.witness) == [], number
            assert order_of(shop.admin, placed)["status"] == status, number
        restore()
        number += 1
    assert calls >= at_least

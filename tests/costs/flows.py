"""What people and schedules do with the shop, so that the calls of each can be counted.

A flow is a generator: what it does before its `yield` is preparation and does not count.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx

from tests.costs.capacity import Units
from tests.costs.meter import Call, MeteredShop
from tests.support.client import PASSWORD

FIGURES_KEPT_FOR: Final = timedelta(seconds=5)  # shared.web.health

type Flow = Callable[[MeteredShop], Iterator[None]]


def calls_of(shop: MeteredShop, flow: Flow) -> list[Call]:
    """The functions' calls in their order."""
    steps = flow(shop)
    next(steps)
    shop.forget()
    next(steps, None)
    return shop.calls


def cost_of(shop: MeteredShop, flow: Flow) -> tuple[int, Units]:
    """The number of calls, and their request units."""
    calls = calls_of(shop, flow)
    return len(calls), sum((call.units for call in calls), Units())


def _good(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json() if answer.text else None


def bring_to_emails(shop: MeteredShop) -> None:
    """Bring all events to their e-mails; that of the order's receipt is not sent."""
    shop.settle()
    shop.pass_time(timedelta(seconds=6))
    shop.settle()


def _act(
    act: Callable[[MeteredShop], Any], *, after: Callable[[MeteredShop], Any] | None = None
) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        bring_to_emails(shop)
        if after:
            after(shop)
        yield
        act(shop)

    return flow


def _ask(who: str, path: str, **query: str) -> Flow:
    def ask(shop: MeteredShop) -> None:
        _good(getattr(shop, who).get(path, params=query))

    # The first list of an environment fetches the key of cursors.
    return _act(ask, after=ask)


def _confirmed(shop: MeteredShop) -> str:
    """A confirmed order, by its path."""
    placed = shop.place()
    shop.settle()
    return f"/api/v1/orders/{placed['id']}"


def _of_confirmed(who: str, method: str, part: str) -> Flow:
    """A request for a confirmed order."""

    def flow(shop: MeteredShop) -> Iterator[None]:
        path = _confirmed(shop)
        yield
        _good(getattr(shop, who).request(method, f"{path}{part}"))

    return flow


def _move(who: str, verb: str) -> Callable[[MeteredShop], None]:
    def move(shop: MeteredShop) -> None:
        _good(getattr(shop, who).post(f"{_confirmed(shop)}/{verb}"))

    return move


def _refund(shop: MeteredShop, path: str) -> None:
    """Ask for the refund of one mug."""
    body = {"items": [{"product_id": shop.mug["id"], "quantity": 1}], "restock": True}
    key = {"Idempotency-Key": shop.new_key()}
    _good(shop.admin.post(f"{path}/refunds", body, headers=key))


def _refund_a_confirmed_order(shop: MeteredShop) -> Iterator[None]:
    path = _confirmed(shop)
    yield
    _refund(shop, path)


def _restart(shop: MeteredShop) -> None:
    """An environment that has not read the circuits for five seconds."""
    shop.restart("OrdersApi")
    # It fetches the keys of tokens.
    _good(shop.customer.get("/api/v1/orders"))


def _place_more_than_is_available(shop: MeteredShop) -> None:
    assert shop.customer.try_order((shop.mug, 1000), (shop.rare, 1000)).status_code == 409


def _list_confirmed(shop: MeteredShop) -> Iterator[None]:
    # The newest are confirmed: a search for a status that is rarer reads on.
    for _ in range(2):
        _confirmed(shop)
    yield from _ask("customer", "/api/v1/orders", status="confirmed", limit="1")(shop)


def _register(shop: MeteredShop) -> None:
    account = {"email": f"{shop.new_key()}@example.com", "full_name": "Nina", "password": PASSWORD}
    _good(shop.anyone.post("/api/v1/users", account))


def _mistype_a_password(shop: MeteredShop) -> None:
    wrong = {"email": shop.customer.user["email"], "password": "not-the-right-password"}
    assert shop.anyone.post("/api/v1/auth/login", wrong).status_code == 401


def _refresh(shop: MeteredShop) -> None:
    token = {"refresh_token": shop.customer.refresh_token}
    _good(shop.anyone.post("/api/v1/auth/refresh", token))


def _read_a_notification(shop: MeteredShop) -> Iterator[None]:
    _confirmed(shop)
    found = _good(shop.customer.get("/api/v1/notifications"))["notifications"]
    yield
    _good(shop.customer.post(f"/api/v1/notifications/{found[0]['id']}/read"))


def _see_a_product(shop: MeteredShop) -> None:
    _good(shop.anyone.get(f"/api/v1/products/{shop.mug['id']}"))


def _restock(shop: MeteredShop) -> None:
    path = f"/api/v1/products/{shop.mug['id']}/stock"
    _good(shop.admin.post(path, {"delta": 1}, headers={"Idempotency-Key": shop.new_key()}))


_settle: Final = MeteredShop.settle
# What the environment knows of the circuits is fresh for five seconds after an order.
place: Final = _act(MeteredShop.place, after=MeteredShop.place)
place_after_a_pause: Final = _act(MeteredShop.place, after=_restart)
check_out: Final = _act(bring_to_emails, after=MeteredShop.place)


def _ten_orders(shop: MeteredShop) -> None:
    """Confirmed, and no others on these days."""
    shop.pass_time(timedelta(days=3))
    for _ in range(10):
        shop.place()
    bring_to_emails(shop)
    shop.pass_time(timedelta(minutes=10))


FLOWS: Final[Mapping[str, Flow]] = {
    "place an order": place,
    "place an order, after quiet seconds": place_after_a_pause,
    "place an order of three lines": _act(
        lambda shop: shop.place(lines=3), after=MeteredShop.place
    ),
    "place an order again, under its key": _act(
        lambda shop: shop.place(key="again"), after=lambda shop: shop.place(key="again")
    ),
    "place an order of more than is available": _act(
        _place_more_than_is_available, after=MeteredShop.place
    ),
    "bring a placed order to its last e-mail": check_out,
    "bring an order to its end whose payment is declined": _act(
        bring_to_emails, after=lambda shop: shop.place(payment_token="tok_declined")
    ),
    "cancel a confirmed order": _of_confirmed("customer", "POST", "/cancel"),
    "give back what a cancelled order took": _act(_settle, after=_move("customer", "cancel")),
    "ask for the refund of an item": _refund_a_confirmed_order,
    "make a refund": _act(_settle, after=lambda shop: _refund(shop, _confirmed(shop))),
    "ship an order": _of_confirmed("admin", "POST", "/ship"),
    "notify of a shipment": _act(_settle, after=_move("admin", "ship")),
    "see an order": _of_confirmed("customer", "GET", ""),
    "see an order's history": _of_confirmed("customer", "GET", "/events"),
    "list own orders": _ask("customer", "/api/v1/orders"),
    "list own confirmed orders": _list_confirmed,
    "list all orders": _ask("admin", "/api/v1/orders"),
    "register": _act(_register),
    "mail the link that confirms an address": _act(
        _settle, after=lambda shop: shop.anyone.register()
    ),
    # After another one: the first after a wrong password makes a call more.
    "log in": _act(lambda shop: shop.customer.log_in(), after=lambda shop: shop.customer.log_in()),
    "mistype a password": _act(_mistype_a_password, after=lambda shop: shop.customer.log_in()),
    "refresh own tokens": _act(_refresh, after=lambda shop: shop.customer.log_in()),
    "see oneself": _ask("customer", "/api/v1/users/me"),
    "list users": _ask("admin", "/api/v1/users"),
    "list own notifications": _ask("customer", "/api/v1/notifications"),
    "list own unread notifications": _ask("customer", "/api/v1/notifications", unread="true"),
    "read a notification": _read_a_notification,
    "see a product": _act(_see_a_product),
    "list the newest products": _ask("anyone", "/api/v1/products", sort="newest"),
    "list a category by price": _ask("anyone", "/api/v1/products", category="tests", sort="price"),
    "search products by a rare word": _ask("anyone", "/api/v1/products", q="rarity"),
    "search products by a common word": _ask("anyone", "/api/v1/products", q="mug"),
    "add a product": _act(lambda shop: shop.admin.add_product(name="Green Kettle")),
    "restock a product": _act(_restock),
    **{
        f"sweep {service.lower()}, with nothing to do": _act(
            partial(MeteredShop.tick, sweeper=f"{service}Sweeper"), after=MeteredShop.come_to_rest
        )
        for service in ("Orders", "Products", "Users")
    },
    "ask for the orders' health": _act(
        lambda shop: _good(shop.anyone.get("/health/orders")),
        after=lambda shop: shop.pass_time(FIGURES_KEPT_FOR),
    ),
    "sweep ten recent orders for disagreements": _act(
        partial(MeteredShop.tick, sweeper="OperationsReconciler"), after=_ten_orders
    ),
}

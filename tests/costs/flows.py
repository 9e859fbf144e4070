"""What people and schedules do with the shop, so that the calls of each can be counted.

A flow is a generator: what it does before its `yield` is preparation and does not count.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

from tests.costs.capacity import Units
from tests.costs.meter import Call, MeteredShop
from tests.support.client import PASSWORD

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


def _asking(who: str, path: str, **query: str) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        shop.settle()
        # The first list of an environment fetches the key of cursors.
        client = getattr(shop, who)
        _good(client.get(path, params=query))
        yield
        _good(client.get(path, params=query))

    return flow


# --- Orders ---


def _confirmed(shop: MeteredShop) -> str:
    """A confirmed order, by its path."""
    placed = shop.place()
    shop.settle()
    return f"/api/v1/orders/{placed['id']}"


def _placing(*, lines: int = 1) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        # What the environment knows of the circuits is fresh for five seconds.
        shop.place()
        yield
        shop.place(lines=lines)

    return flow


place: Final = _placing()


def place_after_a_pause(shop: MeteredShop) -> Iterator[None]:
    """In an environment that has not read the circuits for five seconds."""
    shop.restart("OrdersApi")
    # It fetches the keys of tokens.
    _good(shop.customer.get("/api/v1/orders"))
    yield
    shop.place()


def _place_again(shop: MeteredShop) -> Iterator[None]:
    shop.place(key="again")
    yield
    shop.place(key="again")


def _place_more_than_is_available(shop: MeteredShop) -> Iterator[None]:
    shop.place()
    yield
    assert shop.customer.try_order((shop.mug, 1000), (shop.rare, 1000)).status_code == 409


def _checking_out(**more: Any) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        shop.settle()
        shop.place(**more)
        yield
        shop.settle()

    return flow


check_out: Final = _checking_out()


def _moving(who: str, verb: str) -> Flow:
    """The request that moves a confirmed order."""

    def flow(shop: MeteredShop) -> Iterator[None]:
        path = _confirmed(shop)
        yield
        _good(getattr(shop, who).post(f"{path}/{verb}"))

    return flow


def _reacting(who: str, verb: str) -> Flow:
    """What workers do after the request."""

    def flow(shop: MeteredShop) -> Iterator[None]:
        _good(getattr(shop, who).post(f"{_confirmed(shop)}/{verb}"))
        yield
        shop.settle()

    return flow


def _seeing(part: str) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        path = _confirmed(shop)
        yield
        _good(shop.customer.get(f"{path}{part}"))

    return flow


def _list_confirmed(shop: MeteredShop) -> Iterator[None]:
    # The newest are confirmed: a search for a status that is rarer reads on.
    for _ in range(2):
        _confirmed(shop)
    yield from _asking("customer", "/api/v1/orders", status="confirmed", limit="1")(shop)


# --- People ---


def _register(shop: MeteredShop) -> Iterator[None]:
    shop.settle()
    yield
    account = {"email": f"{shop.new_key()}@example.com", "full_name": "Nina", "password": PASSWORD}
    _good(shop.anyone.post("/api/v1/users", account))


def _welcome(shop: MeteredShop) -> Iterator[None]:
    shop.settle()
    shop.anyone.register()
    yield
    shop.settle()


def _log_in(shop: MeteredShop) -> Iterator[None]:
    yield
    shop.customer.log_in()


def _mistype_a_password(shop: MeteredShop) -> Iterator[None]:
    yield
    wrong = {"email": shop.customer.user["email"], "password": "not-the-right-password"}
    assert shop.anyone.post("/api/v1/auth/login", wrong).status_code == 401


def _refresh(shop: MeteredShop) -> Iterator[None]:
    shop.customer.log_in()
    yield
    token = {"refresh_token": shop.customer.refresh_token}
    _good(shop.anyone.post("/api/v1/auth/refresh", token))


def _read_a_notification(shop: MeteredShop) -> Iterator[None]:
    _confirmed(shop)
    found = _good(shop.customer.get("/api/v1/notifications"))["notifications"]
    yield
    _good(shop.customer.post(f"/api/v1/notifications/{found[0]['id']}/read"))


# --- The catalogue ---


def _see_a_product(shop: MeteredShop) -> Iterator[None]:
    yield
    _good(shop.anyone.get(f"/api/v1/products/{shop.mug['id']}"))


def _add_a_product(shop: MeteredShop) -> Iterator[None]:
    yield
    shop.admin.add_product(name="Green Kettle")


def _restock(shop: MeteredShop) -> Iterator[None]:
    path = f"/api/v1/products/{shop.mug['id']}/stock"
    yield
    _good(shop.admin.post(path, {"delta": 1}, headers={"Idempotency-Key": shop.new_key()}))


def _ticking(sweeper: str) -> Flow:
    def flow(shop: MeteredShop) -> Iterator[None]:
        shop.come_to_rest()
        yield
        shop.tick(sweeper)

    return flow


FLOWS: Final[Mapping[str, Flow]] = {
    "place an order": place,
    "place an order, after quiet seconds": place_after_a_pause,
    "place an order of three lines": _placing(lines=3),
    "place an order again, under its key": _place_again,
    "place an order of more than is available": _place_more_than_is_available,
    "bring a placed order to its last e-mail": check_out,
    "bring an order to its end whose payment is declined": _checking_out(
        payment_token="tok_declined"
    ),
    "cancel a confirmed order": _moving("customer", "cancel"),
    "give back what a cancelled order took": _reacting("customer", "cancel"),
    "ship an order": _moving("admin", "ship"),
    "notify of a shipment": _reacting("admin", "ship"),
    "see an order": _seeing(""),
    "see an order's history": _seeing("/events"),
    "list one's orders": _asking("customer", "/api/v1/orders"),
    "list one's confirmed orders": _list_confirmed,
    "list all orders": _asking("admin", "/api/v1/orders"),
    "register": _register,
    "welcome a customer": _welcome,
    "log in": _log_in,
    "mistype a password": _mistype_a_password,
    "refresh one's tokens": _refresh,
    "see oneself": _asking("customer", "/api/v1/users/me"),
    "list users": _asking("admin", "/api/v1/users"),
    "list one's notifications": _asking("customer", "/api/v1/notifications"),
    "list one's unread notifications": _asking("customer", "/api/v1/notifications", unread="true"),
    "read a notification": _read_a_notification,
    "see a product": _see_a_product,
    "list the newest products": _asking("anyone", "/api/v1/products", sort="newest"),
    "list a category by price": _asking(
        "anyone", "/api/v1/products", category="tests", sort="price"
    ),
    "search products by a rare word": _asking("anyone", "/api/v1/products", q="rarity"),
    "search products by a common word": _asking("anyone", "/api/v1/products", q="mug"),
    "add a product": _add_a_product,
    "restock a product": _restock,
    "sweep orders, with nothing to do": _ticking("OrdersSweeper"),
    "sweep products, with nothing to do": _ticking("ProductsSweeper"),
    "sweep users, with nothing to do": _ticking("UsersSweeper"),
    "ask for the orders' health": _asking("anyone", "/health/orders"),
}

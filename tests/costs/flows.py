"""What people and schedules do with the shop, so that the calls of each can be counted.

A flow is a generator: what it does before its `yield` is preparation and does not count.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

from tests.costs.capacity import Units
from tests.costs.meter import Call
from tests.costs.shop import Shop
from tests.support.client import PASSWORD

type Flow = Callable[[Shop], Iterator[None]]


def calls_of(shop: Shop, flow: Flow) -> list[Call]:
    """The functions' calls in their order."""
    steps = flow(shop)
    next(steps)
    shop.town.forget()
    for _ in steps:
        raise RuntimeError("a flow has one yield")
    return list(shop.town.calls)


def cost_of(shop: Shop, flow: Flow) -> tuple[int, Units]:
    """The number of calls, and their request units."""
    calls = calls_of(shop, flow)
    return len(calls), sum((call.units for call in calls), Units())


def _good(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.text}")
    return answer.json() if answer.text else None


def _confirmed(shop: Shop) -> str:
    """An order that has gone through, by its path."""
    placed = shop.order()
    shop.town.settle()
    return f"/api/v1/orders/{placed['id']}"


# --- Orders ---


def place(shop: Shop) -> Iterator[None]:
    # What the environment knows of the circuits is fresh for five seconds.
    shop.order()
    yield
    shop.order()


def place_after_a_pause(shop: Shop) -> Iterator[None]:
    """In an environment that has not read the circuits for five seconds."""
    shop.town.restart("OrdersApi")
    # It fetches the keys of tokens.
    _good(shop.customer.get("/api/v1/orders"))
    yield
    shop.order()


def place_three_lines(shop: Shop) -> Iterator[None]:
    shop.order()
    yield
    shop.order(lines=3)


def place_again(shop: Shop) -> Iterator[None]:
    shop.order(key="again")
    yield
    shop.order(key="again")


def place_what_is_not_there(shop: Shop) -> Iterator[None]:
    shop.order()
    yield
    if shop.customer.try_order((shop.products[0], 1000), (shop.rare, 1000)).status_code != 409:
        raise RuntimeError("so many are not there")


def check_out(shop: Shop) -> Iterator[None]:
    shop.town.settle()
    shop.order()
    yield
    shop.town.settle()


def check_out_a_declined_payment(shop: Shop) -> Iterator[None]:
    shop.town.settle()
    shop.order(payment_token="tok_declined")  # for everybody to know
    yield
    shop.town.settle()


def cancel(shop: Shop) -> Iterator[None]:
    path = _confirmed(shop)
    yield
    _good(shop.customer.post(f"{path}/cancel"))


def give_back(shop: Shop) -> Iterator[None]:
    _good(shop.customer.post(f"{_confirmed(shop)}/cancel"))
    yield
    shop.town.settle()


def ship(shop: Shop) -> Iterator[None]:
    path = _confirmed(shop)
    yield
    _good(shop.admin.post(f"{path}/ship"))


def tell_of_a_shipment(shop: Shop) -> Iterator[None]:
    _good(shop.admin.post(f"{_confirmed(shop)}/ship"))
    yield
    shop.town.settle()


def see_an_order(shop: Shop) -> Iterator[None]:
    path = _confirmed(shop)
    yield
    _good(shop.customer.get(path))


def see_its_history(shop: Shop) -> Iterator[None]:
    path = _confirmed(shop)
    yield
    _good(shop.customer.get(f"{path}/events"))


def list_confirmed(shop: Shop) -> Iterator[None]:
    for _ in range(2):
        _confirmed(shop)
    # The newest are confirmed: whoever looks for a status that is rarer reads on.
    query = {"status": "confirmed", "limit": "1"}
    _good(shop.customer.get("/api/v1/orders", params=query))
    yield
    _good(shop.customer.get("/api/v1/orders", params=query))


def _listing(who: str, path: str, **query: str) -> Flow:
    def flow(shop: Shop) -> Iterator[None]:
        shop.town.settle()
        # The first list of an environment fetches the key of cursors.
        asker = getattr(shop, who)
        _good(asker.get(path, params=query))
        yield
        _good(asker.get(path, params=query))

    return flow


# --- People ---


def register(shop: Shop) -> Iterator[None]:
    shop.town.settle()
    yield
    account = {"email": shop.new_address(), "full_name": "Nina New", "password": PASSWORD}
    _good(shop.anyone.post("/api/v1/users", account))


def welcome(shop: Shop) -> Iterator[None]:
    yield from register(shop)
    # What was asked for until here is the registration's.
    shop.town.forget()
    shop.town.settle()


def log_in(shop: Shop) -> Iterator[None]:
    yield
    shop.customer.log_in()


def mistype_a_password(shop: Shop) -> Iterator[None]:
    yield
    wrong = {"email": shop.customer.user["email"], "password": "not-the-right-password"}
    if shop.anyone.post("/api/v1/auth/login", wrong).status_code != 401:
        raise RuntimeError("that is not the password")


def refresh(shop: Shop) -> Iterator[None]:
    shop.customer.log_in()
    yield
    token = {"refresh_token": shop.customer.refresh_token}
    _good(shop.anyone.post("/api/v1/auth/refresh", token))


def read_a_notification(shop: Shop) -> Iterator[None]:
    _confirmed(shop)
    found = _good(shop.customer.get("/api/v1/notifications"))["notifications"]
    yield
    _good(shop.customer.post(f"/api/v1/notifications/{found[0]['id']}/read"))


# --- The catalogue ---


def add_a_product(shop: Shop) -> Iterator[None]:
    yield
    shop.admin.add_product(name="Green Kettle")


def restock(shop: Shop) -> Iterator[None]:
    path = f"/api/v1/products/{shop.products[0]['id']}/stock"
    yield
    _good(shop.admin.post(path, {"delta": 1}, headers={"Idempotency-Key": shop.new_address()}))


def see_a_product(shop: Shop) -> Iterator[None]:
    yield
    _good(shop.anyone.get(f"/api/v1/products/{shop.products[0]['id']}"))


def _ticking(sweeper: str) -> Flow:
    def flow(shop: Shop) -> Iterator[None]:
        shop.town.come_to_rest()
        yield
        shop.town.tick(sweeper)

    return flow


FLOWS: Final[Mapping[str, Flow]] = {
    "place an order": place,
    "place an order, after quiet seconds": place_after_a_pause,
    "place an order of three lines": place_three_lines,
    "place an order again, under its key": place_again,
    "place an order of more than is there": place_what_is_not_there,
    "bring a placed order to its last e-mail": check_out,
    "bring an order to its end whose payment is declined": check_out_a_declined_payment,
    "cancel a confirmed order": cancel,
    "give back what a cancelled order took": give_back,
    "ship an order": ship,
    "tell of a shipment": tell_of_a_shipment,
    "see an order": see_an_order,
    "see an order's history": see_its_history,
    "list one's orders": _listing("customer", "/api/v1/orders"),
    "list one's confirmed orders": list_confirmed,
    "list everybody's orders": _listing("admin", "/api/v1/orders"),
    "register": register,
    "welcome somebody": welcome,
    "log in": log_in,
    "mistype a password": mistype_a_password,
    "refresh one's tokens": refresh,
    "see oneself": _listing("customer", "/api/v1/users/me"),
    "list users": _listing("admin", "/api/v1/users"),
    "list one's notifications": _listing("customer", "/api/v1/notifications"),
    "list one's unread notifications": _listing("customer", "/api/v1/notifications", unread="true"),
    "read a notification": read_a_notification,
    "see a product": see_a_product,
    "list the newest products": _listing("anyone", "/api/v1/products", sort="newest"),
    "list a category by price": _listing(
        "anyone", "/api/v1/products", category="tests", sort="price"
    ),
    "search products by a rare word": _listing("anyone", "/api/v1/products", q="rarity"),
    "search products by a common word": _listing("anyone", "/api/v1/products", q="mug"),
    "add a product": add_a_product,
    "restock a product": restock,
    "sweep orders, with nothing to do": _ticking("OrdersSweeper"),
    "sweep products, with nothing to do": _ticking("ProductsSweeper"),
    "sweep users, with nothing to do": _ticking("UsersSweeper"),
    "ask for the orders' health": _listing("anyone", "/health/orders"),
}

"""What people do with the shop, so that it calls every operation."""

import importlib.util
from collections.abc import Callable
from typing import Any, Final

import httpx

from tests.crashes.scenarios import SCENARIOS, Scenario
from tests.simulation.shop import SimulatedShop, opened
from tests.support.client import PASSWORD, Client
from tools.template import services

_SORTS: Final = ("price", "-price", "name", "newest")
_FILTERS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"category": "cups"},
    {"min_price": "11", "max_price": "25"},
    {"min_price": "11"},
    {"max_price": "20"},
)


def _good(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer


def _pages(who: Client, path: str, **query: Any) -> None:
    """A list to its end, two at a time."""
    page = {"limit": 2, **query}
    while page.get("cursor", "first"):
        page["cursor"] = _good(who.get(path, params=page)).json().get("next_cursor")


def _browsing(shop: SimulatedShop) -> None:
    for number, category in enumerate(("cups", "cups", "plates", "cups", "plates")):
        name = f"{category.title()} number {number}"
        shop.admin.add_product(name=name, price=f"{10 + 4 * (number % 3)}.00", category=category)
    for sort in _SORTS:
        for filters in _FILTERS:
            _pages(shop.anyone, "/api/v1/products", sort=sort, **filters)
    for query in ("cups", "numb 3", "c", "nothing"):
        _pages(shop.anyone, "/api/v1/products", q=query)


def _keeping_shop(shop: SimulatedShop) -> None:
    path = f"/api/v1/products/{shop.mug['id']}"
    _good(shop.admin.put(path, {"name": "Large Mug", "price": "11.00"}))
    stale = shop.admin.put(path, {"price": "9.00"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert shop.admin.post(f"{path}/stock", {"delta": -1000}).status_code == 409
    _good(shop.admin.delete(path))
    for name in ("users", "products", "orders", "notifications"):
        _good(shop.anyone.get(f"/health/{name}"))


def _ordering(shop: SimulatedShop) -> None:
    for number in range(3):
        shop.customer.order((shop.tray, 1), key=f"order {number}")
        shop.customer.order((shop.tray, 1), key=f"order {number}")
    assert shop.customer.try_order((shop.tray, 1000)).status_code == 409
    shop.settle()
    last = shop.customer.order((shop.tray, 1))
    for who in (shop.customer, shop.admin):
        _pages(who, "/api/v1/orders")
        _pages(who, "/api/v1/orders", status="confirmed")
        _pages(who, f"/api/v1/orders/{last['id']}/events")
    _pages(shop.admin, "/api/v1/orders", user_id=shop.customer.user["id"])
    for unread in ("true", "false"):
        _pages(shop.customer, "/api/v1/notifications", unread=unread)
    _pages(shop.customer, "/api/v1/notifications")


def _having_an_account(shop: SimulatedShop) -> None:
    nina = shop.anyone.register(email="nina@example.com")
    for email in ("nina@example.com", "nobody@example.com"):
        _good(shop.anyone.post("/api/v1/auth/forgot", {"email": email}))
    reset = {"token": shop.email_token(nina.user["id"]), "password": PASSWORD}
    _good(shop.anyone.post("/api/v1/auth/reset", reset))
    nina.log_in()
    again = {"email": "NINA@example.com", "full_name": "N", "password": "a-long-enough-password"}
    assert shop.anyone.post("/api/v1/users", again).status_code == 409
    wrong = {"email": "nina@example.com", "password": "not-her-own-password"}
    assert shop.anyone.post("/api/v1/auth/login", wrong).status_code == 401
    old = {"refresh_token": nina.refresh_token}
    _good(shop.anyone.post("/api/v1/auth/refresh", old))
    assert shop.anyone.post("/api/v1/auth/refresh", old).status_code == 401
    nina.log_in()
    [last] = _good(nina.get("/api/v1/users/me/sessions")).json()["sessions"]
    ended = nina.delete(f"/api/v1/users/me/sessions/{last['id']}")
    assert ended.status_code == 204
    assert nina.post("/api/v1/auth/logout-everywhere").status_code == 204
    nina.log_in()
    path = f"/api/v1/users/{nina.user['id']}"
    own = {"current_password": PASSWORD}
    for email in ("carla@example.com", "new@example.com"):
        _good(nina.put(path, {"full_name": "Nina New", "email": email, **own}))
    # To the new address, and the link that undoes it.
    for _ in range(2):
        token = {"token": shop.email_token(nina.user["id"])}
        _good(shop.anyone.post("/api/v1/auth/confirm", token))
    _pages(shop.admin, "/api/v1/users")
    _pages(shop.admin, "/api/v1/users", active="true")
    _good(shop.admin.delete(path))
    _pages(shop.admin, "/api/v1/users", active="false")


def of_services() -> dict[str, Callable[[SimulatedShop], None]]:
    """The journeys that services have beside their tests: `play` of tests/<service>/journey.py."""
    names = {service: f"tests.{service}.journey" for service in services()}
    return {
        service: importlib.import_module(name).play
        for service, name in names.items()
        if importlib.util.find_spec(name)
    }


JOURNEYS: Final[dict[str, Callable[[SimulatedShop], None]]] = {
    "browsing": _browsing,
    "keeping shop": _keeping_shop,
    "ordering": _ordering,
    "having an account": _having_an_account,
    **of_services(),
}


def _scenario(scenario: Scenario) -> Callable[[SimulatedShop], None]:
    def play(shop: SimulatedShop) -> None:
        scenario.act(shop, scenario.prepare(shop))

    return play


# With the scenarios of the crash matrix: all that the shop does while nothing fails.
PLAYS: Final = JOURNEYS | {scenario.name: _scenario(scenario) for scenario in SCENARIOS}


def play_all() -> None:
    """Each of them on a shop of its own."""
    with opened() as shop:
        restore = shop.remember()
        for play in PLAYS.values():
            restore()
            play(shop)
            shop.come_to_rest()

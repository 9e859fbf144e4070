"""A shop in which customers own things, other customers want them, and one account is inactive."""

import json
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.api import router
from gateway.backends import LambdaBackends
from gateway.site import DOCUMENT, EVENTS, Site
from shared.auth.tokens import ROLES, Role
from shared.runtime import aws
from shared.web.app import create_app, lambda_handler
from tests.access.requests import ACCESS, body, noun
from tests.simulation.shop import SimulatedShop, opened
from tests.support.client import PASSWORD, Client
from tools.template import alias, services

type Stored = dict[tuple[str, str, str], Any]

_ORDERS: Final = 3


@dataclass(frozen=True)
class Owner:
    """A customer, and the ids of what is theirs, by the noun of its path: `orders`."""

    client: Client
    things: dict[str, tuple[str, ...]]

    @property
    def id(self) -> str:
        return str(self.client.user["id"])

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that only answers to this customer and to staff may hold."""
        user = self.client.user
        ids = (id_ for owned in self.things.values() for id_ in owned)
        return (user["email"], user["full_name"], *ids)


@dataclass
class Scene:
    """The shop and its customers.

    Attributes:
        common: the ids of what no customer owns.
        staff: a client in each role but a customer's.
        logged_out: an access token of the owner from before a log-out everywhere.
    """

    shop: SimulatedShop
    owner: Owner
    other: Owner
    deactivated: Owner
    common: dict[str, tuple[str, ...]]
    staff: dict[str, Client]
    logged_out: str

    @property
    def stored(self) -> Stored:
        """All that is stored; items are never changed in place."""
        return {
            (name, *key): item
            for name, table in self.shop.cloud.dynamodb.tables.items()
            for key, item in table.items.items()
        }


def settle_in(shop: SimulatedShop, name: str) -> Owner:
    """A new customer with orders, one of them partly refunded, one delivered with two returns, one
    shipped; their notifications; and one each of what else customers can make."""
    client = Client(shop.anyone.http).register(
        email=f"{name}-{uuid.uuid4().hex[:8]}@example.com",
        full_name=f"{name.title()} {uuid.uuid4().hex[:8]}",
    )
    orders = [client.order((shop.mug, 3)) for _ in range(_ORDERS)]
    shop.settle()
    delivered, shipped = (f"/api/v1/orders/{order['id']}" for order in orders[1:])
    for path in (f"{shipped}/ship", f"{delivered}/ship", f"{delivered}/deliver"):
        assert shop.admin.post(path).status_code == 200
    returns = [_asked_for(shop, client, f"{delivered}/returns") for _ in range(2)]
    assert shop.admin.post(f"{delivered}/returns/{returns[1]}/approve").status_code == 200
    refunds = f"/api/v1/orders/{orders[0]['id']}/refunds"
    key = {"Idempotency-Key": "a-refund"}
    assert shop.admin.post(refunds, {"amount": "0.50"}, headers=key).status_code == 201
    shop.come_to_rest()
    client.log_in()
    page = client.get("/api/v1/notifications", params={"limit": 100}).json()["notifications"]
    assert len(page) == 6 + 2 * _ORDERS, (
        "a confirmation; each order received and confirmed, two shipped, one delivered, one partly"
        " refunded; a return approved"
    )
    sessions = client.get("/api/v1/users/me/sessions").json()["sessions"]
    things = {
        "users": (str(client.user["id"]),),
        "sessions": tuple(session["id"] for session in sessions),
        "orders": tuple(order["id"] for order in orders),
        "returns": tuple(returns),
        "notifications": tuple(notification["id"] for notification in page),
    }
    return Owner(client, things | _made(shop, client, "customer", known=things))


def _asked_for(shop: SimulatedShop, client: Client, path: str) -> str:
    """The id of a new return."""
    answer = client.post(path, body(shop, client, ("POST", "/api/v1/orders/{id}/returns")))
    return str(answer.json()["id"])


def _made(
    shop: SimulatedShop, client: Client, role: Role, *, known: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The id of one thing of each noun that a caller in this role can make."""
    return {
        noun(path): (client.post(path, body(shop, client, (method, path))).json()["id"],)
        for (method, path), access in ACCESS.items()
        if method == "POST" and ("GET", f"{path}/{{id}}") in ACCESS
        if noun(path) not in known and access.admits(role) and not access.is_public
    }


def _staff(shop: SimulatedShop, role: Role) -> Client:
    client = Client(shop.anyone.http).register(full_name=f"Someone In {role.title()}")
    change = {"role": role, "current_password": PASSWORD}
    assert shop.admin.put(f"/api/v1/users/{client.user['id']}", change).status_code == 200
    return client.log_in()


@contextmanager
def opened_scene(folder: Path) -> Iterator[Scene]:
    """The scene, with no message in transit.

    Args:
        folder: an empty one, for the gateway's documents.
    """
    with opened() as shop:
        shop.admin.post(f"/api/v1/products/{shop.mug['id']}/stock", {"delta": 999_000})
        shop._built["GatewayApi"] = _gateway(folder)
        owner, other, leaving = (settle_in(shop, n) for n in ("olivia", "oscar", "leo"))
        common: dict[str, tuple[str, ...]] = {"products": (shop.tray["id"],)}
        common |= _made(shop, shop.admin, "admin", known=owner.things | common)
        staff = {role: _staff(shop, role) for role in ROLES if role != "customer"}
        assert shop.admin.delete(f"/api/v1/users/{leaving.id}").status_code == 200
        shop.come_to_rest()
        logged_out = str(owner.client.token)
        assert owner.client.post("/api/v1/auth/logout-everywhere").status_code == 204
        for client in (shop.customer, shop.admin, owner.client, other.client, *staff.values()):
            client.log_in(PASSWORD)
        yield Scene(shop, owner, other, leaving, common, staff, logged_out)


def _gateway(folder: Path) -> Any:
    """The gateway with documents, which a checkout of the repository does not have."""
    (folder / EVENTS).write_text(json.dumps({"asyncapi": "3.0.0"}))
    (folder / DOCUMENT).write_text(json.dumps({"openapi": "3.1.0", "paths": {}}))
    names = {
        service.replace("_", "-"): f"{title}Api"
        for service, title in services().items()
        if service not in ("gateway", "operations")
    }
    functions = {service: f"{name}:{alias()}" for service, name in names.items()}
    backends = LambdaBackends(aws.client("lambda"), functions)
    return lambda_handler(create_app("gateway", router, backends=backends, site=Site(folder)))

"""Requests to every route: one that succeeds, and the caller who may send it."""

import importlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import RouteContext, iter_route_contexts

from shared.auth.access import Access
from tests.access.scene import Owner, Scene
from tests.simulation.resources import function_at
from tests.support.client import PASSWORD, Client
from tests.support.http import Answer, rest_event
from tools.openapi.access import SERVICES, Route, declared

ACCESS: Final[Mapping[Route, Access]] = declared()
ROUTES: Final[Mapping[Route, RouteContext]] = {
    (method, route.path_format or ""): route
    for service in SERVICES
    for route in iter_route_contexts(importlib.import_module(f"{service}.api").router.routes)
    for method in sorted(route.methods or ())
}


def _refresh_token(scene: Scene) -> dict[str, Any]:
    return {"refresh_token": scene.owner.client.refresh_token}


# Bodies of requests that succeed; a new route with a body needs one.
_BODIES: Final[Mapping[Route, Callable[[Scene], dict[str, Any]]]] = {
    ("POST", "/api/v1/users"): lambda scene: {
        "email": f"new-{uuid.uuid4().hex}@example.com",
        "full_name": "New Customer",
        "password": PASSWORD,
    },
    ("PUT", "/api/v1/users/{id}"): lambda scene: {"full_name": "Another Name"},
    ("POST", "/api/v1/auth/login"): lambda scene: {
        "email": scene.owner.client.user["email"],
        "password": PASSWORD,
    },
    ("POST", "/api/v1/auth/refresh"): _refresh_token,
    ("POST", "/api/v1/auth/logout"): _refresh_token,
    ("POST", "/api/v1/products"): lambda scene: {
        "name": "Bowl",
        "price": "3.50",
        "category": "tests",
        "stock": 3,
    },
    ("PUT", "/api/v1/products/{id}"): lambda scene: {"name": "Better Tray", "price": "25.00"},
    ("POST", "/api/v1/products/{id}/stock"): lambda scene: {"delta": 1},
    ("POST", "/api/v1/orders"): lambda scene: {
        "items": [{"product_id": scene.shop.mug["id"], "quantity": 1}]
    },
}


@dataclass(frozen=True)
class Example:
    """A request, and the status of its success."""

    path: str
    body: dict[str, Any] | None
    headers: Mapping[str, str]
    status: int


def example(scene: Scene, route: Route, owner: Owner | None = None) -> Example:
    """A request for something of the owner's that succeeds."""
    owner = owner or scene.owner
    path = route[1]
    ids = {
        "users": owner.id,
        "products": scene.shop.tray["id"],
        "orders": owner.orders[scene.shipped if path.endswith("deliver") else scene.confirmed],
        "notifications": owner.notifications[0],
    }
    if "{id}" in path:
        path = path.replace("{id}", ids[path.split("/")[3]])
    path = path.replace("{asset}", "start.js").replace("{proxy}", "no/such/path")
    make = _BODIES.get(route)
    headers = {"Idempotency-Key": uuid.uuid4().hex} if route == ("POST", "/api/v1/orders") else {}
    status = 404 if "{proxy}" in route[1] else ROUTES[route].status_code or 200
    return Example(path, make(scene) if make else None, headers, status)


def client(scene: Scene, route: Route) -> Client:
    """A caller who may send the route's example."""
    access = ACCESS[route]
    if not access.reads_token:
        return scene.shop.anyone
    return scene.owner.client if access.admits("customer") else scene.shop.admin


def bearer(scene: Scene, route: Route) -> dict[str, str]:
    """The Authorization header of that caller."""
    token = client(scene, route).token
    return {"Authorization": f"Bearer {token}"} if token else {}


def send(scene: Scene, method: str, path: str, headers: Mapping[str, str], **event: Any) -> Answer:
    """The answer of the route's function to an event that no HTTP client would cause."""
    sent = rest_event(method, path.replace("#", "%23"), headers=headers, **event.pop("parts", {}))
    answer = scene.shop.invoke(function_at(method, sent["resource"]), sent | event)
    given = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], given, answer["body"])

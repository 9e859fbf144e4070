"""A request for each route that succeeds for whoever may send it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.access.scene import Owner, Scene
from tests.support.client import PASSWORD
from tools.openapi.access import Route


@dataclass(frozen=True)
class Example:
    """A request, and the status of its success."""

    path: str
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: int = 200


type Make = Callable[[Scene, Owner], Example]


def _plain(path: str, answers: int = 200) -> Make:
    return lambda scene, owner: Example(path, answers=answers)


def _register(scene: Scene, owner: Owner) -> Example:
    email = f"new-{uuid.uuid4().hex}@example.com"
    account = {"email": email, "full_name": "New Customer", "password": PASSWORD}
    return Example("/api/v1/users", account, answers=201)


def _log_in(scene: Scene, owner: Owner) -> Example:
    credentials = {"email": scene.owner.client.user["email"], "password": PASSWORD}
    return Example("/api/v1/auth/login", credentials)


def _with_refresh_token(path: str, answers: int) -> Make:
    return lambda scene, owner: Example(
        path, {"refresh_token": scene.owner.client.refresh_token}, answers=answers
    )


def _account(body: dict[str, Any] | None = None) -> Make:
    return lambda scene, owner: Example(f"/api/v1/users/{owner.id}", body)


def _product(body: dict[str, Any] | None = None, more: str = "", answers: int = 200) -> Make:
    return lambda scene, owner: Example(
        f"/api/v1/products/{scene.stage.tray['id']}{more}", body, answers=answers
    )


def _add_product(scene: Scene, owner: Owner) -> Example:
    bowl = {"name": "Bowl", "price": "3.50", "category": "tests", "stock": 3}
    return Example("/api/v1/products", bowl, answers=201)


def _place(scene: Scene, owner: Owner) -> Example:
    body = {"items": [{"product_id": scene.stage.mug["id"], "quantity": 1}]}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return Example("/api/v1/orders", body, headers, answers=201)


def _order(more: str = "", *, shipped: bool = False) -> Make:
    def make(scene: Scene, owner: Owner) -> Example:
        id_ = owner.orders[scene.shipped if shipped else scene.confirmed]
        return Example(f"/api/v1/orders/{id_}{more}")

    return make


def _read(scene: Scene, owner: Owner) -> Example:
    return Example(f"/api/v1/notifications/{owner.notifications[0]}/read")


EXAMPLES: Final[Mapping[Route, Make]] = {
    ("POST", "/api/v1/users"): _register,
    ("GET", "/api/v1/users"): _plain("/api/v1/users"),
    ("GET", "/api/v1/users/me"): _plain("/api/v1/users/me"),
    ("GET", "/api/v1/users/{id}"): _account(),
    ("PUT", "/api/v1/users/{id}"): _account({"full_name": "Another Name"}),
    ("DELETE", "/api/v1/users/{id}"): _account(),
    ("POST", "/api/v1/auth/login"): _log_in,
    ("POST", "/api/v1/auth/refresh"): _with_refresh_token("/api/v1/auth/refresh", 200),
    ("POST", "/api/v1/auth/logout"): _with_refresh_token("/api/v1/auth/logout", 204),
    ("GET", "/.well-known/jwks.json"): _plain("/.well-known/jwks.json"),
    ("GET", "/health/users"): _plain("/health/users"),
    ("GET", "/api/v1/products"): _plain("/api/v1/products"),
    ("POST", "/api/v1/products"): _add_product,
    ("GET", "/api/v1/products/{id}"): _product(),
    ("PUT", "/api/v1/products/{id}"): _product({"name": "Better Tray", "price": "25.00"}),
    ("DELETE", "/api/v1/products/{id}"): _product(answers=204),
    ("POST", "/api/v1/products/{id}/stock"): _product({"delta": 1}, "/stock"),
    ("GET", "/health/products"): _plain("/health/products"),
    ("POST", "/api/v1/orders"): _place,
    ("GET", "/api/v1/orders"): _plain("/api/v1/orders"),
    ("GET", "/api/v1/orders/{id}"): _order(),
    ("GET", "/api/v1/orders/{id}/events"): _order("/events"),
    ("POST", "/api/v1/orders/{id}/cancel"): _order("/cancel"),
    ("POST", "/api/v1/orders/{id}/ship"): _order("/ship"),
    ("POST", "/api/v1/orders/{id}/deliver"): _order("/deliver", shipped=True),
    ("GET", "/health/orders"): _plain("/health/orders"),
    ("GET", "/api/v1/notifications"): _plain("/api/v1/notifications"),
    ("POST", "/api/v1/notifications/{id}/read"): _read,
    ("GET", "/health/notifications"): _plain("/health/notifications"),
    ("GET", "/"): _plain("/"),
    ("GET", "/health"): _plain("/health"),
    ("GET", "/health/live"): _plain("/health/live"),
    ("GET", "/health/ready"): _plain("/health/ready"),
    ("GET", "/docs"): _plain("/docs"),
    ("GET", "/docs/{asset}"): _plain("/docs/start.js"),
    ("GET", "/openapi.json"): _plain("/openapi.json"),
    ("GET", "/asyncapi.json"): _plain("/asyncapi.json"),
    **{
        (method, "/{proxy}"): _plain("/nobody/knows/this", answers=404)
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    },
}

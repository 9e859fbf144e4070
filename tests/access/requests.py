"""Requests to every route: one that succeeds, and the caller who may send it."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi.routing import RouteContext, iter_route_contexts

from shared.auth.access import Access
from shared.runtime import clock
from tests.simulation.resources import function_at
from tests.simulation.shop import SimulatedShop
from tests.support import stripe
from tests.support.client import PASSWORD, Client
from tests.support.http import Answer, rest_event
from tools.openapi.access import SERVICES, Route, declared, routers

if TYPE_CHECKING:
    from tests.access.scene import Owner, Scene

ACCESS: Final[Mapping[Route, Access]] = declared()
ROUTES: Final[Mapping[Route, RouteContext]] = {
    (method, route.path_format or ""): route
    for service in SERVICES
    for router in routers(service)
    for route in iter_route_contexts(router.routes)
    for method in sorted(route.methods or ())
}
LISTS: Final = [
    route
    for route, served in ROUTES.items()
    if "cursor" in {p.alias for below in served.dependant.dependencies for p in below.query_params}
]


def _reset_token(shop: SimulatedShop, client: Client) -> str:
    shop.anyone.post("/api/v1/auth/forgot", {"email": client.user["email"]})
    return shop.email_token(client.user["id"])


# The bodies that the examples of a schema cannot say.
_BODIES: Final[Mapping[Route, Callable[[SimulatedShop, Client], dict[str, Any]]]] = {
    ("POST", "/api/v1/users"): lambda shop, client: {
        "email": f"new-{uuid.uuid4().hex}@example.com",
        "full_name": "New Customer",
        "password": PASSWORD,
    },
    ("POST", "/api/v1/auth/confirm"): lambda shop, client: {
        "token": shop.email_token(Client(client.http).sign_up().user["id"])
    },
    ("POST", "/api/v1/auth/reset"): lambda shop, client: {
        "token": _reset_token(shop, client),
        "password": "another-long-password",
    },
    ("DELETE", "/api/v1/users/{id}"): lambda shop, client: {"current_password": PASSWORD},
    ("PUT", "/api/v1/users/{id}"): lambda shop, client: {"full_name": "Another Name"},
    ("POST", "/api/v1/auth/login"): lambda shop, client: {
        "email": client.user["email"],
        "password": PASSWORD,
    },
    ("POST", "/api/v1/auth/browser/login"): lambda shop, client: {
        "email": client.user["email"],
        "password": PASSWORD,
    },
    **{
        ("POST", f"/api/v1/auth/{verb}"): lambda shop, client: {
            "refresh_token": client.refresh_token
        }
        for verb in ("refresh", "logout")
    },
    ("POST", "/api/v1/orders"): lambda shop, client: {
        "items": [{"product_id": shop.mug["id"], "quantity": 1}]
    },
    ("POST", stripe.PATH): lambda shop, client: json.loads(stripe.report("0" * 32)),
    ("POST", "/api/v1/orders/{id}/returns"): lambda shop, client: {
        "items": [{"product_id": shop.mug["id"], "quantity": 1}],
        "reason": "It arrived broken.",
    },
    ("POST", "/api/v1/orders/{id}/refunds"): lambda shop, client: {
        "amount": "0.10",
        "reason": "It arrived broken.",
    },
}


# Routes that need an Idempotency-Key.
_WITH_KEY: Final = [("POST", "/api/v1/orders"), ("POST", "/api/v1/orders/{id}/refunds")]
# Routes that act on a browser's session.
_WITH_COOKIE: Final = [("POST", f"/api/v1/auth/browser/{verb}") for verb in ("refresh", "logout")]


def noun(path: str) -> str:
    """What a path of the API is about: `orders`."""
    return path.split("/")[3] if path.startswith("/api/") else ""


def body(shop: SimulatedShop, client: Client, route: Route) -> dict[str, Any] | None:
    """A body that the route accepts: by default the examples of the members that it needs."""
    if route in _BODIES:
        return _BODIES[route](shop, client)
    field = ROUTES[route].body_field
    if field is None:
        return None
    schema = field.field_info.annotation.model_json_schema()
    members = schema["properties"]
    needed = schema.get("required") or [*members][:1]
    return {name: members[name]["examples"][0] for name in needed}


def _place(path: str) -> int:
    """The place of the thing among its owner's that a request is for. The last order is shipped,
    the one before is delivered, the others are confirmed."""
    return -1 if path.endswith("deliver") else -2 if "/returns" in path else 0


@dataclass(frozen=True)
class Example:
    """A request, and the status of its success."""

    path: str
    body: dict[str, Any] | None
    headers: Mapping[str, str]
    status: int


def example(scene: "Scene", route: Route, owner: "Owner | None" = None) -> Example:
    """A request for something of the owner's that succeeds."""
    owner = owner or scene.owner
    path = route[1]
    if "{id}" in path:
        ids = (scene.common | owner.things)[noun(path)]
        path = path.replace("{id}", ids[_place(path)])
    if "{return_id}" in path:
        requested, approved = owner.things["returns"]
        path = path.replace("{return_id}", approved if path.endswith("receive") else requested)
    path = path.replace("{session_id}", owner.things["sessions"][0])
    path = path.replace("{queue}", "checkout")
    path = path.replace("{asset}", "start.js").replace("{proxy}", "no/such/path")
    sent = body(scene.shop, scene.owner.client, route)
    headers = {"Idempotency-Key": uuid.uuid4().hex} if route in _WITH_KEY else {}
    if "signature" in ACCESS[route].groups:
        # As httpx writes it, and as rest_event does.
        written = (json.dumps(sent, separators=separators) for separators in ((",", ":"), None))
        headers = {"Stripe-Signature": stripe.signature(*written, at=clock.now())}
    if route in _WITH_COOKIE:
        headers = {"Cookie": _refresh_cookie(scene)}
    status = 404 if "{proxy}" in route[1] else ROUTES[route].status_code or 200
    return Example(path, sent, headers, status)


def _refresh_cookie(scene: "Scene") -> str:
    """The cookie of a session that the owner begins in a browser."""
    credentials = {"email": scene.owner.client.user["email"], "password": PASSWORD}
    parts = {"json_body": credentials}
    answer = send(scene, "POST", "/api/v1/auth/browser/login", {}, parts=parts)
    found = re.search(r"__Host-refresh=[^;]+", answer.headers["set-cookie"])
    assert found
    return found[0]


def client(scene: "Scene", route: Route) -> Client:
    """A caller who may send the route's example."""
    access = ACCESS[route]
    if not access.reads_token:
        return scene.shop.anyone
    callers = {"customer": scene.owner.client, **scene.staff}
    return next(caller for role, caller in callers.items() if access.admits(role))  # type: ignore[arg-type]  # each is a role


def bearer(scene: "Scene", route: Route) -> dict[str, str]:
    """The Authorization header of that caller."""
    token = client(scene, route).token
    return {"Authorization": f"Bearer {token}"} if token else {}


def send(
    scene: "Scene", method: str, path: str, headers: Mapping[str, str], **event: Any
) -> Answer:
    """The answer of the route's function to an event that no HTTP client would cause."""
    sent = rest_event(method, path.replace("#", "%23"), headers=headers, **event.pop("parts", {}))
    answer = scene.shop.invoke(function_at(method, sent["resource"]), sent | event)
    return Answer.of(answer)

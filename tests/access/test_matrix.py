"""Every route of the API by everybody who may call it: what the declaration says is what happens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import httpx
import pytest

from tests.access.examples import EXAMPLES
from tests.access.requests import ROUTES
from tests.access.scene import Owner, Scene
from tests.support.client import code
from tests.support.functions import FUNCTIONS
from tools.openapi import access
from tools.openapi.access import Route

UNKNOWN: Final = ("anonymous", "expired", "wrong audience", "wrong type", "foreign key")
CALLERS: Final = (*UNKNOWN, "deactivated", "owner", "other", "admin")
_WRITES: Final = {
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "TransactWriteItems",
    "Sign",
    "PublishBatch",
}

# What a token of an account that was deactivated since may not do any more: users looks at the account, and so does
# placing an order. Everywhere else what it says holds until it expires.
_LEFT: Final = {
    **{route: (401, "unauthenticated") for route in ROUTES if route[1].startswith("/api/v1/users")},
    ("POST", "/api/v1/orders"): (403, "account-inactive"),
}
_OTHERS_ARE_TOLD: Final = {
    "users": "user-not-found",
    "orders": "order-not-found",
    "notifications": "notification-not-found",
}


@dataclass(frozen=True)
class Cell:
    """Somebody sends a route's example; `of` owns what it asks for."""

    route: Route
    caller: str
    of: Owner

    @property
    def expected(self) -> tuple[int, str]:
        """The status and the problem's code that the declaration says; 0 for success."""
        access = ROUTES[self.route]
        if not access.reads_token or (access.is_public and self.caller == "anonymous"):
            return 0, ""
        if self.caller in UNKNOWN:
            return 401, "unauthenticated"
        if self.caller == "deactivated" and self.route in _LEFT:
            return _LEFT[self.route]
        is_owner = self.caller in ("owner", "deactivated")
        role = "admin" if self.caller == "admin" else "customer"
        if not access.groups.isdisjoint(("anyone", "user", role)):
            return 0, ""
        if "owner" not in access.groups:
            return 403, "forbidden"
        return (0, "") if is_owner else (404, _OTHERS_ARE_TOLD[self.route[1].split("/")[3]])


def cells(scene: Scene) -> Iterator[Cell]:
    for route in ROUTES:
        for caller in CALLERS:
            yield Cell(route, caller, scene.deactivated if caller == "deactivated" else scene.owner)


def tokens(scene: Scene) -> dict[str, str | None]:
    """The callers' access tokens; the forged ones are the owner's but for what their names say."""
    forge = replace(scene.forge, subject=scene.owner.id)
    issued = forge.claims()["iat"]
    return {
        "anonymous": None,
        "expired": forge.token(forge.claims(iat=issued - 901, exp=issued - 1)),
        "wrong audience": forge.token(forge.claims(aud="elsewhere")),
        "wrong type": forge.token(header=forge.header(typ="JWT")),
        "foreign key": forge.token(sign=scene.strangers_key.sign),
        "deactivated": scene.deactivated.client.token,
        "owner": scene.owner.client.token,
        "other": scene.other.client.token,
        "admin": scene.stage.admin.token,
    }


def ask(scene: Scene, cell: Cell, token: str | None) -> tuple[httpx.Response, int]:
    """The answer to the route's example, and the status of its success."""
    example = EXAMPLES[cell.route](scene, cell.of)
    headers = dict(example.headers)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    http = scene.stage.anyone.http
    answer = http.request(cell.route[0], example.path, json=example.body, headers=headers)
    return answer, example.answers


def test_document_has_what_the_routes_declare() -> None:
    assert access.DOCUMENT.read_text() == access.document(), "`make tables` writes it"


def test_every_route_is_in_the_template_and_has_an_example() -> None:
    template = {
        # "/" with a method that it has not is the catch-all's too.
        (method, path.replace("{proxy+}", "{proxy}"))
        for function in FUNCTIONS.values()
        for method, path in function.routes
        if (path, method) == ("/", "GET") or path != "/"
    }
    assert set(ROUTES) == template == set(EXAMPLES)


def test_nobody_gets_in_where_the_declaration_does_not_say_so(
    scene: Scene, restore: Callable[[], None], say: Callable[[str], None]
) -> None:
    otherwise, met, token = [], 0, tokens(scene)
    before = scene.stored
    for cell in cells(scene):
        answer, success = ask(scene, cell, token[cell.caller])
        status, problem = cell.expected
        met += 1
        if status == 0:
            right = answer.status_code == success
            if scene.town.wire.calls:
                restore()
        else:
            right = (answer.status_code, code(answer)) == (status, problem)
            right &= scene.stored == before
            # Who is turned away at the gate causes no write, not even one that fails.
            if problem in ("unauthenticated", "forbidden"):
                right &= not any(call.operation in _WRITES for call in scene.town.wire.calls)
            scene.town.wire.forget()
        if not right:
            otherwise.append(f"{cell.route} {cell.caller}: {answer.status_code} {answer.text}")
    size = f"{len(ROUTES)} routes by {len(CALLERS)} callers = {met} cells"
    say(f"who may what: {size}, {len(otherwise)} decided otherwise")
    assert met == len(ROUTES) * len(CALLERS)
    assert not otherwise, "\n".join(otherwise)


@pytest.mark.parametrize(
    "route",
    [route for route, access in ROUTES.items() if "owner" in access.groups],
)
@pytest.mark.usefixtures("restore")
def test_what_is_somebody_else_s_looks_like_what_is_not_there(scene: Scene, route: Route) -> None:
    example = EXAMPLES[route](scene, scene.owner)
    [mine] = {scene.owner.id, *scene.owner.orders, *scene.owner.notifications} & set(
        example.path.split("/")
    )
    nobodys = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    told = []
    for path in (example.path, example.path.replace(mine, nobodys)):
        answer = scene.other.client.request(route[0], path, json=example.body)
        told.append({**answer.json(), "instance": "", "request_id": ""})
    assert told[0] == told[1]
    assert told[0]["status"] == 404


@pytest.mark.usefixtures("restore")
def test_an_admin_s_own_notifications_include_those_to_all_admins(scene: Scene) -> None:
    few = scene.stage.admin.add_product(name="Rare", stock=5)
    scene.stage.admin.post(f"/api/v1/products/{few['id']}/stock", {"delta": -4})
    scene.town.come_to_rest()
    page = scene.stage.admin.get("/api/v1/notifications", params={"limit": 100}).json()
    [low] = [n for n in page["notifications"] if n["type"] == "product.low_stock"]
    path = f"/api/v1/notifications/{low['id']}/read"
    assert scene.owner.client.post(path).status_code == 404
    assert scene.stage.admin.post(path).status_code == 200

"""Every route of the API by every kind of caller: what the route declares is what happens."""

from collections.abc import Callable
from typing import Final

import pytest

from shared.auth.access import may_see_all
from shared.auth.tokens import ROLES, Caller, Role
from tests.access.requests import ACCESS, ROUTES, example
from tests.access.scene import Scene
from tests.support.client import code
from tests.support.functions import FUNCTIONS
from tools.openapi import access
from tools.openapi.access import Route

_FUNCTIONS: Final = {route: f.name for f in FUNCTIONS.values() for route in f.routes}
_WRITES: Final = {
    *("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "Sign", "PublishBatch")
}
_USERS: Final = [route for route in ROUTES if _FUNCTIONS.get(route) == "UsersApi"]
# What a token is refused whose account was deactivated, or whose sessions have ended. Users looks
# the account up, and so does placing an order; everywhere else the token is valid until it expires.
_ENDED: Final = {
    "deactivated": {
        **dict.fromkeys(_USERS, (401, "unauthenticated")),
        ("POST", "/api/v1/orders"): (403, "account-inactive"),
    },
    "logged out": dict.fromkeys([*_USERS, ("POST", "/api/v1/orders")], (401, "unauthenticated")),
}


def expected(route: Route, caller: str) -> tuple[int, str]:
    """The status of the refusal that the route declares, and how its code ends; 0 for a success."""
    declared = ACCESS[route]
    if not declared.reads_token or (declared.is_public and caller == "anonymous"):
        return 0, ""
    if caller in ("anonymous", "forged"):
        return 401, "unauthenticated"
    if refusal := _ENDED.get(caller, {}).get(route):
        return refusal
    role: Role = caller if caller in ROLES else "customer"  # type: ignore[assignment]  # checked
    is_owner = caller in ("owner", *_ENDED)
    admitted = {"anyone", "user", role, *(["owner"] if is_owner else [])}
    if declared.groups & admitted:
        return 0, ""
    if "owner" not in declared.groups or (
        declared.groups > {"owner"} and may_see_all(Caller("", role))
    ):
        return 403, "forbidden"
    return 404, "-not-found"


def tokens(scene: Scene) -> dict[str, str | None]:
    """The callers' access tokens. `tests/shared/auth` has more that are refused."""
    return {
        "anonymous": None,
        "forged": f"{scene.owner.client.token}"[:-4] + "AAAA",
        "logged out": scene.logged_out,
        "deactivated": scene.deactivated.client.token,
        "owner": scene.owner.client.token,
        "other": scene.other.client.token,
        **{role: client.token for role, client in scene.staff.items()},
    }


def test_document_has_what_the_routes_declare() -> None:
    assert access.DOCUMENT.read_text() == access.document(), "`make tables` writes it"


def test_every_route_is_in_the_template() -> None:
    template = {
        (method, path.replace("{proxy+}", "{proxy}"))
        for function in FUNCTIONS.values()
        for method, path in function.routes
    }
    # Their other methods are refused.
    partly = {"/", "/webhooks/stripe"}
    assert {route for route in template if route[1] not in partly} <= set(ROUTES) <= template


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_route_admits_whom_it_declares(
    scene: Scene, restore: Callable[[], None], route: Route
) -> None:
    before, http = scene.stored, scene.shop.anyone.http
    for caller, token in tokens(scene).items():
        owner = scene.deactivated if caller == "deactivated" else scene.owner
        sent = example(scene, route, owner)
        headers = {**sent.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        answer = http.request(route[0], sent.path, json=sent.body, headers=headers)
        status, problem = expected(route, caller)
        if status == 0:
            assert answer.status_code == sent.status, (caller, answer.text)
            restore()
            continue
        assert answer.status_code == status, (
            f"{caller} gets {answer.status_code}, @allow says {status}: name the role there, or"
            " refuse it in the service"
        )
        assert code(answer).endswith(problem), caller
        assert scene.stored == before, caller
        # A caller that the gate refuses causes no write, not even one that fails.
        if problem in ("unauthenticated", "forbidden"):
            assert not _WRITES & {call.operation for call in scene.shop.wire.calls}, caller
        scene.shop.wire.forget()


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if "owner" in ACCESS[route].groups], ids=" ".join
)
@pytest.mark.usefixtures("restore")
def test_what_another_customer_owns_looks_like_what_does_not_exist(
    scene: Scene, route: Route
) -> None:
    sent = example(scene, route)
    [mine] = {*scene.owner.marks} & {*sent.path.split("/")}
    missing = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    foreign, unknown = (
        {**answer.json(), "instance": "", "request_id": ""}
        for answer in (
            scene.other.client.request(route[0], path, json=sent.body)
            for path in (sent.path, sent.path.replace(mine, missing))
        )
    )
    assert foreign == unknown
    assert foreign["status"] == 404


@pytest.mark.usefixtures("restore")
def test_admins_own_the_notifications_to_all_admins(scene: Scene) -> None:
    few = scene.shop.admin.add_product(name="Rare", stock=5)
    scene.shop.admin.post(f"/api/v1/products/{few['id']}/stock", {"delta": -4})
    scene.shop.come_to_rest()
    page = scene.shop.admin.get("/api/v1/notifications", params={"limit": 100}).json()
    [low] = [n for n in page["notifications"] if n["type"] == "product.low_stock"]
    path = f"/api/v1/notifications/{low['id']}/read"
    assert scene.owner.client.post(path).status_code == 404
    assert scene.shop.admin.post(path).status_code == 200

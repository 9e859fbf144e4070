"""Links: what may be done next with what an answer gives."""

from dataclasses import dataclass
from typing import Any, Final

from tools.openapi import bodies

type Node = dict[str, Any]

_ID: Final = {"id": "$response.body#/id"}


@dataclass(frozen=True)
class _Link:
    """From the answer of one operation to the parameters, or to the body, of another."""

    source: str
    target: str
    parameters: dict[str, str] | None = None
    body: dict[str, str] | None = None
    status: str = "200"


_CREDENTIALS: Final = {
    "email": "$request.body#/email",
    "password": "$request.body#/password",
}
_HELD: Final = {"refresh_token": "$response.body#/refresh_token"}
_LINKS: Final = (
    _Link("registerUser", "logIn", body=_CREDENTIALS, status="201"),
    *(
        _Link("registerUser", target, _ID, status="201")
        for target in ("getUser", "changeUser", "deactivateUser")
    ),
    _Link("logIn", "refreshTokens", body=_HELD),
    _Link("logIn", "logOut", body=_HELD),
    _Link("listUsers", "getUser", {"id": "$response.body#/users/0/id"}),
    *(
        _Link("addProduct", target, _ID, status="201")
        for target in ("getProduct", "changeProduct", "restockProduct", "withdrawProduct")
    ),
    _Link("listProducts", "getProduct", {"id": "$response.body#/products/0/id"}),
    *(
        _Link("placeOrder", target, _ID, status="201")
        for target in ("getOrder", "getOrderHistory", "cancelOrder", "shipOrder", "deliverOrder")
    ),
    _Link("listOrders", "getOrder", {"id": "$response.body#/orders/0/id"}),
    _Link("listNotifications", "readNotification", {"id": "$response.body#/notifications/0/id"}),
    *(
        _Link(listing, listing, {"cursor": "$response.body#/next_cursor"})
        for listing in ("listUsers", "listProducts", "listOrders", "listNotifications")
    ),
)


def add(made: Node) -> None:
    """Put the links into a document's answers."""
    operations = {operation["operationId"]: operation for *_, operation in bodies.operations(made)}
    for link in _LINKS:
        if not {link.source, link.target} <= operations.keys():
            continue  # a document of some services only
        response = operations[link.source]["responses"][link.status]
        said: Node = {"operationId": link.target}
        if link.parameters:
            said["parameters"] = link.parameters
        if link.body:
            said["requestBody"] = link.body
        response.setdefault("links", {})[link.target] = said

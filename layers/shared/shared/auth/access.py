"""Who may use the API: every route of every service. The apps enforce this page (shared.auth.authentication), and none starts with a
route that does not stand here."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

type Route = tuple[str, str]
"""A method, and a path as OpenAPI writes it."""


class Who(Enum):
    """Whom a route is for.

    All but ANYONE need an access token: without one the answer is 401, whatever else is wrong with the request. What is
    whose only the service knows, so that the last word on ONESELF, OWNER_OR_ADMIN and OWNER is its own.
    """

    ANYONE = "anyone"
    USER = "anyone who is logged in; who is no admin sees only one's own"
    ONESELF = "whose account it is, and admins; 404 for others"
    OWNER_OR_ADMIN = "whose it is, and admins; 404 for others"
    OWNER = "whose it is; 404 for all others, admins too"
    ADMIN = "admins; 403 for others"


RULES: Final[Mapping[Route, Who]] = {
    # users
    ("POST", "/api/v1/users"): Who.ANYONE,
    ("GET", "/api/v1/users"): Who.ADMIN,
    ("GET", "/api/v1/users/me"): Who.USER,
    ("GET", "/api/v1/users/{id}"): Who.ONESELF,
    ("PUT", "/api/v1/users/{id}"): Who.ONESELF,
    ("DELETE", "/api/v1/users/{id}"): Who.ONESELF,
    # Whoever holds a password or a refresh token; the service looks at it.
    ("POST", "/api/v1/auth/login"): Who.ANYONE,
    ("POST", "/api/v1/auth/refresh"): Who.ANYONE,
    ("POST", "/api/v1/auth/logout"): Who.ANYONE,
    ("GET", "/.well-known/jwks.json"): Who.ANYONE,
    ("GET", "/health/users"): Who.ANYONE,
    # products
    ("GET", "/api/v1/products"): Who.ANYONE,
    ("POST", "/api/v1/products"): Who.ADMIN,
    ("GET", "/api/v1/products/{id}"): Who.ANYONE,
    ("PUT", "/api/v1/products/{id}"): Who.ADMIN,
    ("DELETE", "/api/v1/products/{id}"): Who.ADMIN,
    ("POST", "/api/v1/products/{id}/stock"): Who.ADMIN,
    ("GET", "/health/products"): Who.ANYONE,
    # orders
    ("POST", "/api/v1/orders"): Who.USER,
    ("GET", "/api/v1/orders"): Who.USER,
    ("GET", "/api/v1/orders/{id}"): Who.OWNER_OR_ADMIN,
    ("GET", "/api/v1/orders/{id}/events"): Who.OWNER_OR_ADMIN,
    ("POST", "/api/v1/orders/{id}/cancel"): Who.OWNER_OR_ADMIN,
    ("POST", "/api/v1/orders/{id}/ship"): Who.ADMIN,
    ("POST", "/api/v1/orders/{id}/deliver"): Who.ADMIN,
    ("GET", "/health/orders"): Who.ANYONE,
    # notifications
    ("GET", "/api/v1/notifications"): Who.USER,
    # An admin's own include those to all admins.
    ("POST", "/api/v1/notifications/{id}/read"): Who.OWNER,
    ("GET", "/health/notifications"): Who.ANYONE,
    # gateway
    ("GET", "/"): Who.ANYONE,
    ("GET", "/health"): Who.ANYONE,
    ("GET", "/health/live"): Who.ANYONE,
    ("GET", "/health/ready"): Who.ANYONE,
    ("GET", "/docs"): Who.ANYONE,
    ("GET", "/docs/{asset}"): Who.ANYONE,
    ("GET", "/openapi.json"): Who.ANYONE,
    ("GET", "/asyncapi.json"): Who.ANYONE,
    # What no other route takes: 404, or 405 where another method would do.
    ("GET", "/{proxy}"): Who.ANYONE,
    ("HEAD", "/{proxy}"): Who.ANYONE,
    ("POST", "/{proxy}"): Who.ANYONE,
    ("PUT", "/{proxy}"): Who.ANYONE,
    ("PATCH", "/{proxy}"): Who.ANYONE,
    ("DELETE", "/{proxy}"): Who.ANYONE,
    ("OPTIONS", "/{proxy}"): Who.ANYONE,
}

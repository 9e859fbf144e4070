"""The contract's table, once more and by hand: what the API's document is held to."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

# Every answer of the gateway's own, and of a function that is broken.
_EVERYWHERE: Final = {
    403: "forbidden",
    422: "invalid-request",  # an unknown query parameter
    429: "too-many-requests",
    500: "internal-error",
    503: "service-unavailable",
}
_OF_BODIES: Final = {
    400: "malformed-json",
    413: "payload-too-large",
    415: "unsupported-media-type",
}


@dataclass(frozen=True)
class Row:
    """One row: what it answers with where all is well, and each problem of its own."""

    well: int = 200
    own: str = ""  # "409 email-taken, 404 …"
    headers: str = ""  # of the answer where all is well
    sends: str = ""  # headers of the request
    has_body: bool = False
    query: str = ""
    is_list: bool = False
    is_known: bool = False  # whether the caller must be
    may_be_unchanged: bool = False

    @property
    def parameters(self) -> set[str]:
        named = {*self.query.split(), *self.sends.split(), "X-Request-ID"}
        return named | ({"limit", "cursor"} if self.is_list else set())

    @property
    def problems(self) -> dict[int, set[str]]:
        """The codes of each status."""
        found = defaultdict[int, set[str]](set)
        general = [_EVERYWHERE]
        general += [_OF_BODIES] if self.has_body else []
        general += [{401: "unauthenticated"}] if self.is_known else []
        general += [{400: "invalid-cursor"}] if self.is_list else []
        for codes in general:
            for status, code in codes.items():
                found[status].add(code)
        for problem in filter(None, self.own.split(", ")):
            number, code = problem.split()
            found[int(number)].add(code)
        return dict(found)


_KEY: Final = "Idempotency-Key"
_PLACED: Final = """400 idempotency-key-required, 403 account-inactive, 409 out-of-stock, 409 request-in-progress, \
409 reservation-ended, 422 unknown-product, 422 idempotency-key-reused"""
_MOVED: Final = Row(own="404 order-not-found, 409 illegal-transition", is_known=True)
_HEALTH: Final = Row()

CONTRACT: Final = {
    "GET /": Row(),
    "GET /health": _HEALTH,
    "GET /health/live": _HEALTH,
    "GET /health/ready": _HEALTH,
    "GET /health/users": _HEALTH,
    "GET /health/products": _HEALTH,
    "GET /health/orders": _HEALTH,
    "GET /health/notifications": _HEALTH,
    "GET /docs": Row(headers="Cache-Control"),
    "GET /openapi.json": Row(
        headers="ETag Cache-Control", sends="If-None-Match", may_be_unchanged=True
    ),
    "GET /asyncapi.json": Row(
        headers="ETag Cache-Control", sends="If-None-Match", may_be_unchanged=True
    ),
    "GET /.well-known/jwks.json": Row(headers="Cache-Control"),
    "POST /api/v1/users": Row(201, "409 email-taken", "Location", has_body=True),
    "POST /api/v1/auth/login": Row(own="401 bad-credentials, 429 too-many-attempts", has_body=True),
    "POST /api/v1/auth/refresh": Row(own="401 bad-refresh-token", has_body=True),
    "POST /api/v1/auth/logout": Row(204, has_body=True),
    "GET /api/v1/users/me": Row(is_known=True),
    "GET /api/v1/users": Row(query="active", is_list=True, is_known=True),
    "GET /api/v1/users/{id}": Row(own="404 user-not-found", is_known=True),
    "PUT /api/v1/users/{id}": Row(
        own="404 user-not-found, 409 email-taken, 409 account-erased, 429 too-many-attempts",
        has_body=True,
        is_known=True,
    ),
    "DELETE /api/v1/users/{id}": Row(own="404 user-not-found", query="erase", is_known=True),
    "GET /api/v1/products": Row(
        query="category min_price max_price q sort", headers="Cache-Control", is_list=True
    ),
    "GET /api/v1/products/{id}": Row(
        own="404 product-not-found",
        headers="ETag Cache-Control",
        sends="If-None-Match",
        may_be_unchanged=True,
    ),
    "POST /api/v1/products": Row(201, headers="Location ETag", has_body=True, is_known=True),
    "PUT /api/v1/products/{id}": Row(
        own="404 product-not-found, 412 version-conflict",
        headers="ETag",
        sends="If-Match",
        has_body=True,
        is_known=True,
    ),
    "POST /api/v1/products/{id}/stock": Row(
        own="404 product-not-found, 409 out-of-stock, 422 idempotency-key-reused",
        headers="ETag Idempotent-Replayed",
        sends=_KEY,
        has_body=True,
        is_known=True,
    ),
    "DELETE /api/v1/products/{id}": Row(204, "404 product-not-found", is_known=True),
    "POST /api/v1/orders": Row(
        201, _PLACED, "Location Idempotent-Replayed", _KEY, has_body=True, is_known=True
    ),
    "GET /api/v1/orders": Row(query="status user_id", is_list=True, is_known=True),
    "GET /api/v1/orders/{id}": Row(own="404 order-not-found", is_known=True),
    "GET /api/v1/orders/{id}/events": Row(own="404 order-not-found", is_list=True, is_known=True),
    "POST /api/v1/orders/{id}/cancel": _MOVED,
    "POST /api/v1/orders/{id}/ship": _MOVED,
    "POST /api/v1/orders/{id}/deliver": _MOVED,
    "GET /api/v1/notifications": Row(query="unread user_id", is_list=True, is_known=True),
    "POST /api/v1/notifications/{id}/read": Row(own="404 notification-not-found", is_known=True),
}

# The members of a code's problem beside those of all.
MEMBERS: Final = {
    "out-of-stock": {"product_id", "requested", "available"},
    "unknown-product": {"product_id", "errors"},
    "invalid-request": {"errors"},
    "idempotency-key-reused": {"errors"},
    "illegal-transition": {"from", "to"},
    "version-conflict": {"version"},
}

# What a body must have, and in brackets what it may have.
BODIES: Final = {
    "RegistrationRequest": "email full_name password",
    "LogInRequest": "email password",
    "RefreshTokenRequest": "refresh_token",
    "AccountChangeRequest": "(email) (full_name) (password) (current_password) (role) (is_active)",
    "ProductRequest": "name (description) price category (stock)",
    "ProductChangeRequest": "(name) (description) (price) (category) (is_active)",
    "StockChangeRequest": "delta",
    "OrderRequest": "items (payment_token)",
    "OrderItemRequest": "product_id quantity",
    "AccountResponse": "id email full_name role is_active created_at",
    "TokenPairResponse": "access_token token_type expires_in refresh_token",
    "DeactivationResponse": "deactivated (erased)",
    "ProductResponse": "id name description price currency category stock is_active created_at updated_at version",
    "OrderResponse": "id user_id user_name status items total_amount currency (cancel_reason) created_at updated_at version",
    "OrderItemResponse": "product_id name quantity unit_price line_total",
    "OrderEventResponse": "type at version data",
    "NotificationResponse": "id type subject body channel status (order_id) created_at (read_at)",
    "Index": "name version services health docs",
    "Alive": "status",
    "Health": "status services",
    "AccountListResponse": "users count next_cursor",
    "ProductListResponse": "products count next_cursor",
    "OrderListResponse": "orders count next_cursor",
    "OrderHistoryResponse": "events count next_cursor",
    "NotificationListResponse": "notifications count next_cursor",
}

# Limits of what is sent.
LIMITS: Final = {
    "RegistrationRequest.email": {"format": "email", "maxLength": 254},
    "RegistrationRequest.password": {"minLength": 12, "maxLength": 128},
    "AccountChangeRequest.email": {"format": "email", "maxLength": 254},
    "AccountChangeRequest.password": {"minLength": 12, "maxLength": 128},
    "AccountChangeRequest.role": {"enum": ["customer", "admin"]},
    "OrderRequest.items": {"minItems": 1, "maxItems": 50},
    "OrderItemRequest.quantity": {"minimum": 1, "maximum": 1000},
}
ENUMS: Final = {
    "OrderResponse.status": ["pending", "confirmed", "shipped", "delivered", "cancelled"],
    "AccountResponse.role": ["customer", "admin"],
    "Health.status": ["healthy", "degraded"],
    "TokenPairResponse.token_type": ["Bearer"],
    "Alive.status": ["alive"],
}
MONEY: Final = (
    "ProductResponse.price",
    "OrderResponse.total_amount",
    "OrderEventData.total_amount",
    "OrderItemResponse.unit_price",
    "OrderItemResponse.line_total",
)

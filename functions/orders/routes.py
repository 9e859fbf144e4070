"""Orders over HTTP: each route parses, calls the service once and answers."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from orders.bodies import (
    History,
    OrderAnswer,
    OrderEvent,
    OrderList,
    OrderRequest,
    OrdersHealth,
    Text,
)
from orders.errors import IdempotencyKeyRequired
from orders.models import Status
from orders.service import OrderService
from shared import health
from shared.auth import Admin, Authenticated
from shared.cursors import Cursors

if TYPE_CHECKING:
    from orders.idempotency import PlacingOnce

_LONGEST_KEY = 255

router = APIRouter(tags=["orders"])


async def _orders(request: Request) -> OrderService:
    service: OrderService = request.app.state.orders
    return service


async def _cursors(request: Request) -> Cursors:
    cursors: Cursors = request.app.state.cursors
    return cursors


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="New for each order, and the same when one is tried again.",
            json_schema_extra={"minLength": 1, "maxLength": _LONGEST_KEY, "x-required": True},
        ),
    ] = None,
) -> str:
    # Optional for FastAPI, so that a missing one is the contract's 400 and not a 422 among those of the body; the API's
    # document says "required", by the mark above (tools/openapi.py).
    key = (idempotency_key or "").strip()
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise IdempotencyKeyRequired
    return key


Service = Annotated[OrderService, Depends(_orders)]
Sealed = Annotated[Cursors, Depends(_cursors)]
OrderId = Annotated[str, Path(description="The order's id.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]


def _problems(**descriptions: str) -> dict[int | str, dict[str, Any]]:
    """The problem statuses of a route (`s404="…"`), those of every authenticated one included."""
    problems = {"s401": "No or no valid access token: `unauthenticated`."} | descriptions
    return {int(status[1:]): {"description": text} for status, text in problems.items()}


_NOT_FOUND = "No such order, or somebody else's: `order-not-found`."


@router.post(
    "/api/v1/orders",
    status_code=201,
    operation_id="placeOrder",
    summary="Place an order; with a key that has placed one, get that one again",
    responses={
        201: {
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "The order's path."},
                "Idempotent-Replayed": {
                    "schema": {"type": "string", "enum": ["true"]},
                    "description": "An earlier request with this key placed it.",
                },
            }
        },
        **_problems(
            s400="`idempotency-key-required`, or `malformed-json`.",
            s403="The customer's account is not active: `account-inactive`.",
            s409="`out-of-stock` with `product_id`, `requested`, `available`; `request-in-progress`; "
            "`reservation-ended`: what the key held was given back, use a new one.",
            s422="`invalid-request`; `unknown-product` with `product_id`; `idempotency-key-reused`.",
            s503="A service behind is down: `service-unavailable`, with `Retry-After`.",
        ),
    },
)
async def place(
    caller: Authenticated,
    key: Annotated[str, Depends(_idempotency_key)],
    body: OrderRequest,
    request: Request,
    response: Response,
) -> OrderAnswer:
    placing: PlacingOnce = request.app.state.placing()
    placed = placing.place(caller, key, body.basket(), request.scope.get("aws.context"))
    response.headers["Location"] = f"/api/v1/orders/{placed.order.id}"
    if placed.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return OrderAnswer.of(placed.order)


@router.get(
    "/api/v1/orders",
    operation_id="listOrders",
    summary="List one's orders, newest first; for an admin everybody's",
    responses=_problems(
        s400="`invalid-cursor`.",
        s403="A customer asked for somebody else's: `forbidden`.",
        s422="`invalid-request`.",
    ),
)
async def list_orders(
    *,
    caller: Authenticated,
    orders: Service,
    cursors: Sealed,
    status: Annotated[Status | None, Query(description="Only those in this status.")] = None,
    user_id: Annotated[Text | None, Query(description="Only this user's.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> OrderList:
    query = {"list": "orders", "status": status, "user_id": user_id}
    position = cursors.open(cursor, caller=caller.id, query=query) or {}
    page = orders.page(
        caller, user_id=user_id, status=status, after=position.get("after"), limit=limit
    )
    following = {"after": page.last} if page.last else None
    return OrderList.model_construct(
        orders=[OrderAnswer.of(order) for order in page.orders],
        count=len(page.orders),
        next_cursor=cursors.seal(following, caller=caller.id, query=query),
    )


@router.get(
    "/api/v1/orders/{id}",
    operation_id="getOrder",
    summary="Get an order",
    responses=_problems(s404=_NOT_FOUND),
)
async def get(id: OrderId, caller: Authenticated, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.get(id, caller))


@router.get(
    "/api/v1/orders/{id}/events",
    operation_id="getOrderHistory",
    summary="Get what happened to an order, oldest first",
    responses=_problems(s400="`invalid-cursor`.", s404=_NOT_FOUND, s422="`invalid-request`."),
)
async def history(
    *,
    id: OrderId,  # noqa: A002  # the contract's name
    caller: Authenticated,
    orders: Service,
    cursors: Sealed,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> History:
    query = {"list": "order-events", "order_id": id}
    position = cursors.open(cursor, caller=caller.id, query=query) or {}
    page = orders.history(id, caller, after=position.get("after"), limit=limit)
    following = {"after": page.last} if page.last else None
    return History.model_construct(
        events=[OrderEvent.of(event) for event in page.events],
        count=len(page.events),
        next_cursor=cursors.seal(following, caller=caller.id, query=query),
    )


@router.post(
    "/api/v1/orders/{id}/cancel",
    operation_id="cancelOrder",
    summary="Cancel an order that is pending or confirmed; its stock and money come back",
    responses=_problems(s404=_NOT_FOUND, s409="It has gone too far: `illegal-transition`."),
)
async def cancel(id: OrderId, caller: Authenticated, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.cancel(id, caller))


@router.post(
    "/api/v1/orders/{id}/ship",
    operation_id="shipOrder",
    summary="Record that a confirmed order was shipped",
    responses=_problems(
        s403="Only an admin may: `forbidden`.",
        s404="No such order: `order-not-found`.",
        s409="It is not confirmed: `illegal-transition`.",
    ),
)
async def ship(id: OrderId, _admin: Admin, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.ship(id))


@router.post(
    "/api/v1/orders/{id}/deliver",
    operation_id="deliverOrder",
    summary="Record that a shipped order was delivered",
    responses=_problems(
        s403="Only an admin may: `forbidden`.",
        s404="No such order: `order-not-found`.",
        s409="It is not shipped: `illegal-transition`.",
    ),
)
async def deliver(id: OrderId, _admin: Admin, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.deliver(id))


@router.get(
    "/health/orders",
    operation_id="ordersHealth",
    summary="The orders service's own health",
    response_model_exclude_none=True,
)
async def orders_health(orders: Service) -> OrdersHealth:
    def figures() -> dict[str, Any]:
        by_status = orders.totals()
        return {"total": sum(by_status.values()), "by_status": by_status}

    return health.report(OrdersHealth, figures)

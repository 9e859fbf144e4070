"""Orders over HTTP: each route parses, calls the service once and answers."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from orders.errors import (
    AccountInactive,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    IllegalTransition,
    OrderNotFound,
    RequestInProgress,
)
from orders.models import Status
from orders.schemas import (
    History,
    OrderAnswer,
    OrderEvent,
    OrderList,
    OrderRequest,
    OrdersHealth,
    Text,
)
from orders.service import OrderService
from shared.auth.access import allow
from shared.auth.authentication import Authenticated
from shared.contracts.inventory import OutOfStock, ReservationEnded, UnknownProduct
from shared.errors import Forbidden, ServiceUnavailable
from shared.web import health
from shared.web.cursors import Cursors
from shared.web.fields import IDEMPOTENCY_KEY_PATTERN
from shared.web.headers import location, replayed
from shared.web.paging import Cursor, Limit
from shared.web.problems import problems
from shared.web.rest_events import link
from shared.web.routing import GuardedRoute

router = APIRouter(tags=["orders"], route_class=GuardedRoute)


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
            json_schema_extra={
                "minLength": 1,
                "maxLength": 255,
                "pattern": IDEMPOTENCY_KEY_PATTERN,
                "x-required": True,
            },
        ),
    ] = None,
) -> str:
    # Optional for FastAPI, so that a missing one is the contract's 400 and not a 422 among those of the body; the API's
    # document says "required", by the mark above (tools/openapi.py).
    key = (idempotency_key or "").strip()
    if not re.fullmatch(IDEMPOTENCY_KEY_PATTERN, key):
        raise IdempotencyKeyRequired
    return key


Service = Annotated[OrderService, Depends(_orders)]
Sealed = Annotated[Cursors, Depends(_cursors)]
OrderId = Annotated[str, Path(description="The order's id.")]

_NOT_FOUND = "there is none, or it is somebody else's"


@router.post(
    "/api/v1/orders",
    status_code=201,
    operation_id="placeOrder",
    summary="Place an order; with a key that has placed one, get that one again",
    responses={
        201: {
            "headers": {
                **location("The order's path."),
                **replayed("An earlier request with this key placed it."),
            }
        },
        **problems(
            {
                IdempotencyKeyRequired: "the header is missing, empty or too long",
                AccountInactive: "the customer's account is not active",
                OutOfStock: "less is there than is ordered",
                RequestInProgress: "another request with this key is at work",
                ReservationEnded: "what the key held was given back; use a new one",
                UnknownProduct: "there is none, or it is off sale",
                IdempotencyKeyReused: "the key came with another order",
                ServiceUnavailable: "a service behind this one is down",
            }
        ),
    },
)
@allow("user")
async def place(
    *,
    caller: Authenticated,
    key: Annotated[str, Depends(_idempotency_key)],
    body: OrderRequest,
    orders: Service,
    request: Request,
    response: Response,
) -> OrderAnswer:
    placed = orders.place(caller, key, body.basket())
    response.headers["Location"] = link(request, f"/api/v1/orders/{placed.order.id}")
    if placed.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return OrderAnswer.of(placed.order)


@router.get(
    "/api/v1/orders",
    operation_id="listOrders",
    summary="List one's orders, newest first; for an admin everybody's",
    responses=problems({Forbidden: "a customer asked for somebody else's"}),
)
@allow("user", more_for=("admin",))
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
    responses=problems({OrderNotFound: _NOT_FOUND}),
)
@allow("owner", "admin")
async def get(id: OrderId, caller: Authenticated, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.get(id, caller))


@router.get(
    "/api/v1/orders/{id}/events",
    operation_id="getOrderHistory",
    summary="Get what happened to an order, oldest first",
    responses=problems({OrderNotFound: _NOT_FOUND}),
)
@allow("owner", "admin")
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
    shown = [event for event in map(OrderEvent.of, page.events) if event]
    return History.model_construct(
        events=shown,
        count=len(shown),
        next_cursor=cursors.seal(following, caller=caller.id, query=query),
    )


@router.post(
    "/api/v1/orders/{id}/cancel",
    operation_id="cancelOrder",
    summary="Cancel an order that is pending or confirmed; its stock and money come back",
    responses=problems({OrderNotFound: _NOT_FOUND, IllegalTransition: "it has gone too far"}),
)
@allow("owner", "admin")
async def cancel(id: OrderId, caller: Authenticated, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.cancel(id, caller))


@router.post(
    "/api/v1/orders/{id}/ship",
    operation_id="shipOrder",
    summary="Record that a confirmed order was shipped",
    responses=problems({OrderNotFound: _NOT_FOUND, IllegalTransition: "it is not confirmed"}),
)
@allow("admin")
async def ship(id: OrderId, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.ship(id))


@router.post(
    "/api/v1/orders/{id}/deliver",
    operation_id="deliverOrder",
    summary="Record that a shipped order was delivered",
    responses=problems({OrderNotFound: _NOT_FOUND, IllegalTransition: "it is not shipped"}),
)
@allow("admin")
async def deliver(id: OrderId, orders: Service) -> OrderAnswer:  # noqa: A002  # the contract's name
    return OrderAnswer.of(orders.deliver(id))


@router.get(
    "/health/orders",
    operation_id="ordersHealth",
    summary="The orders service's own health",
    response_model_exclude_none=True,
)
@allow("anyone")
async def orders_health(orders: Service) -> OrdersHealth:
    def figures() -> dict[str, Any]:
        by_status = orders.totals()
        return {"total": sum(by_status.values()), "by_status": by_status}

    return health.report(OrdersHealth, figures)

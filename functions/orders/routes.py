"""Orders over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from orders.errors import (
    AccountInactive,
    EmailNotConfirmed,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    IllegalTransition,
    OrderNotFound,
    RequestInProgress,
)
from orders.models import Status
from orders.parameters import KEY_PARAMETER, NOT_FOUND, IdempotencyKey, OrderId
from orders.schemas import (
    OrderDetailResponse,
    OrderEventResponse,
    OrderHistoryResponse,
    OrderListResponse,
    OrderRequest,
    OrderResponse,
    OrdersHealth,
    Text,
)
from orders.service import OrderService
from shared.auth.access import allow
from shared.contracts.inventory import OutOfStock, PriceChanged, ReservationEnded, UnknownProduct
from shared.errors import Forbidden, ServiceUnavailable
from shared.web import health
from shared.web.paging import Paging
from shared.web.responses import location, problems, replayed
from shared.web.rest_events import link
from shared.web.routing import Authenticated, GuardedRoute, KeptFigures, state

router = APIRouter(tags=["orders"], route_class=GuardedRoute)

Service = Annotated[OrderService, state("service")]


@router.post(
    "/api/v1/orders",
    status_code=201,
    operation_id="placeOrder",
    summary="Place an order; a repeated key returns the same order",
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
                EmailNotConfirmed: "the customer's e-mail address is not confirmed",
                OutOfStock: "less is in stock than ordered",
                PriceChanged: "it does not cost `expected_total`; `total_amount` is what it costs",
                RequestInProgress: "another request with this key runs",
                ReservationEnded: "the key's reservation was released; use a new key",
                UnknownProduct: "it does not exist, or is not on sale",
                IdempotencyKeyReused: "the key was used with another order",
                ServiceUnavailable: "another service is down",
            }
        ),
    },
    openapi_extra={"parameters": [KEY_PARAMETER]},
)
@allow("user")
async def place(
    *,
    caller: Authenticated,
    key: IdempotencyKey,
    body: OrderRequest,
    service: Service,
    request: Request,
    response: Response,
) -> OrderResponse:
    placement = service.place(caller, key, body.basket())
    response.headers["Location"] = link(request, f"/api/v1/orders/{placement.order.id}")
    if placement.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return OrderResponse.of(placement.order)


@router.get(
    "/api/v1/orders",
    operation_id="listOrders",
    summary="List your orders, newest first; all orders for an admin",
    responses=problems({Forbidden: "a customer asked for another customer's orders"}),
)
@allow("user", more_for=("admin",))
async def list_orders(
    *,
    caller: Authenticated,
    service: Service,
    paging: Paging,
    status: Annotated[Status | None, Query(description="Only orders in this status.")] = None,
    user_id: Annotated[Text | None, Query(description="Only this user's orders.")] = None,
) -> OrderListResponse:
    page = service.page(
        caller, user_id=user_id, status=status, after=paging.open(), limit=paging.limit
    )
    return OrderListResponse(
        orders=[OrderResponse.of(order) for order in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )


@router.get(
    "/api/v1/orders/{id}",
    operation_id="getOrder",
    summary="Get an order",
    responses=problems({OrderNotFound: NOT_FOUND}),
)
@allow("owner", "admin")
async def get(id_: OrderId, caller: Authenticated, service: Service) -> OrderDetailResponse:
    order = service.get(id_, caller)
    return OrderDetailResponse.with_action(order, service.find_action(order, caller))


@router.get(
    "/api/v1/orders/{id}/events",
    operation_id="getOrderHistory",
    summary="Get the events of an order, oldest first",
    responses=problems({OrderNotFound: NOT_FOUND}),
)
@allow("owner", "admin")
async def history(
    id_: OrderId, caller: Authenticated, service: Service, paging: Paging
) -> OrderHistoryResponse:
    page = service.history(id_, caller, after=paging.open(), limit=paging.limit)
    events = [event for event in map(OrderEventResponse.of, page.items) if event]
    return OrderHistoryResponse(
        events=events, count=len(events), next_cursor=paging.seal(page.last)
    )


@router.post(
    "/api/v1/orders/{id}/cancel",
    operation_id="cancelOrder",
    summary="Cancel a pending or confirmed order; its stock and money are given back",
    responses=problems(
        {OrderNotFound: NOT_FOUND, IllegalTransition: "it was shipped, delivered or cancelled"}
    ),
)
@allow("owner", "admin")
async def cancel(id_: OrderId, caller: Authenticated, service: Service) -> OrderResponse:
    return OrderResponse.of(service.cancel(id_, caller))


@router.post(
    "/api/v1/orders/{id}/ship",
    operation_id="shipOrder",
    summary="Record that a confirmed order was shipped",
    responses=problems({OrderNotFound: NOT_FOUND, IllegalTransition: "it is not confirmed"}),
)
@allow("admin")
async def ship(id_: OrderId, caller: Authenticated, service: Service) -> OrderResponse:
    return OrderResponse.of(service.ship(id_, caller))


@router.post(
    "/api/v1/orders/{id}/deliver",
    operation_id="deliverOrder",
    summary="Record that a shipped order was delivered",
    responses=problems({OrderNotFound: NOT_FOUND, IllegalTransition: "it is not shipped"}),
)
@allow("admin")
async def deliver(id_: OrderId, caller: Authenticated, service: Service) -> OrderResponse:
    return OrderResponse.of(service.deliver(id_, caller))


@router.get(
    "/health/orders",
    operation_id="ordersHealth",
    summary="The orders service's own health",
)
@allow("anyone")
async def orders_health(service: Service, kept: KeptFigures) -> OrdersHealth:
    def figures() -> dict[str, Any]:
        by_status = service.totals()
        return {"total": sum(by_status.values()), "by_status": by_status}

    return health.report(OrdersHealth, kept, figures)

"""Refunds over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from orders.errors import (
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    IllegalTransition,
    OrderNotFound,
    TooManyChanges,
)
from orders.parameters import KEY_PARAMETER, NOT_FOUND, IdempotencyKey, OrderId
from orders.refunds.errors import RefundExceedsPayment
from orders.refunds.schemas import RefundBody, RefundListResponse, RefundResponse
from orders.refunds.service import RefundService
from shared.auth.access import allow
from shared.errors import ServiceUnavailable
from shared.web.paging import Paging
from shared.web.responses import location, problems, replayed
from shared.web.rest_events import link
from shared.web.routing import Authenticated, GuardedRoute, state

router = APIRouter(tags=["orders"], route_class=GuardedRoute)

Refunds = Annotated[RefundService, state("refunds")]


@router.post(
    "/api/v1/orders/{id}/refunds",
    status_code=201,
    operation_id="refundOrder",
    summary="Refund items of an order or an amount; a repeated key returns the same refund",
    responses={
        201: {
            "headers": {
                **location("The path of the order's refunds."),
                **replayed("An earlier request with this key asked for it."),
            }
        },
        **problems(
            {
                IdempotencyKeyRequired: "the header is missing, empty or too long",
                OrderNotFound: "it does not exist",
                IllegalTransition: "nothing was paid, or the order was cancelled",
                RefundExceedsPayment: "less is left of the payment, or of the items",
                TooManyChanges: "it has had too many refunds and returns",
                IdempotencyKeyReused: "the key was used with another refund",
                ServiceUnavailable: "too many requests change the order at once",
            }
        ),
    },
    openapi_extra={"parameters": [KEY_PARAMETER]},
)
@allow("admin")
async def refund(
    *,
    id_: OrderId,
    caller: Authenticated,
    key: IdempotencyKey,
    body: RefundBody,
    refunds: Refunds,
    request: Request,
    response: Response,
) -> RefundResponse:
    requested = refunds.request(id_, caller, key, body.request())
    response.headers["Location"] = link(request, f"/api/v1/orders/{id_}/refunds")
    if requested.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return RefundResponse.of(requested.made)


@router.get(
    "/api/v1/orders/{id}/refunds",
    operation_id="listRefunds",
    summary="List the refunds of an order, newest first",
    responses=problems({OrderNotFound: NOT_FOUND}),
)
@allow("owner", "admin")
async def list_refunds(
    *, id_: OrderId, caller: Authenticated, refunds: Refunds, paging: Paging
) -> RefundListResponse:
    page = refunds.page(id_, caller, after=paging.open(), limit=paging.limit)
    return RefundListResponse(
        refunds=[RefundResponse.of(one) for one in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )

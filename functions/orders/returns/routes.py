"""Returns over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from orders.errors import (
    IdempotencyKeyReused,
    IllegalTransition,
    OrderNotFound,
    TooManyChanges,
)
from orders.parameters import NOT_FOUND, OrderId
from orders.returns.errors import (
    ReturnExceedsOrder,
    ReturnNotFound,
    ReturnPeriodOver,
    TooManyReturns,
)
from orders.returns.schemas import RefusalBody, ReturnBody, ReturnListResponse, ReturnResponse
from orders.returns.service import ReturnService
from shared.auth.access import allow
from shared.errors import ServiceUnavailable
from shared.web.fields import OptionalIdempotencyKey
from shared.web.paging import Paging
from shared.web.responses import location, problems, replayed
from shared.web.rest_events import link
from shared.web.routing import Authenticated, GuardedRoute, state

router = APIRouter(tags=["orders"], route_class=GuardedRoute)

Returns = Annotated[ReturnService, state("returns")]
ReturnId = Annotated[str, Path(description="The return's id.")]

_BUSY = "too many requests change the order at once"
_UNKNOWN = {
    OrderNotFound: "the order does not exist",
    ReturnNotFound: "the order has no such return",
    ServiceUnavailable: _BUSY,
}


@router.post(
    "/api/v1/orders/{id}/returns",
    status_code=201,
    operation_id="requestReturn",
    summary="Ask to return items of your delivered order; a repeated key returns the same return",
    responses={
        201: {
            "headers": {
                **location("The path of the order's returns."),
                **replayed("An earlier request with this key asked for it."),
            }
        },
        **problems(
            {
                OrderNotFound: NOT_FOUND,
                IllegalTransition: "the order is not delivered",
                ReturnPeriodOver: "it was delivered too long ago",
                ReturnExceedsOrder: "fewer units are left that are neither returned nor refunded",
                TooManyReturns: "earlier returns of the order have to be decided first",
                TooManyChanges: "the order has had too many refunds and returns",
                IdempotencyKeyReused: "the key was used with another return",
                ServiceUnavailable: _BUSY,
            }
        ),
    },
)
@allow("owner")
async def request_return(
    *,
    id_: OrderId,
    caller: Authenticated,
    body: ReturnBody,
    returns: Returns,
    request: Request,
    response: Response,
    key: OptionalIdempotencyKey = None,
) -> ReturnResponse:
    requested = returns.request(id_, caller, key, body.request())
    response.headers["Location"] = link(request, f"/api/v1/orders/{id_}/returns")
    if requested.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return ReturnResponse.of(requested.made)


@router.get(
    "/api/v1/orders/{id}/returns",
    operation_id="listReturns",
    summary="List the returns of an order, newest first",
    responses=problems({OrderNotFound: NOT_FOUND}),
)
@allow("owner", "admin")
async def list_returns(
    *, id_: OrderId, caller: Authenticated, returns: Returns, paging: Paging
) -> ReturnListResponse:
    page = returns.page(id_, caller, after=paging.open(), limit=paging.limit)
    return ReturnListResponse(
        returns=[ReturnResponse.of(one) for one in page.items],
        count=len(page.items),
        next_cursor=paging.seal(page.last),
    )


@router.post(
    "/api/v1/orders/{id}/returns/{return_id}/approve",
    operation_id="approveReturn",
    summary="Let the customer send the items back",
    responses=problems({**_UNKNOWN, IllegalTransition: "it was decided already"}),
)
@allow("admin")
async def approve(
    id_: OrderId, return_id: ReturnId, caller: Authenticated, returns: Returns
) -> ReturnResponse:
    return ReturnResponse.of(returns.approve(id_, return_id, caller))


@router.post(
    "/api/v1/orders/{id}/returns/{return_id}/refuse",
    operation_id="refuseReturn",
    summary="Refuse a return, with a text for the customer",
    responses=problems({**_UNKNOWN, IllegalTransition: "it was decided already"}),
)
@allow("admin")
async def refuse(
    *,
    id_: OrderId,
    return_id: ReturnId,
    caller: Authenticated,
    body: RefusalBody,
    returns: Returns,
) -> ReturnResponse:
    return ReturnResponse.of(returns.refuse(id_, return_id, caller, body.text))


@router.post(
    "/api/v1/orders/{id}/returns/{return_id}/receive",
    operation_id="receiveReturn",
    summary="Record that the items are back; they are refunded and restocked",
    responses=problems({**_UNKNOWN, IllegalTransition: "it is not approved"}),
)
@allow("admin")
async def receive(
    id_: OrderId, return_id: ReturnId, caller: Authenticated, returns: Returns
) -> ReturnResponse:
    return ReturnResponse.of(returns.receive(id_, return_id, caller))

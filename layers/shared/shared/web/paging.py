"""The contract's `limit` and `cursor` as one dependency of the routes of lists.

A route takes `Paging`, passes the opened position and the limit to its service, and seals the
position that the service returns. A position is any JSON value; the service and its repository
never see a cursor. The cursor is bound to the caller, to the path and to all other query parameters
of the request, so a new filter needs no change here, and cursors that were sealed before the filter
existed stay good.

Example:
    @router.get("/api/v1/orders", …)
    async def list_orders(
        *, caller: Authenticated, orders: Orders, paging: Paging, status: … = None
    ) -> OrderList:
        page = orders.list(caller, status=status, after=paging.open(), limit=paging.limit)
        return OrderList(
            orders=[OrderResponse.of(order) for order in page.orders],
            count=len(page.orders),
            next_cursor=paging.seal(page.last),
        )

`create_app` of the service sets `app.state.cursors`.
"""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Query, Request

from shared.web.cursors import LONGEST, Cursors
from shared.web.rest_events import own_path

_Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
# The pattern is only for the API's document: a cursor of another form is a 400, as a forged one.
_Cursor = Annotated[
    str | None,
    Query(
        description="The `next_cursor` of the page before.",
        json_schema_extra={"maxLength": LONGEST, "pattern": "^[A-Za-z0-9_-]+$"},
    ),
]


class PageRequest:
    """The page that a request asks for.

    Attributes:
        limit: the number of items on the page, at most.
    """

    def __init__(self, request: Request, limit: int, cursor: str | None) -> None:
        self._cursors: Cursors = request.app.state.cursors
        # The public catalogue has no caller.
        caller = request.scope.get("caller")
        self._caller = caller.id if caller else ""
        self._query = {"path": own_path(request), **_filters(request)}
        self._cursor = cursor
        self.limit = limit

    def open(self) -> Any:
        """The position after which the page starts; None for the first page.

        Raises:
            InvalidCursor: the cursor is forged, or was sealed for another caller or query.
        """
        return self._cursors.open(self._cursor, caller=self._caller, query=self._query)

    def seal(self, position: Any) -> str | None:
        """The cursor of the page after `position`; None for None, at the end of the list."""
        return self._cursors.seal(position, caller=self._caller, query=self._query)


def _filters(request: Request) -> dict[str, str]:
    """The query without `limit`, `cursor` and blank parameters, which count as left out."""
    query: bytes = request.scope["query_string"]
    found = dict(parse_qsl(query.decode("latin-1")))
    return {name: value for name, value in found.items() if name not in ("limit", "cursor")}


async def _page_request(
    request: Request, limit: _Limit = 20, cursor: _Cursor = None
) -> PageRequest:
    return PageRequest(request, limit, cursor)


Paging = Annotated[PageRequest, Depends(_page_request)]

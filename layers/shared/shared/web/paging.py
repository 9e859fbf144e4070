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
"""

import base64
import binascii
import hmac
import json
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Query, Request

from shared.errors import InvalidCursor
from shared.storage.dynamodb import ConditionFailed, Table
from shared.web.rest_events import own_path

_KEY_BYTES = 32
_MAC_BYTES = 32
_LONGEST = 4096

_Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
# The pattern is only for the API's document: a cursor of another form is a 400, as a forged one.
_Cursor = Annotated[
    str | None,
    Query(
        description="The `next_cursor` of the page before.",
        json_schema_extra={"maxLength": _LONGEST, "pattern": "^[A-Za-z0-9_-]+$"},
    ),
]


def key_from(table: Table, service: str) -> Callable[[], bytes]:
    """The service's signing key in KeysTable, which the first environment that needs it makes. No
    other service may read it."""

    def find_or_make() -> bytes:
        place = {"pk": f"CURSORS#{service}", "sk": "KEY"}
        item = table.get(place)
        if item is None:
            # Of the kernel: environments that start from one snapshot get different ones.
            item = {**place, "secret": os.urandom(_KEY_BYTES).hex()}
            try:
                table.put(item, condition="attribute_not_exists(#pk)")
            except ConditionFailed as first:
                item = first.item or item
        return bytes.fromhex(item["secret"])

    return find_or_make


class Cursors:
    """Signs and opens cursors.

    Args:
        key: returns the signing key, 32 bytes; called at the first use, most requests need none.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._derive = key

    @cached_property
    def _key(self) -> bytes:
        return self._derive()

    def seal(self, position: Any, *, caller: str, query: Mapping[str, Any]) -> str | None:
        """The cursor for a position, which is any JSON value; None for None, at the end of a list.

        Args:
            caller: the caller's id, empty in a public list.
            query: the list and its filters, without `limit` and `cursor`.
        """
        if position is None:
            return None
        payload = json.dumps(position, separators=(",", ":"), sort_keys=True).encode()
        signed = self._mac(payload, caller, query) + payload
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def open(self, cursor: str | None, *, caller: str, query: Mapping[str, Any]) -> Any:
        """The position in a cursor of this caller and query; None without a cursor.

        Raises:
            InvalidCursor: the cursor is forged, cut short, or sealed for another caller or query.
        """
        if cursor is None:
            return None
        try:
            if len(cursor) > _LONGEST:
                raise InvalidCursor
            signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, caller, query)):
            raise InvalidCursor
        return json.loads(payload)

    def _mac(self, payload: bytes, caller: str, query: Mapping[str, Any]) -> bytes:
        bound = json.dumps(
            [caller, {k: v for k, v in query.items() if v is not None}], sort_keys=True
        )
        return hmac.digest(self._key, bound.encode() + b"\0" + payload, "sha256")


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

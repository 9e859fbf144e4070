"""Starts functions' workers before a person waits for them: a cold one takes seconds on the emulator.

Each is called with something real that changes nothing. Those that the seed uses anyway are left to it: called from
two sides at once, a function gets two workers.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
from botocore.config import Config

from tools.local.stack import Stack, session

# More at once would only take the processors from each other.
_AT_ONCE: Final = 3
_PATIENT: Final = Config(read_timeout=60, retries={"total_max_attempts": 1})
_NO_RECORDS: Final[Mapping[str, Any]] = {"Records": []}
# Nobody is told of this event, and no order has its id.
_NOBODYS_EVENT: Final = {
    "id": "nothing.1",
    "type": "user.deactivated",
    "aggregate_id": "nothing",
    "version": 1,
    "at": "2026-01-01T00:00:00.000Z",
    "request_id": "warm-up",
    "data": {},
}
_MESSAGE: Final[Mapping[str, Any]] = {
    "Records": [
        {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(_NOBODYS_EVENT)},
    ]
}
_PAGES: Final = (
    "/health/orders",
    "/health/notifications",
    "/",
)
_CALLS: Final[Mapping[str, Mapping[str, Any]]] = {
    "UsersDirectory": {
        "name": "find_customer",
        "request_id": "warm-up",
        "body": {"user_id": "nobody"},
    },
    "ProductsInventory": {
        "name": "reserve",
        "request_id": "warm-up",
        "body": {"order_id": "none", "lines": [{"product_id": "nothing", "quantity": 1}]},
    },
    "OrdersRelay": _NO_RECORDS,
    "OrdersCheckout": _MESSAGE,
    # The emulator reads one stream after the other: a cold relay would keep the others waiting.
    "ProductsRelay": _NO_RECORDS,
}


def warm_up(stack: Stack, url: str) -> None:
    """Call what an order goes through, once; what fails here says so when it is used."""
    lambda_ = session().client("lambda", endpoint_url=stack.endpoint, config=_PATIENT)

    def call(name: str) -> None:
        payload = json.dumps(_CALLS[name]).encode()
        lambda_.invoke(FunctionName=stack.called(name), Payload=payload)

    def look(page: str) -> None:
        httpx.get(f"{url}{page}", timeout=60)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        work = [pool.submit(call, name) for name in _CALLS]
        work += [pool.submit(look, page) for page in _PAGES]
    for done in work:
        done.result()

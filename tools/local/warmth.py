"""Starts functions' workers in advance: a cold one takes seconds on the emulator.

Each is called with an event that changes nothing. The functions that the seed uses are left to it:
two concurrent calls start two workers.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from tools.local.stack import Stack, session

# More at once would compete for the processors.
_AT_ONCE: Final = 3
_CONFIG: Final = Config(read_timeout=60, retries={"total_max_attempts": 1})
_NO_RECORDS: Final[Mapping[str, Any]] = {"Records": []}
_PAGES: Final = ("/health/orders", "/health/notifications", "/")
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
    "OrdersCheckout": _NO_RECORDS,
    # The emulator reads one stream after the other: a cold relay delays the others.
    "ProductsRelay": _NO_RECORDS,
}


def warm_up(stack: Stack, url: str) -> None:
    """Call each function of an order once; a failure shows when the function is used."""
    lambda_ = session().client("lambda", endpoint_url=stack.endpoint, config=_CONFIG)

    def call(name: str) -> None:
        payload = json.dumps(_CALLS[name]).encode()
        with suppress(BotoCoreError):
            lambda_.invoke(FunctionName=stack.called(name), Payload=payload)

    def look(page: str) -> None:
        with suppress(httpx.HTTPError):
            httpx.get(f"{url}{page}", timeout=60)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        work = [pool.submit(call, name) for name in _CALLS]
        work += [pool.submit(look, page) for page in _PAGES]
    for done in work:
        done.result()

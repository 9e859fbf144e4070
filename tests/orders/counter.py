"""The orders API on a shop of fakes."""

import uuid
from typing import Any

from orders.api import create_app
from orders.models import Order
from shared.web.cursors import Cursors
from tests.orders.builders import NOON, an_order
from tests.orders.shop import Shop
from tests.support.callers import ALICE, FakeVerifier
from tests.support.http import Answer, HttpClient

ORDERS = "/api/v1/orders"


class Counter:
    """The API on a shop of fakes."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.http = HttpClient(create_app(shop.service, FakeVerifier(), Cursors(lambda: b"k" * 32)))

    def place(
        self, body: object = None, *, key: str | None = "", caller: Any = ALICE, **headers: str
    ) -> Answer:
        """Ask for one mug; under a new key, if none is given."""
        if key is not None:
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        default = {"items": [{"product_id": "mug", "quantity": 1}]}
        return self.http.post(
            ORDERS, default if body is None else body, caller=caller, headers=headers
        )

    def added(self, number: int = 1, **overrides: Any) -> Order:
        order = an_order(number, **overrides)
        self.shop.orders.add(order)
        return order

    def confirmed(self) -> Order:
        order = self.added()
        after = order.confirmed(at=NOON)
        self.shop.orders.change(order, after)
        return after

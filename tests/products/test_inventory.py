"""The answers to the internal calls; what they do is in reservations/test_service.py."""

from typing import Any

from products.inventory import create_handler
from products.reservations.service import ReservationService
from tests.products.builders import a_product
from tests.products.conftest import Stores
from tests.support.clock import ManualClock
from tests.support.context import LambdaContext


def test_inventory_answers_with_lines_or_a_refusal(stores: Stores) -> None:
    mug, clock = a_product(available=6), ManualClock()
    stores.add(mug)
    service = ReservationService(stores.reservations, clock=clock)
    handler = create_handler(service, currency="EUR")

    def call(name: str, **body: Any) -> Any:
        event = {"name": name, "request_id": "request-1", "body": {"order_id": "order-1", **body}}
        return handler(event, LambdaContext())

    for id_, quantity, code, more in (
        (mug.id, 7, "out-of-stock", {"requested": 7, "available": 6}),
        ("no/such", 1, "unknown-product", {}),
    ):
        refused = call("reserve", lines=[{"product_id": id_, "quantity": quantity}])
        assert refused == {"refused": {"code": code, "data": {"product_id": id_, **more}}}
    line = {"product_id": mug.id, "quantity": 1}
    refused = call("reserve", lines=[line], expected_total_minor=1099)
    assert refused == {"refused": {"code": "price-changed", "data": {"total_amount": "11.00"}}}
    for seconds in (None, 3):
        answer = {
            "order_id": "order-1",
            "currency": "EUR",
            "lines": [{**line, "name": "Red Mug", "unit_price_minor": 1100}],
            "held_seconds_ago": seconds,
        }
        assert call("reserve", lines=[line], expected_total_minor=1100) == {"answer": answer}
        clock.advance(seconds=3)
    assert call("confirm") == {"answer": {}}
    assert call("give_back", key="refund-1", lines=[line]) == {"answer": {}}
    assert stores.units(mug) == (6, 0)
    assert call("release") == {"answer": {}}
    assert call("confirm") == {"refused": {"code": "reservation-ended", "data": {}}}

"""Orders and what they are made of, with everything that a test does not care for filled in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.models import Basket, Order
from orders.ports import Orders
from shared.contracts.directory import Customer
from shared.contracts.inventory import Line, PricedLine, Reservation
from tests.support.callers import ALICE

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EMAIL = "alice@example.com"


def order_id_of(number: int) -> str:
    """An id as orders have them; by the number, and spread like real ones."""
    return f"{number % 256:02x}{number:030x}"


def a_line(product_id: str = "mug", quantity: int = 1, unit_price_minor: int = 1100) -> PricedLine:
    return PricedLine(
        product_id=product_id,
        name=product_id.title(),
        quantity=quantity,
        unit_price_minor=unit_price_minor,
    )


def a_basket(*lines: tuple[str, int], payment_token: str = "tok_ok") -> Basket:
    return Basket(
        tuple(Line(product_id=p, quantity=n) for p, n in lines or [("mug", 1)]), payment_token
    )


def an_order(
    number: int = 1,
    *,
    at: datetime = NOON,
    basket: Basket | None = None,
    lines: list[PricedLine] | None = None,
    **overrides: Any,
) -> Order:
    """A pending order of Alice's."""
    id_ = order_id_of(number)
    customer = Customer(id=ALICE.id, full_name="Alice Example", email=EMAIL, is_active=True)
    reservation = Reservation(order_id=id_, lines=lines or [a_line()], currency="EUR")
    order = Order.placed(id_, basket or a_basket(), customer, reservation, at=at)
    return replace(order, **overrides)


def added(orders: Orders, order: Order) -> Order:
    """The order, stored."""
    orders.add(order)
    return order

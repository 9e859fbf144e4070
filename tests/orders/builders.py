"""Orders and what they are made of, with everything that a test does not care for filled in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from orders.models import Basket, Order
from orders.ports import Orders
from shared.contracts.inventory import Line, PricedLine
from tests.support.callers import ALICE

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


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
    return Order.placed(
        order_id_of(number),
        basket or a_basket(),
        at=at,
        lines=lines or [a_line()],
        **{
            "user_id": ALICE.id,
            "user_name": "Alice Example",
            "email": "alice@example.com",
            "currency": "EUR",
            **overrides,
        },
    )


def added(orders: Orders, order: Order) -> Order:
    """The order, kept."""
    orders.add(order)
    return order

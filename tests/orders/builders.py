"""Orders and their parts, with defaults for what a test does not care about."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from orders.models import Basket, Order
from orders.ports import Orders
from shared.contracts.directory import Customer
from shared.contracts.events import Event
from shared.contracts.inventory import Line, PricedLine, Reservation
from tests.support.callers import ALICE
from tests.support.clock import NOON

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
EMAIL: Final = "alice@example.com"
# Blank, invisible, with control characters, or shown in another direction than it is stored.
UNREADABLE: Final = (" ", "\n \u00a0", "\u200b", "\u0000", "a\u009b2J", "a\u202eb", "\u2066a")
CUSTOMER: Final = Customer(id=ALICE.id, full_name="Alice Example", email=EMAIL, is_active=True)


def order_id_of(number: int) -> str:
    """An id in the form of order ids, by a number; the numbers are spread over the shards."""
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
    """A pending order of Alice."""
    id_ = order_id_of(number)
    reservation = Reservation(order_id=id_, lines=lines or [a_line()], currency="EUR")
    order = Order.placed(id_, basket or a_basket(), CUSTOMER, reservation, at=at)
    return replace(order, **overrides)


def added(orders: Orders, order: Order | None = None) -> Order:
    """The order, stored."""
    order = order or an_order()
    orders.add(order)
    return order


def confirmed(orders: Orders, order: Order | None = None) -> Order:
    """A confirmed order, stored."""
    before = order or added(orders)
    after = before.confirmed(at=NOON)
    orders.change(before, after)
    return after


def stored(orders: Orders, order: Order) -> Order:
    found = orders.find(order.id)
    assert found
    return found


def events_of(orders: Orders, order: Order) -> list[Event]:
    return orders.history(order.id, after=None, limit=100).items


def event_types(orders: Orders, order: Order) -> list[str]:
    return [event.type for event in events_of(orders, order)]

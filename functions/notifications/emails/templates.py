"""The e-mail of each event: its recipient, its subject and its paragraphs."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from notifications.emails import layout
from notifications.emails.models import Email, Recipient
from shared.contracts.events import Event, LowStockData, OrderData, UserData


class _Template(NamedTuple):
    """What an e-mail about an order says above the order's lines."""

    subject: str
    paragraph: str


_ORDERS: Final[Mapping[str, _Template]] = {
    "order.placed": _Template(
        "We have received your order",
        "Thank you for your order. We are charging your payment now, and write again as soon as"
        " it is confirmed.",
    ),
    "order.confirmed": _Template(
        "Your order is confirmed",
        "Your payment went through and your order is confirmed. We are packing it now.",
    ),
    "order.cancelled": _Template(
        "Your order is cancelled",
        "Your order is cancelled. If you have been charged, the money is on its way back to you.",
    ),
    "order.shipped": _Template(
        "Your order is on its way", "Your order has left our hands and is on its way to you."
    ),
    "order.delivered": _Template(
        "Your order has arrived", "Your order has been delivered. We hope you like it."
    ),
}
_DECLINED: Final = _Template(
    "Your order is cancelled",
    "Your payment was declined, so your order is cancelled. You have not been charged.",
)


def compose(event: Event) -> Email | None:
    """The e-mail of an event; None if the event has none.

    Raises:
        pydantic.ValidationError: the event's data is not the data of its type.
    """
    if event.type == "user.registered":
        return _welcome(UserData.model_validate(event.data))
    if event.type == "product.low_stock":
        return _low_stock(LowStockData.model_validate(event.data))
    if event.type in _ORDERS:
        return _about_order(_ORDERS[event.type], OrderData.model_validate(event.data))
    return None


def _welcome(user: UserData) -> Email:
    return _email(
        Recipient(user.user_id, user.full_name, user.email),
        "Welcome to Bodega",
        "Your account is ready. It is good to have you here.",
        "We will write to you whenever something happens to one of your orders.",
    )


def _low_stock(product: LowStockData) -> Email:
    name = " ".join(product.name.split())
    return _email(
        None,
        f"Running low: {name}",
        f"{name} is running low: {product.available} in stock, below the threshold of"
        f" {product.threshold}.",
        f"Product {product.product_id}",
    )


def _about_order(template: _Template, order: OrderData) -> Email:
    if order.cancel_reason == "payment_declined":
        template = _DECLINED
    recipient = Recipient(order.user_id, order.user_name, order.email)
    return _email(recipient, template.subject, template.paragraph, order=order)


def _email(
    recipient: Recipient | None, subject: str, *paragraphs: str, order: OrderData | None = None
) -> Email:
    name = recipient.full_name if recipient else None
    return Email(
        recipient,
        subject,
        text=layout.as_text(name, paragraphs, order),
        html=layout.as_html(subject, name, paragraphs, order),
        order_id=order.order_id if order else None,
    )

"""What each event's e-mail says. A letter is written once, as paragraphs and lines, and rendered as text and as HTML."""

from collections.abc import Callable, Mapping

from notifications.emails import layout
from notifications.emails.models import Letter, Recipient
from shared.contracts.events import Event, LowStockData, OrderData, UserData


def compose(fact: Event) -> Letter | None:
    """The letter of an event; None for those that nobody is told of.

    Raises:
        pydantic.ValidationError: the event's data is not what its type promises.
    """
    write = _WRITERS.get(fact.type)
    return write(fact) if write else None


def _welcome(fact: Event) -> Letter:
    user = UserData.model_validate(fact.data)
    return _letter(
        Recipient(user.user_id, user.full_name, user.email),
        "Welcome to Bodega",
        "Your account is ready. It is good to have you here.",
        "We will write to you whenever something happens to one of your orders.",
    )


def _placed(fact: Event) -> Letter:
    return _about_order(
        fact,
        "We have received your order",
        "Thank you for your order. We are charging your payment now, and write again as soon as it is confirmed.",
    )


def _confirmed(fact: Event) -> Letter:
    return _about_order(
        fact,
        "Your order is confirmed",
        "Your payment went through and your order is confirmed. We are packing it now.",
    )


def _cancelled(fact: Event) -> Letter:
    declined = fact.data.get("cancel_reason") == "payment_declined"
    return _about_order(
        fact,
        "Your order is cancelled",
        "Your payment was declined, so your order is cancelled. You have not been charged."
        if declined
        else "Your order is cancelled. If you have been charged, the money is on its way back to you.",
    )


def _shipped(fact: Event) -> Letter:
    return _about_order(
        fact, "Your order is on its way", "Your order has left our hands and is on its way to you."
    )


def _delivered(fact: Event) -> Letter:
    return _about_order(
        fact, "Your order has arrived", "Your order has been delivered. We hope you like it."
    )


def _low_stock(fact: Event) -> Letter:
    product = LowStockData.model_validate(fact.data)
    name = " ".join(product.name.split())
    return _letter(
        None,
        f"Running low: {name}",
        f"{name} is running low: {product.available} in stock, below the threshold of {product.threshold}.",
        f"Product {product.product_id}",
    )


_WRITERS: Mapping[str, Callable[[Event], Letter]] = {
    "user.registered": _welcome,
    "order.placed": _placed,
    "order.confirmed": _confirmed,
    "order.cancelled": _cancelled,
    "order.shipped": _shipped,
    "order.delivered": _delivered,
    "product.low_stock": _low_stock,
}


def _about_order(fact: Event, subject: str, sentence: str) -> Letter:
    order = OrderData.model_validate(fact.data)
    return _letter(
        Recipient(order.user_id, order.user_name, order.email), subject, sentence, order=order
    )


def _letter(
    recipient: Recipient | None, subject: str, *paragraphs: str, order: OrderData | None = None
) -> Letter:
    name = recipient.full_name if recipient else None
    return Letter(
        recipient,
        subject,
        text=layout.as_text(name, paragraphs, order),
        html=layout.as_html(subject, name, paragraphs, order),
        order_id=order.order_id if order else None,
    )

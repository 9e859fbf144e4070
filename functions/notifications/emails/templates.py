"""The e-mail of each event: its recipient, its subject and its paragraphs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from notifications.emails import layout
from notifications.emails.models import Email, Link, Recipient
from shared.contracts.events import (
    AccountEmail,
    AccountEmailData,
    Event,
    LowStockData,
    OrderData,
    PaymentReportData,
    RefundData,
    ReturnData,
    UserData,
)
from shared.money import to_text


class _Template(NamedTuple):
    """What an e-mail about an order says above the order's lines, or one about a report."""

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
    "order.return_approved": _Template(
        "Your return is approved",
        "You can send the items back that you asked to return. We refund them as soon as they have"
        " arrived.",
    ),
}
_CANCELLED: Final = _ORDERS["order.cancelled"].subject
# By the reason of the cancellation.
_UNPAID: Final[Mapping[str | None, _Template]] = {
    "payment_declined": _Template(
        _CANCELLED,
        "Your payment was declined, so your order is cancelled. You have not been charged.",
    ),
    "payment_abandoned": _Template(
        _CANCELLED,
        "Your payment was not completed in time, so your order is cancelled. You have not been"
        " charged.",
    ),
    "too_many_unpaid": _Template(
        _CANCELLED,
        "Too many other orders of yours wait for their payment, so this one is cancelled. You have"
        " not been charged.",
    ),
}


# To the admins, by the report.
_REPORTS: Final[Mapping[str, _Template]] = {
    "charge.dispute.created": _Template(
        "A customer disputes a payment",
        "Answer in Stripe's dashboard, before the date that it states.",
    ),
    "charge.dispute.closed": _Template(
        "A dispute has ended", "Stripe's dashboard says whether you have the money."
    ),
    "payout.failed": _Template(
        "A payout has failed",
        "Stripe could not pay out to the shop's bank account. Its dashboard says why.",
    ),
}


class _AccountTemplate(NamedTuple):
    """What an e-mail about an account says: nothing that the person who asked for it has typed.

    Attributes:
        notice: the text of its notification, which has no link.
        paragraph: what the link does, or what happened.
        advice: what to do if one did not ask for it.
        page: the page of the shop that the link leads to; empty without a link.
    """

    subject: str
    notice: str
    paragraph: str
    advice: str
    page: str = ""


_IGNORE: Final = (
    "If you did not ask for this, ignore this e-mail: nothing changes without the link."
)
_CONFIRM: Final = _AccountTemplate(
    "Confirm your e-mail address",
    "We have sent you an e-mail with a link: open it within 24 hours to confirm your address.",
    "Somebody has opened an account at Bodega with this e-mail address. If that was you, confirm"
    " the address within 24 hours:",
    "If it was not you, ignore this e-mail: we write nothing else to an address that is not"
    " confirmed.",
    "confirm",
)
_ACCOUNTS: Final[Mapping[AccountEmail, _AccountTemplate]] = {
    "confirm": _CONFIRM,
    "change": _AccountTemplate(
        "Confirm your new e-mail address",
        "We have sent an e-mail with a link to the new address of your account.",
        "This is to become the e-mail address of an account at Bodega. If that is your account,"
        " confirm the address within 24 hours:",
        _IGNORE,
        "confirm",
    ),
    "taken": _AccountTemplate(
        "Somebody tried to use your e-mail address",
        "Somebody asked for your e-mail address for another account. Nothing has changed.",
        "Somebody asked for this e-mail address for another account at Bodega. It is the address"
        " of your account, so nothing has changed.",
        "If that was you, log in with this address; you can have a new password sent to it. If it"
        " was not you, there is nothing to do.",
    ),
    "reset": _AccountTemplate(
        "Choose a new password",
        "We have sent you an e-mail with a link: open it within an hour to choose a new password.",
        "Choose a new password for your account at Bodega within an hour:",
        _IGNORE,
        "reset",
    ),
    "changed": _AccountTemplate(
        "Your e-mail address was changed",
        "Your account has another e-mail address now. We have written to the old one how to undo"
        " that.",
        "Your account at Bodega has another e-mail address now. If you did not change it, somebody"
        " else has your password: take the account back within 72 hours:",
        "Then choose a new password. If you changed the address yourself, there is nothing to do.",
        "undo-email",
    ),
}
# Who asks for an address must not learn whether it is another account's (`taken`).
_UNLISTED: Final[AccountEmail] = "change"


def compose(event: Event, *, url: str | None = None) -> Email | None:
    """The e-mail of an event; None if the event has none.

    Args:
        url: the URL of the e-mail's link. Without it, the e-mail is not complete.

    Raises:
        pydantic.ValidationError: the event's data is not the data of its type.
    """
    if event.type == "user.registered":
        return _registered(UserData.model_validate(event.data), url)
    if event.type == "user.email_requested":
        data = AccountEmailData.model_validate(event.data)
        template, token = _ACCOUNTS[data.purpose], data.sealed_token
        is_listed = data.purpose != _UNLISTED
        return _about_account(template, data.user_id, data.email, token, url, is_listed=is_listed)
    if event.type == "product.low_stock":
        return _low_stock(LowStockData.model_validate(event.data))
    if event.type == "payment.reported":
        return _reported(PaymentReportData.model_validate(event.data))
    return _of_order(event)


def _of_order(event: Event) -> Email | None:
    match event.type:
        case "order.refunded":
            return _refunded(RefundData.model_validate(event.data))
        case "order.refund_failed":
            return _refund_failed(RefundData.model_validate(event.data))
        case "order.return_requested":
            return _return_requested(ReturnData.model_validate(event.data))
        case "order.return_refused":
            return _return_refused(ReturnData.model_validate(event.data))
        case type_ if type_ in _ORDERS:
            return _about_order(_ORDERS[type_], OrderData.model_validate(event.data))
        case _:
            return None


def _registered(user: UserData, url: str | None) -> Email | None:
    if user.sealed_token:
        return _about_account(_CONFIRM, user.user_id, user.email, user.sealed_token, url)
    if "sealed_token" in user.model_fields_set:
        return None  # too many e-mails were requested
    # Of a release that had no tokens, and whose accounts need no confirmation.
    return _email(
        Recipient(user.user_id, user.email, user.full_name),
        "Welcome to Bodega",
        "Your account is ready. It is good to have you here.",
        "We will write to you whenever something happens to one of your orders.",
    )


def _about_account(
    template: _AccountTemplate,
    user_id: str,
    address: str,
    sealed_token: str | None,
    url: str | None,
    *,
    is_listed: bool = True,
) -> Email:
    paragraphs = (template.paragraph, template.advice)
    return Email(
        Recipient(user_id, address),
        template.subject,
        text=layout.as_text(None, paragraphs, url=url),
        html=layout.as_html(template.subject, None, paragraphs, url=url),
        notice=layout.as_text(None, (template.notice,)),
        link=Link(template.page, user_id, sealed_token) if sealed_token else None,
        is_listed=is_listed,
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


def _reported(report: PaymentReportData) -> Email | None:
    template = _REPORTS.get(report.report)
    if template is None:
        return None  # of a later release
    at_stripe = ", ".join(filter(None, (report.object_id, report.payment_id)))
    return _email(None, template.subject, template.paragraph, f"At Stripe: {at_stripe}")


def _about_order(template: _Template, order: OrderData) -> Email:
    template = _UNPAID.get(order.cancel_reason, template)
    return _to_customer(order, template.subject, template.paragraph)


def _refunded(order: RefundData) -> Email:
    return _to_customer(
        order,
        "Your money is on its way back",
        f"We have refunded {_amount(order)} of your order. It takes a few days until your bank"
        " shows it.",
    )


def _refund_failed(order: RefundData) -> Email:
    return _to_admins(
        order,
        "A refund has failed",
        f"The payment provider could not refund {_amount(order)}. The customer has not got the"
        " money: refund it again, or pay it otherwise and record that as a refund.",
    )


def _return_requested(order: ReturnData) -> Email:
    return _to_admins(
        order,
        "A customer asks for a return",
        "A customer wants to send items of an order back. Approve or refuse it: return"
        f" {order.return_id}.",
    )


def _return_refused(order: ReturnData) -> Email:
    paragraphs = ("We cannot take your return. This is why:", order.refusal or "")
    return _to_customer(order, "Your return is refused", *filter(None, paragraphs))


def _amount(order: RefundData) -> str:
    return f"{to_text(order.refund_minor)} {order.currency}"


def _to_customer(order: OrderData, subject: str, *paragraphs: str) -> Email:
    recipient = Recipient(order.user_id, order.email, order.user_name)
    return _email(recipient, subject, *paragraphs, order=order)


def _to_admins(order: OrderData, subject: str, paragraph: str) -> Email:
    """An e-mail about an order that says nothing about its customer: the admins' notifications are
    not erased with a customer."""
    email = _email(None, subject, paragraph, f"Order {order.order_id}")
    return replace(email, order_id=order.order_id)


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

"""What the e-mails say."""

import re
from typing import Any, Final, get_args

import pytest

from notifications.emails.models import Email, Link
from notifications.emails.templates import compose
from notifications.models import NotificationType
from shared.contracts.events import Event, EventType
from tests.notifications.builders import (
    a_low_stock_event,
    a_payment_report,
    a_user_event,
    an_account_event,
    an_event,
    an_order_event,
)


def composed(event: Event, *, url: str | None = None) -> Email:
    email = compose(event, url=url)
    assert email
    return email


@pytest.mark.parametrize(
    ("type_", "subject"),
    [
        ("order.placed", "We have received your order"),
        ("order.confirmed", "Your order is confirmed"),
        ("order.cancelled", "Your order is cancelled"),
        ("order.shipped", "Your order is on its way"),
        ("order.delivered", "Your order has arrived"),
    ],
)
def test_order_email_shows_lines_and_total(type_: EventType, subject: str) -> None:
    email = composed(an_order_event(type_))
    assert email.subject == subject
    assert email.text.startswith("Hello Alice Example,\n\n")
    assert "  2 × Blue Mug       25.00 EUR\n" in email.text  # noqa: RUF001  # a multiplication sign is meant
    assert "  1 × Tea & Honey   999.99 EUR\n" in email.text  # noqa: RUF001  # as above
    assert "  Total            1024.99 EUR\n" in email.text
    assert "Order order-7" in email.text
    for part in ("Blue Mug", "25.00 EUR", "Tea &amp; Honey", "999.99 EUR", "1024.99 EUR"):
        assert part in email.html


@pytest.mark.parametrize("type_", get_args(EventType.__value__))
def test_events_that_have_an_email_are_those_of_notifications(type_: EventType) -> None:
    order = an_order_event("order.refunded", **_REFUND | _RETURN)
    others = (a_low_stock_event(), a_payment_report(), an_account_event("reset"))
    events = (a_user_event(), order, *others)
    data = {name: value for event in events for name, value in event.data.items()}
    assert (compose(an_event(type_, data)) is not None) == (
        type_ in get_args(NotificationType.__value__)
    )


def test_registration_beyond_the_limit_of_emails_has_none() -> None:
    assert compose(a_user_event(sealed_token=None)) is None


def test_registration_of_an_earlier_release_has_a_welcome() -> None:
    event = a_user_event()
    del event.data["sealed_token"]
    assert composed(event).subject == "Welcome to Bodega"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("payment_declined", "Your payment was declined, so your order is cancelled. You have not"),
        ("payment_abandoned", "not completed in time, so your order is cancelled. You have not"),
        ("too_many_unpaid", "orders of yours wait for their payment, so this one is cancelled."),
        ("customer_request", "the money is on its way back to you"),
    ],
)
def test_cancelled_email_says_what_becomes_of_the_money(reason: str, text: str) -> None:
    assert text in composed(an_order_event("order.cancelled", cancel_reason=reason)).text


def test_refund_email_says_how_much_is_given_back() -> None:
    email = composed(an_order_event("order.refunded", **_REFUND))
    assert email.recipient
    assert email.recipient.email == "alice-1@example.com"
    assert "We have refunded 11.05 EUR of your order." in email.text
    assert "11.05 EUR" in email.html
    assert email.order_id == "order-7"


def test_failed_refund_is_mailed_to_the_admins_without_the_customer() -> None:
    email = composed(an_order_event("order.refund_failed", **_REFUND))
    assert email.recipient is None
    assert "could not refund 11.05 EUR" in email.text
    assert "Order order-7" in email.text
    assert email.order_id == "order-7"
    assert "Alice" not in email.text + email.html


@pytest.mark.parametrize(
    ("report", "subject"),
    [
        ("charge.dispute.created", "A customer disputes a payment"),
        ("charge.dispute.closed", "A dispute has ended"),
        ("payout.failed", "A payout has failed"),
    ],
)
def test_report_of_the_provider_is_mailed_to_the_admins(report: str, subject: str) -> None:
    email = composed(a_payment_report(report))
    assert (email.recipient, email.subject) == (None, subject)
    assert "At Stripe: du_1, pi_1" in email.text
    assert compose(a_payment_report("charge.later")) is None


def test_approved_return_asks_for_the_items() -> None:
    email = composed(an_order_event("order.return_approved", **_RETURN))
    assert email.recipient
    assert email.subject == "Your return is approved"
    assert "You can send the items back" in email.text


def test_refused_return_says_why() -> None:
    refusal = "It was used.\nSorry & <thanks>."
    email = composed(an_order_event("order.return_refused", **_RETURN, refusal=refusal))
    assert email.recipient
    assert f"This is why:\n\n{refusal}\n\n" in email.text
    assert "Sorry &amp; &lt;thanks&gt;." in email.html


def test_return_is_announced_to_the_admins_without_the_customer() -> None:
    email = composed(an_order_event("order.return_requested", **_RETURN))
    assert email.recipient is None
    assert "return return-1." in email.text
    assert email.order_id == "order-7"
    assert "Alice" not in email.text + email.html


_REFUND: Final[dict[str, Any]] = {
    "status": "delivered",
    "refund_id": "refund-1",
    "refund_minor": 1105,
    "refunding_minor": 0,
    "refunded_minor": 1105,
}
_RETURN: Final[dict[str, Any]] = {
    "status": "delivered",
    "return_id": "return-1",
    "refunding_minor": 0,
    "refunded_minor": 0,
}
URL = "https://shop.test/page?token=a&b"


@pytest.mark.parametrize(
    ("event", "subject", "page"),
    [
        (a_user_event(), "Confirm your e-mail address", "confirm"),
        (an_account_event("confirm"), "Confirm your e-mail address", "confirm"),
        (an_account_event("change"), "Confirm your new e-mail address", "confirm"),
        (an_account_event("taken", token=None), "Somebody tried to use your e-mail address", ""),
        (an_account_event("reset"), "Choose a new password", "reset"),
        (an_account_event("changed"), "Your e-mail address was changed", "undo-email"),
    ],
)
def test_account_email_has_its_link_and_no_text_of_who_asked_for_it(
    event: Event, subject: str, page: str
) -> None:
    email = composed(event, url=URL if page else None)
    assert email.subject == subject
    assert email.recipient
    assert email.recipient.email == event.data["email"]
    assert email.link == (Link(page, "alice-1", "sealed") if page else None)
    assert email.text.startswith("Hello,\n\n")
    assert "Alice" not in f"{email.text} {email.html} {email.notice}"
    assert (f"\n\n{URL}\n\n" in email.text) == bool(page)
    assert ('<a href="https://shop.test/page?token=a&amp;b">' in email.html) == bool(page)
    if page:
        # What to do if one did not ask.
        assert re.search(r"(did|was|have) not|did not", email.text)


def test_low_stock_email_names_product_and_stock() -> None:
    email = composed(a_low_stock_event(name="Blue\r\nBcc: everybody@example.com"))
    assert email.recipient is None
    assert email.subject == "Running low: Blue Bcc: everybody@example.com"
    assert "is running low: 3 in stock, below the threshold of 5." in email.text


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x>', "$name ${x} & Söhne"]
)
def test_typed_text_is_never_markup(typed: str) -> None:
    line = {"product_id": "mug", "name": typed, "quantity": 1, "unit_price_minor": 5}
    order = an_order_event(user_name=typed, lines=[line])
    usual = an_order_event(user_name="Alice", lines=[{**line, "name": "Mug"}])
    pairs = [(order, usual), (a_low_stock_event(name=typed), a_low_stock_event())]
    for event, without in pairs:
        assert re.findall("<[^>]*>", composed(event).html) == re.findall(
            "<[^>]*>", composed(without).html
        )
    assert f"Hello {typed}," in composed(order).text

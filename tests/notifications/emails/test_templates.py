"""What the e-mails say."""

from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from notifications.emails.models import Email
from notifications.emails.templates import compose
from shared.contracts.events import Event, EventType
from tests.notifications.builders import a_low_stock_event, a_user_event, an_event, an_order_event


def composed(event: Event) -> Email:
    email = compose(event)
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


def test_cancelled_email_says_that_the_payment_was_declined() -> None:
    declined = composed(an_order_event("order.cancelled", cancel_reason="payment_declined"))
    assert "Your payment was declined" in declined.text
    assert "You have not been charged" in declined.text


def test_cancelled_email_promises_the_money_back_when_requested() -> None:
    cancelled = composed(an_order_event("order.cancelled", cancel_reason="requested"))
    assert "declined" not in cancelled.text
    assert "the money is on its way back to you" in cancelled.text


def test_welcome_email_is_for_the_new_customer() -> None:
    email = composed(a_user_event())
    assert email.subject == "Welcome to Bodega"
    assert email.recipient
    assert email.recipient.email == "alice-1@example.com"
    assert email.text.startswith("Hello Alice Example,\n\n")


def test_low_stock_email_names_product_and_stock() -> None:
    email = composed(a_low_stock_event())
    assert email.recipient is None
    assert email.subject == "Running low: Blue Mug"
    assert "Blue Mug is running low: 3 in stock, below the threshold of 5." in email.text


def test_subject_is_one_line() -> None:
    email = composed(a_low_stock_event(name="Blue\r\nBcc: everybody@example.com"))
    assert email.subject == "Running low: Blue Bcc: everybody@example.com"


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x>', "$name ${x} & Söhne"]
)
def test_typed_text_is_never_markup(typed: str) -> None:
    tags = tags_of(composed(an_order_event()).html)
    line = {"product_id": "mug", "name": typed, "quantity": 1, "unit_price_minor": 5}
    email = composed(an_order_event(user_name=typed, lines=[line, line]))
    assert tags_of(email.html) == tags
    assert f"Hello {typed}," in email.text
    assert typed in shown_by(email.html)
    assert tags_of(composed(a_low_stock_event(name=typed)).html) == tags_of(
        composed(a_low_stock_event()).html
    )


def test_compose_raises_when_the_data_is_incomplete() -> None:
    with pytest.raises(ValidationError):
        compose(an_event("order.placed", {"order_id": "order-7", "user_id": "alice-1"}))


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.shown += data


def tags_of(html: str) -> list[str]:
    parser = _Parser()
    parser.feed(html)
    return parser.tags


def shown_by(html: str) -> str:
    parser = _Parser()
    parser.feed(html)
    return parser.shown

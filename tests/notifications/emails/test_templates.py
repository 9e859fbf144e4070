"""What the e-mails say."""

from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from notifications.emails.models import Letter
from notifications.emails.templates import compose
from shared.contracts.events import Event, EventType
from tests.notifications.fakes import event, low_stock, order_event, registered


def letter_of(fact: Event) -> Letter:
    letter = compose(fact)
    assert letter
    return letter


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
def test_a_letter_about_an_order_shows_its_lines_and_total(type_: EventType, subject: str) -> None:
    letter = letter_of(order_event(type_))
    assert letter.subject == subject
    assert letter.text.startswith("Hello Alice Example,\n\n")
    assert "  2 × Blue Mug       25.00 EUR\n" in letter.text  # noqa: RUF001  # a multiplication sign is meant
    assert "  1 × Tea & Honey   999.99 EUR\n" in letter.text  # noqa: RUF001  # as above
    assert "  Total            1024.99 EUR\n" in letter.text
    assert "Order order-7" in letter.text
    for part in ("Blue Mug", "25.00 EUR", "Tea &amp; Honey", "999.99 EUR", "1024.99 EUR"):
        assert part in letter.html


def test_a_declined_payment_is_called_so() -> None:
    declined = letter_of(order_event("order.cancelled", cancel_reason="payment_declined"))
    assert "Your payment was declined" in declined.text
    assert "You have not been charged" in declined.text


def test_a_cancelled_order_promises_the_money_back() -> None:
    cancelled = letter_of(order_event("order.cancelled", cancel_reason="requested"))
    assert "declined" not in cancelled.text
    assert "the money is on its way back to you" in cancelled.text


def test_a_welcome_is_for_the_new_customer() -> None:
    letter = letter_of(registered())
    assert letter.subject == "Welcome to Bodega"
    assert letter.recipient
    assert letter.recipient.email == "alice-1@example.com"
    assert letter.text.startswith("Hello Alice Example,\n\n")


def test_low_stock_names_the_product_and_what_is_left() -> None:
    letter = letter_of(low_stock())
    assert letter.recipient is None
    assert letter.subject == "Running low: Blue Mug"
    assert "Blue Mug is running low: 3 in stock, below the threshold of 5." in letter.text


def test_a_subject_is_one_line() -> None:
    letter = letter_of(low_stock(name="Blue\r\nBcc: everybody@example.com"))
    assert letter.subject == "Running low: Blue Bcc: everybody@example.com"


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x>', "$name ${x} & Söhne"]
)
def test_what_people_typed_is_text_and_never_markup(typed: str) -> None:
    tags = tags_of(letter_of(order_event()).html)
    line = {"product_id": "mug", "name": typed, "quantity": 1, "unit_price_minor": 5}
    letter = letter_of(order_event(user_name=typed, lines=[line, line]))
    assert tags_of(letter.html) == tags
    assert f"Hello {typed}," in letter.text
    assert typed in shown_by(letter.html)
    assert tags_of(letter_of(low_stock(name=typed)).html) == tags_of(letter_of(low_stock()).html)


def test_data_that_breaks_its_events_promise_is_an_error() -> None:
    with pytest.raises(ValidationError):
        compose(event("order.placed", {"order_id": "order-7", "user_id": "alice-1"}))


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

"""One event, one notification, one e-mail: whatever the queue and the provider do."""

from typing import Any

import pytest

from notifications.errors import AttemptUnderWay, EmailRefused, EmailUnavailable
from notifications.models import ADMINS
from shared.contracts.events import EventType
from tests.notifications.fakes import (
    event,
    low_stock,
    order_event,
    registered,
)
from tests.notifications.shop import Shop

ORDER_EVENTS: list[EventType] = [
    "order.placed",
    "order.confirmed",
    "order.cancelled",
    "order.shipped",
    "order.delivered",
]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_new_customer_is_welcomed(shop: Shop) -> None:
    shop.deliver(registered())
    [(address, letter)] = shop.mailer.sent
    [kept] = shop.kept()
    assert address == "alice-1@example.com"
    assert (kept.type, kept.channel, kept.status) == ("user.registered", "email", "sent")
    assert (kept.subject, kept.body) == (letter.subject, letter.text)
    assert kept.order_id is None
    assert shop.notifications.totals() == {"sent": 1, "failed": 0}


@pytest.mark.parametrize("type_", ORDER_EVENTS)
def test_a_customer_hears_of_each_order_event(shop: Shop, type_: EventType) -> None:
    shop.deliver(order_event(type_))
    [(address, _)] = shop.mailer.sent
    [kept] = shop.kept()
    assert address == "alice-1@example.com"
    assert (kept.type, kept.order_id, kept.status) == (type_, "order-7", "sent")
    assert kept.created_at == "2026-11-20T12:00:00.000Z"


def test_the_admins_hear_of_low_stock(shop: Shop) -> None:
    shop.deliver(low_stock())
    [(address, _)] = shop.mailer.sent
    assert address == "keeper@example.com"
    assert [kept.type for kept in shop.kept(ADMINS)] == ["product.low_stock"]


def test_nobody_is_told_of_a_deactivation(shop: Shop) -> None:
    user = {"user_id": "alice-1", "full_name": "Alice", "email": "alice-1@example.com"}
    shop.deliver(event("user.deactivated", user))
    assert (shop.mailer.sent, shop.kept()) == ([], [])


def test_ten_deliveries_of_one_event_make_one_email(shop: Shop) -> None:
    for _ in range(10):
        shop.deliver(order_event())
        shop.clock.advance(minutes=10)
    assert len(shop.mailer.sent) == 1
    assert len(shop.kept()) == 1
    assert shop.notifications.totals() == {"sent": 1, "failed": 0}


def test_a_refused_message_fails_for_good(shop: Shop) -> None:
    shop.mailer.trouble = EmailRefused("MessageRejected")
    shop.deliver(order_event())
    assert [kept.status for kept in shop.kept()] == ["failed"]
    shop.mailer.trouble = None
    shop.clock.advance(hours=1)
    shop.deliver(order_event())
    assert shop.mailer.sent == []
    assert shop.notifications.totals() == {"sent": 0, "failed": 1}


def test_a_passing_trouble_brings_the_event_back_and_the_email_out(shop: Shop) -> None:
    shop.mailer.trouble = EmailUnavailable("TooManyRequestsException")
    with pytest.raises(EmailUnavailable):
        shop.deliver(order_event())
    assert [kept.status for kept in shop.kept()] == ["pending"]
    shop.mailer.trouble = None
    shop.clock.advance(seconds=120)  # the queue's visibility time-out
    shop.deliver(order_event())
    assert len(shop.mailer.sent) == 1
    assert [kept.status for kept in shop.kept()] == ["sent"]


def test_a_delivery_beside_one_that_is_sending_comes_again_later(shop: Shop) -> None:
    shop.mailer.trouble = EmailUnavailable("ReadTimeoutError")
    with pytest.raises(EmailUnavailable):
        shop.deliver(order_event())
    shop.mailer.trouble = None
    shop.clock.advance(seconds=20)  # the worker's own time-out: the first may still be at it
    with pytest.raises(AttemptUnderWay):
        shop.deliver(order_event())
    assert shop.mailer.sent == []


def test_who_stands_still_at_its_claim_until_that_has_ended_sends_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another delivery may have taken the claim over, and sent."""
    claim = shop.notifications.claim

    def slow(*asked: Any, **more: Any) -> bool:
        is_mine = claim(*asked, **more)
        shop.clock.advance(seconds=61)
        return is_mine

    with monkeypatch.context() as slowed:
        slowed.setattr(shop.notifications, "claim", slow)
        with pytest.raises(AttemptUnderWay):
            shop.deliver(order_event())
    assert shop.mailer.sent == []
    shop.deliver(order_event())
    assert len(shop.mailer.sent) == 1


def test_two_events_of_one_order_make_two_notifications(shop: Shop) -> None:
    shop.deliver(order_event("order.placed"))
    shop.deliver(order_event("order.confirmed", version=2, minute=1))
    assert [kept.type for kept in shop.kept()] == ["order.confirmed", "order.placed"]

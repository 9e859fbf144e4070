"""One event, one notification, one e-mail: whatever the queue and the provider do."""

from contextlib import suppress
from typing import Any

import pytest

from notifications.emails.errors import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.errors import AttemptUnderWay, OutcomeUnknown
from notifications.models import ADMINS, Claim
from shared.contracts.events import Event, EventType
from shared.messaging.redelivery import ComeAgain
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
    shop.deliver(order_event())
    assert len(shop.mailer.sent) == 1
    assert [kept.status for kept in shop.kept()] == ["sent"]


@pytest.mark.parametrize("trouble", [EmailUnavailable("InternalFailure"), EmailBlocked("Paused")])
def test_an_email_that_the_provider_did_not_take_is_sent_however_often_that_was(
    shop: Shop, trouble: Exception
) -> None:
    shop.mailer.trouble = trouble
    for _ in range(9):
        with pytest.raises(type(trouble)):
            shop.deliver(order_event())
        shop.clock.advance(minutes=1)
    shop.mailer.trouble = None
    shop.deliver(order_event())
    assert len(shop.mailer.sent) == 1


def test_a_delivery_beside_one_that_is_sending_comes_again_when_the_lease_ends(shop: Shop) -> None:
    shop.mailer.trouble = EmailUnanswered("ReadTimeoutError")
    with pytest.raises(ComeAgain):
        shop.deliver(order_event())
    shop.mailer.trouble = None
    shop.clock.advance(seconds=20)  # the worker's own time-out: the first may still be at it
    with pytest.raises(AttemptUnderWay) as raised:
        shop.deliver(order_event())
    assert raised.value.seconds == 40
    assert shop.mailer.sent == []


def test_an_email_without_an_answer_is_sent_once_more_a_quarter_of_an_hour_later(
    shop: Shop,
) -> None:
    shop.mailer.trouble = EmailUnanswered("ReadTimeoutError")
    with pytest.raises(ComeAgain) as raised:
        shop.deliver(order_event())
    assert raised.value.seconds == 900
    shop.mailer.trouble = None
    shop.clock.advance(seconds=900)
    shop.deliver(order_event())
    assert [kept.status for kept in shop.kept()] == ["sent"]


def test_an_email_is_parked_when_two_attempts_were_left_without_an_answer(shop: Shop) -> None:
    shop.mailer.trouble = EmailUnanswered("ReadTimeoutError")
    with pytest.raises(ComeAgain):
        shop.deliver(order_event())
    shop.clock.advance(seconds=900)
    with pytest.raises(OutcomeUnknown, match="ReadTimeoutError"):
        shop.deliver(order_event())
    shop.mailer.trouble = None
    # A duplicate, or the same message if its dead letter could not be written.
    for _ in range(3):
        shop.clock.advance(minutes=15)
        with pytest.raises(OutcomeUnknown):
            shop.deliver(order_event())
    assert shop.mailer.sent == []
    # Moved back by an operator.
    shop.clock.advance(minutes=16)
    shop.deliver(order_event())
    assert len(shop.mailer.sent) == 1
    assert [kept.status for kept in shop.kept()] == ["sent"]


@pytest.mark.parametrize(
    "trouble", [EmailUnavailable("InternalFailure"), EmailUnanswered("ReadTimeoutError")]
)
def test_emails_wait_while_the_provider_is_down(shop: Shop, trouble: Exception) -> None:
    shop.mailer.trouble = trouble
    for version in (1, 2, 3):
        with pytest.raises((EmailUnavailable, ComeAgain)):
            shop.deliver(order_event(version=version))
    shop.mailer.trouble = None
    shop.clock.advance(seconds=29)
    for _ in range(9):
        with pytest.raises(ComeAgain) as raised:
            shop.deliver(order_event(version=4))
        assert 30 <= raised.value.seconds <= 60
    assert shop.mailer.sent == []
    shop.clock.advance(seconds=1)
    shop.deliver(order_event(version=4))
    shop.deliver(order_event(version=5))
    assert len(shop.mailer.sent) == 2


@pytest.mark.parametrize("answer", [None, EmailRefused("MessageRejected"), EmailBlocked("Paused")])
def test_a_provider_that_answers_is_not_down(shop: Shop, answer: Exception | None) -> None:
    for version in range(1, 9):
        shop.mailer.trouble = answer if version % 3 == 0 else EmailUnavailable("InternalFailure")
        with suppress(EmailUnavailable, EmailBlocked):
            shop.deliver(order_event(version=version))


def test_an_erasure_does_not_wait_for_the_provider(shop: Shop) -> None:
    shop.mailer.trouble = EmailUnavailable("InternalFailure")
    for version in (1, 2, 3):
        with pytest.raises(EmailUnavailable):
            shop.deliver(order_event(version=version))
    shop.deliver(event("user.erased", {"user_id": "alice-1"}, version=4))
    assert {kept.body for kept in shop.kept()} == {"Erased"}


def test_who_stands_still_at_its_claim_until_that_has_ended_sends_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another delivery may have taken the claim over, and sent."""
    claim = shop.notifications.claim

    def slow(*asked: Any, **more: Any) -> Claim | None:
        is_mine = claim(*asked, **more)
        shop.clock.advance(seconds=61)
        return is_mine

    with monkeypatch.context() as slowed:
        slowed.setattr(shop.notifications, "claim", slow)
        for _ in range(3):
            with pytest.raises(AttemptUnderWay):
                shop.deliver(order_event())
    assert shop.mailer.sent == []
    shop.deliver(order_event())
    assert len(shop.mailer.sent) == 1


def test_an_event_of_an_unknown_type_is_told_to_nobody(shop: Shop) -> None:
    """The release after this one emits it."""
    shop.deliver(order_event().model_copy(update={"type": "order.returned"}))
    assert (shop.mailer.sent, shop.kept()) == ([], [])


def test_an_event_with_members_that_are_unknown_is_read(shop: Shop) -> None:
    told = order_event(gift_wrapping=True).model_dump() | {"mood": "festive"}
    shop.deliver(Event.model_validate(told))
    assert len(shop.mailer.sent) == 1


def test_two_events_of_one_order_make_two_notifications(shop: Shop) -> None:
    shop.deliver(order_event("order.placed"))
    shop.deliver(order_event("order.confirmed", version=2, minute=1))
    assert [kept.type for kept in shop.kept()] == ["order.confirmed", "order.placed"]

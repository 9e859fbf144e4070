"""One event, one notification, one e-mail, whatever the queue and the provider do."""

from contextlib import suppress
from typing import Any

import pytest

from notifications.emails.errors import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.emails.service import Notifier
from notifications.errors import AttemptUnderWay, OutcomeUnknown
from notifications.models import ADMINS, Claim, Notification, mailbox
from shared.contracts.events import Event
from shared.messaging.redelivery import RetryLater
from tests.notifications.builders import a_low_stock_event, a_user_event, an_event, an_order_event
from tests.notifications.fakes import FakeEmailSender, InMemoryNotifications
from tests.support.clock import ManualClock

UNAVAILABLE = EmailUnavailable("InternalFailure")
UNANSWERED = EmailUnanswered("ReadTimeoutError")
BLOCKED = EmailBlocked("SendingPausedException")
REFUSED = EmailRefused("MessageRejected")
ERASED = an_event("user.erased", {"user_id": "alice-1"}, minute=9, version=4)


class Worker:
    """A notifier and its fakes."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sender = FakeEmailSender()
        self.notifications = InMemoryNotifications()
        self._notifier = Notifier(
            self.notifications, self.sender, admin_email="keeper@example.com", clock=self.clock
        )

    def deliver(self, event: Event) -> None:
        self._notifier.notify(event)

    def stored(self, box: str = mailbox("alice-1")) -> list[Notification]:
        return self.notifications.newest_first(box, unread=None, before=None, limit=100)

    @property
    def statuses(self) -> list[str]:
        return [notification.status for notification in self.stored()]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.mark.parametrize(
    ("event", "box", "address", "order_id"),
    [
        (a_user_event(), mailbox("alice-1"), "alice-1@example.com", None),
        (an_order_event("order.placed"), mailbox("alice-1"), "alice-1@example.com", "order-7"),
        (an_order_event("order.shipped"), mailbox("alice-1"), "alice-1@example.com", "order-7"),
        (a_low_stock_event(), ADMINS, "keeper@example.com", None),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else "",
)
def test_event_makes_a_notification_and_an_email(
    worker: Worker, event: Event, box: str, address: str, order_id: str | None
) -> None:
    worker.deliver(event)
    [(to, email)] = worker.sender.sent
    [stored] = worker.stored(box)
    assert to == address
    assert (stored.type, stored.channel, stored.status) == (event.type, "email", "sent")
    assert (stored.subject, stored.body) == (email.subject, email.text)
    assert (stored.order_id, stored.created_at) == (order_id, event.at)
    assert worker.notifications.totals() == {"sent": 1, "failed": 0}


@pytest.mark.parametrize(
    "event",
    [
        a_user_event(type_="user.deactivated"),
        an_order_event().model_copy(update={"type": "order.returned"}),
        ERASED,
    ],
    ids=["without an e-mail", "of a later release", "erasure"],
)
def test_event_without_an_email_makes_no_notification(worker: Worker, event: Event) -> None:
    worker.deliver(event)
    assert (worker.sender.sent, worker.stored()) == ([], [])


def test_event_with_unknown_members_is_read(worker: Worker) -> None:
    event = an_order_event(gift_wrapping=True).model_dump() | {"mood": "festive"}
    worker.deliver(Event.model_validate(event))
    assert len(worker.sender.sent) == 1


def test_repeated_delivery_sends_one_email(worker: Worker) -> None:
    for _ in range(10):
        worker.deliver(an_order_event())
        worker.clock.advance(minutes=10)
    assert len(worker.sender.sent) == 1
    assert worker.statuses == ["sent"]
    worker.deliver(an_order_event("order.confirmed", version=2, minute=1))
    assert [stored.type for stored in worker.stored()] == ["order.confirmed", "order.placed"]


def test_refused_email_fails_for_good(worker: Worker) -> None:
    worker.sender.error = REFUSED
    worker.deliver(an_order_event())
    worker.sender.error = None
    worker.clock.advance(hours=1)
    worker.deliver(an_order_event())
    assert (worker.sender.sent, worker.statuses) == ([], ["failed"])
    assert worker.notifications.totals() == {"sent": 0, "failed": 1}


@pytest.mark.parametrize("error", [UNAVAILABLE, BLOCKED])
def test_email_is_sent_after_any_number_of_attempts_that_the_provider_did_not_accept(
    worker: Worker, error: Exception
) -> None:
    worker.sender.error = error
    for _ in range(9):
        with pytest.raises(type(error)):
            worker.deliver(an_order_event())
        worker.clock.advance(minutes=1)
    assert worker.statuses == ["pending"]
    worker.sender.error = None
    worker.deliver(an_order_event())
    assert (len(worker.sender.sent), worker.statuses) == (1, ["sent"])


def test_concurrent_delivery_waits_until_the_lease_ends(worker: Worker) -> None:
    worker.sender.error = UNANSWERED
    with pytest.raises(RetryLater):
        worker.deliver(an_order_event())
    worker.sender.error = None
    worker.clock.advance(seconds=20)  # the worker's timeout: the first attempt may not be over
    with pytest.raises(AttemptUnderWay) as raised:
        worker.deliver(an_order_event())
    assert raised.value.seconds == 40
    assert worker.sender.sent == []


def test_unanswered_email_is_sent_again_after_15_minutes(worker: Worker) -> None:
    worker.sender.error = UNANSWERED
    with pytest.raises(RetryLater) as raised:
        worker.deliver(an_order_event())
    assert raised.value.seconds == 900
    worker.sender.error = None
    worker.clock.advance(seconds=900)
    worker.deliver(an_order_event())
    assert worker.statuses == ["sent"]


def test_email_is_parked_after_two_unanswered_attempts(worker: Worker) -> None:
    worker.sender.error = UNANSWERED
    with pytest.raises(RetryLater):
        worker.deliver(an_order_event())
    worker.clock.advance(seconds=900)
    with pytest.raises(OutcomeUnknown, match="ReadTimeoutError"):
        worker.deliver(an_order_event())
    worker.sender.error = None
    # A duplicate, or the same message if its dead letter could not be written.
    for _ in range(3):
        worker.clock.advance(minutes=15)
        with pytest.raises(OutcomeUnknown):
            worker.deliver(an_order_event())
    assert worker.sender.sent == []
    # An operator has moved the dead letter back.
    worker.clock.advance(minutes=16)
    worker.deliver(an_order_event())
    assert (len(worker.sender.sent), worker.statuses) == (1, ["sent"])


@pytest.mark.parametrize("error", [UNAVAILABLE, UNANSWERED])
def test_emails_wait_while_the_provider_is_down(worker: Worker, error: Exception) -> None:
    worker.sender.error = error
    for version in (1, 2, 3):
        with pytest.raises((EmailUnavailable, RetryLater)):
            worker.deliver(an_order_event(version=version))
    worker.sender.error = None
    worker.clock.advance(seconds=29)
    for _ in range(9):
        with pytest.raises(RetryLater) as raised:
            worker.deliver(an_order_event(version=4))
        assert 30 <= raised.value.seconds <= 60
    assert worker.sender.sent == []
    # An erasure does not wait.
    worker.deliver(ERASED)
    assert {stored.body for stored in worker.stored()} == {"Erased"}
    worker.clock.advance(seconds=1)
    worker.deliver(an_order_event(version=5, user_id="bob-1"))
    assert len(worker.sender.sent) == 1


@pytest.mark.parametrize("answer", [None, REFUSED, BLOCKED])
def test_provider_that_responds_is_not_down(worker: Worker, answer: Exception | None) -> None:
    for version in range(1, 9):
        worker.sender.error = answer if version % 3 == 0 else UNAVAILABLE
        with suppress(EmailUnavailable, EmailBlocked):
            worker.deliver(an_order_event(version=version))


def test_worker_sends_nothing_when_its_lease_ended_while_it_claimed(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = worker.notifications.claim

    def slow_claim(*args: Any, **kwargs: Any) -> Claim | None:
        claimed = claim(*args, **kwargs)
        worker.clock.advance(seconds=61)
        return claimed

    with monkeypatch.context() as slow:
        slow.setattr(worker.notifications, "claim", slow_claim)
        for _ in range(3):
            with pytest.raises(AttemptUnderWay):
                worker.deliver(an_order_event())
    assert worker.sender.sent == []
    worker.deliver(an_order_event())
    assert len(worker.sender.sent) == 1


def test_erasure_overwrites_what_was_sent(worker: Worker) -> None:
    worker.deliver(a_user_event())
    for _ in range(2):
        worker.deliver(ERASED)
    [welcome] = worker.stored()
    assert (welcome.type, welcome.status) == ("user.registered", "sent")
    assert "Alice" not in repr(welcome)
    assert worker.notifications.totals() == {"sent": 1, "failed": 0}


@pytest.mark.parametrize(
    ("first", "late"),
    [
        (ERASED, a_user_event()),
        (ERASED, an_order_event("order.shipped", version=3)),
        # The event was published late, and overtakes the erasure that has overwritten it.
        (None, an_order_event(user_name="Erased", email="alice-1@erased.invalid")),
    ],
)
def test_event_of_an_erased_user_is_not_sent(
    worker: Worker, first: Event | None, late: Event
) -> None:
    for event in (first, late, late):
        if event:
            worker.deliver(event)
    assert worker.sender.sent == []
    [stored] = worker.stored()
    assert (stored.type, stored.status, stored.body) == (late.type, "failed", "Erased")
    assert worker.notifications.totals() == {"sent": 0, "failed": 1}
    worker.deliver(a_user_event("bob-1"))
    assert len(worker.sender.sent) == 1


def test_pending_email_is_not_sent_after_an_erasure(worker: Worker) -> None:
    worker.sender.error = UNAVAILABLE
    with pytest.raises(EmailUnavailable):
        worker.deliver(an_order_event())
    worker.deliver(ERASED)
    worker.sender.error = None
    worker.clock.advance(seconds=120)
    worker.deliver(an_order_event())
    assert worker.sender.sent == []
    assert [(stored.status, stored.body) for stored in worker.stored()] == [("failed", "Erased")]

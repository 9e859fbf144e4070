"""One event, one notification, one e-mail, whatever the queue and the provider do."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, get_args

import pytest

from notifications.emails.ports import (
    EmailBlocked,
    EmailRefused,
    EmailUnanswered,
    EmailUnavailable,
)
from notifications.emails.service import Notifier
from notifications.errors import AttemptUnderWay, OutcomeUnknown
from notifications.models import ADMINS, Claim, Notification, mailbox, unlisted_mailbox
from notifications.repository import DynamoNotifications
from shared.contracts.events import AccountEmail, Event, EventType
from shared.messaging.redelivery import RetryLater
from shared.runtime.clock import rfc3339
from tests.notifications.builders import (
    a_low_stock_event,
    a_user_event,
    an_account_event,
    an_event,
    an_order_event,
)
from tests.notifications.fakes import FakeEmailSender, FakeLinks
from tests.support.aws import simulated_table
from tests.support.clock import NOON, ManualClock

UNAVAILABLE = EmailUnavailable("InternalFailure")
UNANSWERED = EmailUnanswered("ReadTimeoutError")
BLOCKED = EmailBlocked("SendingPausedException")
REFUSED = EmailRefused("MessageRejected")
ERASED = an_event("user.erased", {"user_id": "alice-1"}, minute=9, version=4)
ALICE = mailbox("alice-1")


class Worker:
    """A notifier and its fakes."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sender = FakeEmailSender()
        self.notifications = DynamoNotifications(simulated_table("NotificationsTable"))
        self.links = FakeLinks()
        self._notifier = Notifier(
            self.notifications,
            self.sender,
            self.links,
            admin_email="keeper@example.com",
            clock=self.clock,
        )

    def deliver(self, event: Event | None = None, *, error: Exception | None = None) -> None:
        """Deliver an event, by default that of an order, while the provider raises the error."""
        self.sender.error = error
        self._notifier.notify(event or an_order_event())

    def stored(self, box: str = ALICE) -> list[Notification]:
        return self.notifications.newest_first(box, unread=None, before=None, limit=100).items

    def outcome(self) -> tuple[int, list[str]]:
        """The number of e-mails and the statuses of Alice's notifications."""
        return len(self.sender.sent), [notification.status for notification in self.stored()]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.mark.parametrize(
    ("event", "box", "address", "order_id"),
    [
        (a_user_event(), ALICE, "alice-1@example.com", None),
        (an_order_event("order.shipped"), ALICE, "alice-1@example.com", "order-7"),
        (a_low_stock_event(), ADMINS, "keeper@example.com", None),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else "",
)
def test_event_makes_one_notification_and_one_email(
    worker: Worker, event: Event, box: str, address: str, order_id: str | None
) -> None:
    for _ in range(3):
        worker.deliver(event)
        worker.clock.advance(minutes=10)
    [(to, email)] = worker.sender.sent
    [stored] = worker.stored(box)
    assert to == address
    assert (stored.type, stored.channel, stored.status) == (event.type, "email", "sent")
    assert (stored.subject, stored.body) == (email.subject, email.notice or email.text)
    assert (stored.order_id, stored.created_at) == (order_id, event.at)
    assert worker.notifications.totals() == {"sent": 1, "failed": 0}


def test_admins_are_notified_once_a_day_of_a_product_that_runs_low_again(worker: Worker) -> None:
    for version in range(1, 4):
        worker.deliver(a_low_stock_event(minute=version, version=version))
    worker.deliver(a_low_stock_event(product_id="tea"))
    assert (len(worker.sender.sent), len(worker.stored(ADMINS))) == (2, 2)
    worker.deliver(a_low_stock_event(minute=24 * 60, version=4))
    assert (len(worker.sender.sent), len(worker.stored(ADMINS))) == (3, 3)


@pytest.mark.parametrize("event", [a_user_event("user.deactivated"), ERASED])
def test_event_without_an_email_makes_no_notification(worker: Worker, event: Event) -> None:
    worker.deliver(event)
    assert worker.outcome() == (0, [])


def test_refused_email_fails_for_good(worker: Worker) -> None:
    worker.deliver(error=REFUSED)
    worker.clock.advance(hours=1)
    worker.deliver()
    assert worker.outcome() == (0, ["failed"])
    assert worker.notifications.totals() == {"sent": 0, "failed": 1}


@pytest.mark.parametrize("error", [UNAVAILABLE, BLOCKED])
def test_email_is_sent_after_any_number_of_attempts_that_the_provider_did_not_accept(
    worker: Worker, error: Exception
) -> None:
    for _ in range(9):
        with pytest.raises(type(error)):
            worker.deliver(error=error)
        worker.clock.advance(minutes=1)
    assert worker.outcome() == (0, ["pending"])
    worker.deliver()
    assert worker.outcome() == (1, ["sent"])


def test_unanswered_email_is_sent_again_after_15_minutes(worker: Worker) -> None:
    with pytest.raises(RetryLater) as raised:
        worker.deliver(error=UNANSWERED)
    assert raised.value.seconds == 900
    worker.clock.advance(seconds=20)  # the worker's timeout: the first attempt may not be over
    with pytest.raises(AttemptUnderWay) as under_way:
        worker.deliver()
    assert under_way.value.seconds == 40
    assert worker.outcome() == (0, ["pending"])
    worker.clock.advance(seconds=880)
    worker.deliver()
    assert worker.outcome() == (1, ["sent"])


def test_email_is_parked_after_two_unanswered_attempts(worker: Worker) -> None:
    with pytest.raises(RetryLater):
        worker.deliver(error=UNANSWERED)
    worker.clock.advance(seconds=900)
    with pytest.raises(OutcomeUnknown, match="ReadTimeoutError"):
        worker.deliver(error=UNANSWERED)
    # A duplicate, or the same message if its dead letter could not be written.
    for _ in range(3):
        worker.clock.advance(minutes=15)
        with pytest.raises(OutcomeUnknown):
            worker.deliver()
    assert worker.outcome() == (0, ["pending"])
    # An operator has moved the dead letter back.
    worker.clock.advance(minutes=16)
    worker.deliver()
    assert worker.outcome() == (1, ["sent"])


@pytest.mark.parametrize("error", [UNAVAILABLE, UNANSWERED])
def test_emails_wait_while_the_provider_is_down(worker: Worker, error: Exception) -> None:
    for version in (1, 2, 3):
        with pytest.raises((EmailUnavailable, RetryLater)):
            worker.deliver(an_order_event(version=version), error=error)
    worker.clock.advance(seconds=29)
    for _ in range(9):
        with pytest.raises(RetryLater) as raised:
            worker.deliver(an_order_event(version=4))
        assert 30 <= raised.value.seconds <= 60
    # An erasure does not wait.
    worker.deliver(ERASED)
    assert {stored.body for stored in worker.stored()} == {"Erased"}
    worker.clock.advance(seconds=1)
    worker.deliver(an_order_event(version=5, user_id="bob-1"))
    assert len(worker.sender.sent) == 1


@pytest.mark.parametrize("answer", [None, REFUSED, BLOCKED])
def test_provider_that_responds_is_not_down(worker: Worker, answer: Exception | None) -> None:
    for version in range(1, 9):
        with suppress(EmailUnavailable, EmailBlocked):
            error = answer if version % 3 == 0 else UNAVAILABLE
            worker.deliver(an_order_event(version=version), error=error)


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
                worker.deliver()
    assert worker.sender.sent == []
    worker.deliver()
    assert worker.outcome() == (1, ["sent"])


@pytest.mark.parametrize("purpose", get_args(AccountEmail))
def test_account_email_has_a_link_and_its_notification_has_none(
    worker: Worker, purpose: AccountEmail
) -> None:
    worker.deliver(an_account_event(purpose, token=None if purpose == "taken" else "secret-7"))
    [(to, email)] = worker.sender.sent
    assert to == "alice-2@example.com"
    has_link = [
        f"token=secret-7{end}" in part for part, end in ((email.text, "\n"), (email.html, '"'))
    ]
    assert has_link == [purpose != "taken"] * 2
    unlisted = purpose == "change"
    [stored] = worker.stored(unlisted_mailbox("alice-1") if unlisted else ALICE)
    assert (stored.type, stored.subject) == ("user.email_requested", email.subject)
    assert "token" not in stored.body
    # Not even whether an address is another account's, which the request for it might tell.
    assert worker.stored() == ([] if unlisted else [stored])


def test_email_is_sent_once_its_token_can_be_decrypted(worker: Worker) -> None:
    for error in (EmailUnavailable("KMS"), ValueError("no base64")) * 2:
        worker.links.error = error
        with pytest.raises(type(error)):
            worker.deliver(an_account_event("reset"))
    assert worker.outcome() == (0, ["pending"])
    worker.links.error = None
    worker.deliver(an_account_event("reset"))
    assert worker.outcome() == (1, ["sent"])


def test_email_is_sent_once_when_its_worker_stalls_while_its_token_is_decrypted(
    worker: Worker,
) -> None:
    event = an_account_event("reset")

    def stall() -> None:
        worker.links.decrypting = lambda: None
        worker.clock.advance(minutes=1)
        worker.deliver(event)

    worker.links.decrypting = stall
    with pytest.raises(AttemptUnderWay):
        worker.deliver(event)
    assert worker.outcome() == (1, ["sent"])


def order_events(*types: EventType, **changes: Any) -> list[Event]:
    """Events of an order, a second apart."""
    events = [an_order_event(type_, version=n, **changes) for n, type_ in enumerate(types, 1)]
    return [
        event.model_copy(update={"at": rfc3339(NOON + timedelta(seconds=n))})
        for n, event in enumerate(events)
    ]


def confirm_or_cancel(worker: Worker, later: EventType) -> Event:
    """Deliver the later event of an order a second after it was placed; returns the first event."""
    placed, following = order_events("order.placed", later)
    worker.clock.advance(seconds=1)
    worker.deliver(following)
    return placed


def received(worker: Worker) -> tuple[str, str, int]:
    """Channel and status of the notification of the order's first event, and the number of its
    e-mails."""
    [stored] = [one for one in worker.stored() if one.type == "order.placed"]
    mailed = [email for _, email in worker.sender.sent if email.subject == stored.subject]
    return stored.channel, stored.status, len(mailed)


def test_placed_order_is_in_the_inbox_at_once_and_not_mailed(worker: Worker) -> None:
    [placed] = order_events("order.placed")
    for _ in range(3):
        worker.deliver(placed, error=UNAVAILABLE)
    assert received(worker) == ("inbox", "sent", 0)
    assert worker.notifications.totals() == {"sent": 0, "failed": 0}


@pytest.mark.parametrize("is_first", [False, True], ids=["published again", "late"])
@pytest.mark.parametrize("later", ["order.confirmed", "order.cancelled"])
def test_placed_order_is_not_mailed_after_a_minute_when_the_order_has_gone_on(
    worker: Worker, later: EventType, is_first: bool
) -> None:
    placed, _ = order_events("order.placed", later)
    if not is_first:
        worker.deliver(placed)
    confirm_or_cancel(worker, later)
    worker.clock.advance(minutes=1)
    for _ in range(2):
        worker.deliver(placed)
    assert received(worker) == ("inbox", "sent", 0)
    assert worker.notifications.totals() == {"sent": 1, "failed": 0}


@pytest.mark.parametrize("is_first", [False, True], ids=["published again", "late"])
def test_placed_order_is_mailed_once_when_the_order_stands_still(
    worker: Worker, is_first: bool
) -> None:
    [placed] = order_events("order.placed")
    for event in order_events("order.placed", "order.confirmed", order_id="another")[1:]:
        worker.deliver(event)
    if not is_first:
        worker.deliver(placed)
    worker.clock.advance(seconds=45)
    for _ in range(3):
        worker.deliver(placed)
        worker.clock.advance(minutes=1)
    assert received(worker) == ("email", "sent", 1)
    assert worker.notifications.totals() == {"sent": 2, "failed": 0}


def test_placed_order_whose_email_was_not_accepted_is_mailed_unless_it_has_gone_on(
    worker: Worker,
) -> None:
    [placed] = order_events("order.placed")
    worker.clock.advance(minutes=1)
    with pytest.raises(EmailUnavailable):
        worker.deliver(placed, error=UNAVAILABLE)
    assert received(worker) == ("email", "pending", 0)
    confirm_or_cancel(worker, "order.confirmed")
    worker.deliver(placed)
    assert received(worker) == ("inbox", "sent", 0)
    assert worker.notifications.totals() == {"sent": 1, "failed": 0}


def test_placed_order_whose_email_was_not_answered_is_mailed_again_whatever_follows(
    worker: Worker,
) -> None:
    [placed] = order_events("order.placed")
    worker.clock.advance(minutes=1)
    with pytest.raises(RetryLater):
        worker.deliver(placed, error=UNANSWERED)
    confirm_or_cancel(worker, "order.confirmed")
    with pytest.raises(AttemptUnderWay):
        worker.deliver(placed)
    worker.clock.advance(minutes=1)
    worker.deliver(placed)
    assert received(worker) == ("email", "sent", 1)


@pytest.mark.parametrize("minutes", [0, 1])
def test_placed_order_of_an_erased_user_is_not_mailed(worker: Worker, minutes: int) -> None:
    [placed] = order_events("order.placed")
    worker.deliver(placed)
    worker.deliver(ERASED)
    worker.clock.advance(minutes=minutes)
    worker.deliver(placed)
    assert received(worker) == ("inbox", "sent", 0)
    assert worker.stored()[0].body == "Erased"


# As the last release has stored it while its e-mail was held back.
HELD_BACK = {"attempt": "", "attempts": 0, "lease_until": rfc3339(NOON)}


@pytest.mark.parametrize("seconds", [5, 20, 60])
@pytest.mark.parametrize("has_gone_on", [False, True])
def test_email_that_the_last_release_has_held_back_comes_to_its_end(
    worker: Worker, seconds: int, has_gone_on: bool
) -> None:
    [placed] = order_events("order.placed")
    worker.deliver(placed)
    [stored] = worker.stored()
    table = worker.notifications._table
    [item] = table.query("#pk = :pk", {"pk": ALICE}).items
    del item["inbox"]
    table.put({**item, **HELD_BACK, "status": "pending"})
    assert received(worker) == ("email", "pending", 0)
    if has_gone_on:
        confirm_or_cancel(worker, "order.confirmed")
    worker.clock.advance(seconds=seconds)
    worker.deliver(placed)
    is_mailed = seconds == 60 and not has_gone_on
    assert received(worker) == ("email" if is_mailed else "inbox", "sent", int(is_mailed))
    assert worker.stored()[-1].id == stored.id


# The event was published late: it overtakes the erasure, which has overwritten it.
OVERWRITTEN = an_order_event(user_name="Erased", email="alice-1@erased.invalid")


@pytest.mark.parametrize(
    ("first", "late"),
    [
        (ERASED, a_user_event()),
        (ERASED, an_order_event("order.placed")),
        (ERASED, an_order_event("order.placed", minute=-1)),
        (a_user_event("user.deactivated"), OVERWRITTEN),
    ],
)
def test_event_of_an_erased_user_is_not_sent(worker: Worker, first: Event, late: Event) -> None:
    for event in (first, late, late):
        worker.deliver(event)
    assert worker.outcome() == (0, ["failed"])
    assert worker.stored()[0].body == "Erased"
    assert worker.notifications.totals() == {"sent": 0, "failed": 1}

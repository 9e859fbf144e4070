"""An erased user's mailbox: what was said in it is gone, and nothing that is still on its way is sent or kept."""

from datetime import timedelta

import pytest

from notifications.emails.errors import EmailUnanswered, EmailUnavailable
from notifications.errors import AttemptUnderWay, RecipientErased
from notifications.models import Notification, mailbox
from notifications.ports import NotificationRepository
from notifications.repository import DynamoNotifications
from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.messaging.redelivery import ComeAgain
from shared.storage.dynamodb import Table
from tests.notifications.fakes import (
    NOON,
    InMemoryNotifications,
    event,
    notification,
    order_event,
    registered,
)
from tests.notifications.shop import Shop
from tests.support.aws import make_table

ALICE = mailbox("alice-1")
BOB = mailbox("bob-1")
MINUTE = timedelta(minutes=1)
PENDING = notification(order_event())
ERASED: Event = event("user.erased", {"user_id": "alice-1"}, minute=9, version=4)


@pytest.fixture(params=["in memory", "DynamoDB"])
def notifications(request: pytest.FixtureRequest) -> NotificationRepository:
    if request.param == "in memory":
        return InMemoryNotifications()
    request.getfixturevalue("account")
    return DynamoNotifications(make_table("NotificationsTable"))


@pytest.fixture
def table(account: None) -> Table:
    return make_table("NotificationsTable")


def kept(notifications: NotificationRepository, box: str = ALICE) -> list[Notification]:
    return notifications.newest_first(box, unread=None, before=None, limit=100)


def erase(notifications: NotificationRepository) -> int:
    """Erase Alice's mailbox, with all the time that it takes; the number that was overwritten."""
    erased, is_done = notifications.erase(ALICE, at=NOON, deadline=Deadline(lambda: 60))
    assert is_done
    return erased


class TestStores:
    def test_what_was_said_is_gone_and_the_rest_stays(
        self, notifications: NotificationRepository
    ) -> None:
        other = notification(order_event("order.confirmed", minute=1, version=2))
        for one in (PENDING, other):
            notifications.claim(ALICE, one, now=NOON, lease=MINUTE)
        notifications.claim(BOB, PENDING, now=NOON, lease=MINUTE)
        notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)
        read = notifications.mark_read(ALICE, PENDING.position, at=NOON)
        assert read
        assert erase(notifications) == 2
        assert kept(notifications) == [other.erased(), read.erased()]
        assert {(n.subject, n.body) for n in kept(notifications)} == {("Erased", "Erased")}
        assert kept(notifications, BOB) == [PENDING]
        assert notifications.totals() == {"sent": 1, "failed": 0}
        assert erase(notifications) == 0

    def test_an_erased_mailbox_takes_nothing_new(
        self, notifications: NotificationRepository
    ) -> None:
        assert erase(notifications) == 0
        # Also a second time, if whoever was refused died before it put the other one in its place.
        for _ in range(2):
            with pytest.raises(RecipientErased):
                notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
        notifications.keep(ALICE, PENDING.erased())
        assert kept(notifications) == [PENDING.erased()]
        assert notifications.claim(BOB, PENDING, now=NOON, lease=MINUTE)

    def test_what_was_being_sent_is_not_sent_again(
        self, notifications: NotificationRepository
    ) -> None:
        notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
        erase(notifications)
        with pytest.raises(RecipientErased):
            notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)
        notifications.keep(ALICE, PENDING.erased())
        notifications.settle_failed(ALICE, PENDING.position, reason="erased", at=NOON)
        [failed] = kept(notifications)
        assert (failed.status, failed.body) == ("failed", "Erased")
        assert not notifications.claim(ALICE, PENDING, now=NOON + 4 * MINUTE, lease=MINUTE)
        assert notifications.totals() == {"sent": 0, "failed": 1}

    def test_who_has_sent_it_meanwhile_may_say_so(
        self, notifications: NotificationRepository
    ) -> None:
        notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
        erase(notifications)
        notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)
        [sent] = kept(notifications)
        assert (sent.status, sent.body) == ("sent", "Erased")

    def test_a_notification_that_was_settled_is_not_kept_again(
        self, notifications: NotificationRepository
    ) -> None:
        notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
        notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)
        notifications.keep(ALICE, PENDING)
        assert [n.status for n in kept(notifications)] == ["sent"]


def test_a_claim_that_meets_the_erasure_sends_nothing(table: Table) -> None:
    """It has looked at the tombstone, waits for another one's lease to end, and is overtaken by the erasure."""
    notifications = DynamoNotifications(table)
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    events = table.client.meta.events

    def erased(**_: object) -> None:
        events.unregister("before-send.dynamodb.UpdateItem", erased)
        erase(notifications)

    events.register_first("before-send.dynamodb.UpdateItem", erased)
    with pytest.raises(RecipientErased):
        notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)


def test_a_claim_that_the_erasure_does_not_find_finds_the_erasure(table: Table) -> None:
    """The whole erasure is over when the claim is written."""
    notifications = DynamoNotifications(table)
    events = table.client.meta.events

    def erased(**_: object) -> None:
        events.unregister("before-send.dynamodb.PutItem", erased)
        erase(notifications)

    events.register_first("before-send.dynamodb.PutItem", erased)
    with pytest.raises(RecipientErased):
        notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)


def test_an_erasure_finds_all_that_was_claimed_before_its_tombstone(table: Table) -> None:
    notifications = DynamoNotifications(table)
    events = table.client.meta.events

    def claimed(**_: object) -> None:
        events.unregister("before-send.dynamodb.PutItem", claimed)
        notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)

    events.register_first("before-send.dynamodb.PutItem", claimed)
    assert erase(notifications) == 1
    assert "Alice" not in repr(table.client.scan(TableName=table.name)["Items"])


@pytest.fixture
def shop() -> Shop:
    return Shop()


class TestNotifier:
    def test_nobody_is_told_of_an_erasure(self, shop: Shop) -> None:
        shop.notifier.notify(ERASED)
        assert (shop.mailer.sent, kept(shop.notifications)) == ([], [])

    def test_what_a_user_was_told_is_erased(self, shop: Shop) -> None:
        shop.notifier.notify(registered())
        for _ in range(2):
            shop.notifier.notify(ERASED)
        [welcome] = kept(shop.notifications)
        assert (welcome.type, welcome.status) == ("user.registered", "sent")
        assert "Alice" not in repr(welcome)
        assert shop.notifications.totals() == {"sent": 1, "failed": 0}

    @pytest.mark.parametrize("late", [registered(), order_event("order.shipped", version=3)])
    def test_events_that_come_after_it_are_told_to_nobody(self, shop: Shop, late: Event) -> None:
        shop.notifier.notify(ERASED)
        for _ in range(2):
            shop.notifier.notify(late)
        assert shop.mailer.sent == []
        [told] = kept(shop.notifications)
        assert (told.type, told.status, told.body) == (late.type, "failed", "Erased")
        assert shop.notifications.totals() == {"sent": 0, "failed": 1}

    def test_an_event_that_was_erased_itself_is_told_to_nobody(self, shop: Shop) -> None:
        """It was published late, and comes before the erasure that overwrote it."""
        shop.notifier.notify(order_event(user_name="Erased", email="alice-1@erased.invalid"))
        assert shop.mailer.sent == []
        assert [n.status for n in kept(shop.notifications)] == ["failed"]

    def test_a_letter_that_waits_for_the_provider_is_not_sent_after_it(self, shop: Shop) -> None:
        shop.mailer.trouble = EmailUnavailable("TooManyRequestsException")
        with pytest.raises(EmailUnavailable):
            shop.notifier.notify(order_event())
        shop.notifier.notify(ERASED)
        shop.mailer.trouble = None
        shop.clock.advance(seconds=120)
        shop.notifier.notify(order_event())
        assert shop.mailer.sent == []
        assert [(n.status, n.body) for n in kept(shop.notifications)] == [("failed", "Erased")]

    def test_the_mailboxes_of_others_stay_open(self, shop: Shop) -> None:
        shop.notifier.notify(ERASED)
        shop.notifier.notify(registered("bob-1"))
        assert len(shop.mailer.sent) == 1

    def test_one_under_way_is_still_waited_for(self, shop: Shop) -> None:
        shop.mailer.trouble = EmailUnanswered("ReadTimeoutError")
        with pytest.raises(ComeAgain):
            shop.notifier.notify(order_event())
        with pytest.raises(AttemptUnderWay):
            shop.notifier.notify(order_event())

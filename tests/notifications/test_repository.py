"""What a repository of notifications promises: the same suite for DynamoDB and for the fake."""

from datetime import timedelta
from typing import Any

import pytest

from notifications.errors import AttemptUnderWay, OutcomeUnknown
from notifications.models import Claim, Notification, mailbox
from notifications.ports import NotificationRepository
from notifications.repository import DynamoNotifications
from shared.calls.deadline import Deadline
from tests.notifications.fakes import NOON, InMemoryNotifications, notification, order_event
from tests.support.aws import make_table

ALICE = mailbox("alice-1")
BOB = mailbox("bob-1")
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
PENDING = notification(order_event())


@pytest.fixture(params=["in memory", "DynamoDB"])
def notifications(request: pytest.FixtureRequest) -> NotificationRepository:
    if request.param == "in memory":
        return InMemoryNotifications()
    request.getfixturevalue("account")
    return DynamoNotifications(make_table("NotificationsTable"))


def listed(
    notifications: NotificationRepository, box: str = ALICE, *, unread: bool | None = None
) -> list[str]:
    found = notifications.newest_first(box, unread=unread, before=None, limit=10)
    return [notification.id for notification in found]


def test_the_first_claim_keeps_the_notification(notifications: NotificationRepository) -> None:
    assert notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    assert notifications.newest_first(ALICE, unread=None, before=None, limit=10) == [PENDING]


def test_a_claim_under_a_live_lease_must_wait(notifications: NotificationRepository) -> None:
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    with pytest.raises(AttemptUnderWay):
        notifications.claim(ALICE, PENDING, now=NOON + MINUTE - SECOND, lease=MINUTE)


def test_an_ended_lease_can_be_taken_over_once(notifications: NotificationRepository) -> None:
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    assert notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)
    with pytest.raises(AttemptUnderWay):
        notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)


def test_who_takes_over_from_a_sender_that_is_done_at_last_sends_nothing(account: None) -> None:
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)

    def the_first_one_is_done(**_: object) -> None:
        notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)

    # After the second one has seen that the lease is over, and before it takes it.
    table.client.meta.events.register("before-send.dynamodb.UpdateItem", the_first_one_is_done)
    assert not notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)


def claimed(
    notifications: NotificationRepository, minutes: int, *, one: Notification = PENDING
) -> Claim:
    """The claim that a delivery wins so many minutes after noon."""
    claim = notifications.claim(ALICE, one, now=NOON + minutes * MINUTE, lease=MINUTE)
    assert claim
    return claim


def test_each_claim_without_an_outcome_is_counted(notifications: NotificationRepository) -> None:
    assert [claimed(notifications, minutes).attempts for minutes in (0, 1)] == [1, 2]


def test_two_attempts_without_an_outcome_allow_no_third_within_the_hour(
    notifications: NotificationRepository,
) -> None:
    claimed(notifications, 0)
    claimed(notifications, 15)
    for minutes in (16, 75):
        with pytest.raises(OutcomeUnknown):
            notifications.claim(ALICE, PENDING, now=NOON + minutes * MINUTE, lease=MINUTE)
    assert claimed(notifications, 76).attempts == 1


def test_an_attempt_that_was_released_does_not_count(notifications: NotificationRepository) -> None:
    for _ in range(5):
        claim = claimed(notifications, 0)
        assert claim.attempts == 1
        notifications.release(ALICE, PENDING.position, claim, at=NOON)
    second = claimed(notifications, 0), claimed(notifications, 1)
    assert [claim.attempts for claim in second] == [1, 2]
    notifications.release(ALICE, PENDING.position, second[1], at=NOON + MINUTE)
    assert claimed(notifications, 1).attempts == 2


def test_who_has_lost_its_claim_releases_nothing(notifications: NotificationRepository) -> None:
    late = claimed(notifications, 0)
    claimed(notifications, 2)
    notifications.release(ALICE, PENDING.position, late, at=NOON + 2 * MINUTE)
    with pytest.raises(AttemptUnderWay):
        notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_a_claim_whose_answer_was_lost_is_one_attempt_and_is_won(
    account: None, operation: str
) -> None:
    """The SDK repeats the write, and the repetition finds what the first one wrote."""
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    if operation == "UpdateItem":
        claimed(notifications, 0)
    answered: list[int] = []

    def repeated_once(attempts: int, **_: Any) -> int | None:
        answered.append(attempts)
        return 0 if attempts == 1 else None

    events: Any = table.client.meta.events
    events.register_first(f"needs-retry.dynamodb.{operation}", repeated_once)
    claim = claimed(notifications, 1)
    assert answered == [1, 2]
    assert claim.attempts == (2 if operation == "UpdateItem" else 1)


def test_an_attempt_of_an_earlier_release_counts(account: None) -> None:
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    claimed(notifications, 0)
    table.update({"pk": ALICE, "sk": f"NOTIFICATION#{PENDING.position}"}, "REMOVE #attempts")
    assert claimed(notifications, 1).attempts == 2


def test_keeping_and_erasing_leave_what_a_later_release_wrote(account: None) -> None:
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    claimed(notifications, 0)
    notifications.mark_read(ALICE, PENDING.position, at=NOON)
    keys = {"pk": ALICE, "sk": f"NOTIFICATION#{PENDING.position}"}, {"pk": ALICE, "sk": "TOMBSTONE"}
    for _ in range(2):
        notifications.erase(ALICE, at=NOON, deadline=Deadline(lambda: 60))
        for key in keys:
            table.update(key, "SET #later = :later", values={"later": "release"})
    notifications.keep(ALICE, PENDING.erased())
    notifications.settle_failed(ALICE, PENDING.position, reason="erased", at=NOON)
    kept = [table.get(key) or {} for key in keys]
    assert [item["later"] for item in kept] == ["release"] * 2
    assert (kept[0]["body"], kept[0]["read_state"]) == ("Erased", f"{ALICE}#read")


def test_a_notification_of_a_type_that_is_unknown_is_listed(account: None) -> None:
    """A later release has written it, and was taken back."""
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    claimed(notifications, 0)
    key = {"pk": ALICE, "sk": f"NOTIFICATION#{PENDING.position}"}
    table.update(key, "SET #type = :type", values={"type": "order.returned"})
    [listed] = notifications.newest_first(ALICE, unread=None, before=None, limit=10)
    assert listed.type == "order.returned"


def test_of_two_who_take_an_ended_lease_over_at_once_one_sends(account: None) -> None:
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    claimed(notifications, 0)
    events = table.client.meta.events

    def another_is_first(**_: object) -> None:
        events.unregister("before-send.dynamodb.UpdateItem", another_is_first)
        assert claimed(notifications, 2).attempts == 2

    events.register_first("before-send.dynamodb.UpdateItem", another_is_first)
    with pytest.raises(AttemptUnderWay):
        notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)


def test_what_was_sent_or_failed_is_never_claimed_again(
    notifications: NotificationRepository,
) -> None:
    refused = notification(order_event("order.confirmed", version=2))
    for one in (PENDING, refused):
        notifications.claim(ALICE, one, now=NOON, lease=MINUTE)
    notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)
    notifications.settle_failed(ALICE, refused.position, reason="MessageRejected", at=NOON)
    later = NOON + 60 * MINUTE
    assert not notifications.claim(ALICE, PENDING, now=later, lease=MINUTE)
    assert not notifications.claim(ALICE, refused, now=later, lease=MINUTE)
    found = notifications.newest_first(ALICE, unread=None, before=None, limit=10)
    assert {n.id: n.status for n in found} == {PENDING.id: "sent", refused.id: "failed"}
    assert notifications.totals() == {"sent": 1, "failed": 1}


def test_what_is_settled_stays_so_and_counts_once(notifications: NotificationRepository) -> None:
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)
    notifications.settle_sent(ALICE, PENDING.position, message_id="m-2", at=NOON)
    notifications.settle_failed(ALICE, PENDING.position, reason="MessageRejected", at=NOON)
    [kept] = notifications.newest_first(ALICE, unread=None, before=None, limit=10)
    assert kept.status == "sent"
    assert notifications.totals() == {"sent": 1, "failed": 0}


def test_a_mailbox_is_listed_newest_first_from_a_position(
    notifications: NotificationRepository,
) -> None:
    facts = [order_event(minute=minute, version=minute + 1) for minute in range(4)]
    old, middle, new, newest = [notification(fact) for fact in facts]
    for one in (new, old, newest, middle):
        notifications.claim(ALICE, one, now=NOON, lease=MINUTE)
    notifications.claim(BOB, old, now=NOON, lease=MINUTE)
    assert listed(notifications) == [newest.id, new.id, middle.id, old.id]
    page = notifications.newest_first(ALICE, unread=None, before=newest.position, limit=2)
    assert [one.id for one in page] == [new.id, middle.id]
    assert listed(notifications, BOB) == [old.id]


def test_reading_moves_a_notification_from_the_unread_to_the_read(
    notifications: NotificationRepository,
) -> None:
    other = notification(order_event(minute=1, version=2))
    for one in (PENDING, other):
        notifications.claim(ALICE, one, now=NOON, lease=MINUTE)
    assert listed(notifications, unread=True) == [other.id, PENDING.id]
    read = notifications.mark_read(ALICE, PENDING.position, at=NOON)
    assert read == PENDING.model_copy(update={"read_at": "2026-11-20T12:00:00.000Z"})
    assert listed(notifications, unread=True) == [other.id]
    assert listed(notifications, unread=False) == [PENDING.id]
    assert listed(notifications) == [other.id, PENDING.id]


def test_what_was_read_a_moment_ago_is_not_listed_as_unread(account: None) -> None:
    table = make_table("NotificationsTable")
    notifications = DynamoNotifications(table)
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)

    def read(**_: object) -> None:
        notifications.mark_read(ALICE, PENDING.position, at=NOON)

    # The index has been asked by then, as it is asked when it is behind.
    table.client.meta.events.register_first("before-send.dynamodb.BatchGetItem", read)
    assert listed(notifications, unread=True) == []


def test_over_a_hundred_unread_ones_are_listed_in_their_order(
    notifications: NotificationRepository,
) -> None:
    many = [notification(order_event(minute=minute, version=minute + 1)) for minute in range(102)]
    for one in many:
        notifications.claim(ALICE, one, now=NOON, lease=MINUTE)
    page = notifications.newest_first(ALICE, unread=True, before=None, limit=101)
    assert [one.id for one in page] == [one.id for one in reversed(many)][:101]


def test_reading_again_keeps_the_first_time(notifications: NotificationRepository) -> None:
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    first = notifications.mark_read(ALICE, PENDING.position, at=NOON)
    assert notifications.mark_read(ALICE, PENDING.position, at=NOON + MINUTE) == first


def test_reading_while_it_is_sent_loses_neither(notifications: NotificationRepository) -> None:
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    notifications.mark_read(ALICE, PENDING.position, at=NOON)
    assert notifications.claim(ALICE, PENDING, now=NOON + 2 * MINUTE, lease=MINUTE)
    notifications.settle_sent(ALICE, PENDING.position, message_id="m-1", at=NOON)
    [kept] = notifications.newest_first(ALICE, unread=False, before=None, limit=10)
    assert (kept.status, kept.read_at) == ("sent", "2026-11-20T12:00:00.000Z")


def test_another_mailbox_has_no_such_notification(notifications: NotificationRepository) -> None:
    notifications.claim(ALICE, PENDING, now=NOON, lease=MINUTE)
    assert notifications.mark_read(BOB, PENDING.position, at=NOON) is None
    assert listed(notifications, BOB) == []
    assert listed(notifications, unread=True) == [PENDING.id]


def test_without_notifications_the_totals_are_zero(notifications: NotificationRepository) -> None:
    assert notifications.totals() == {"sent": 0, "failed": 0}

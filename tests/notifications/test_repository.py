"""Notifications in DynamoDB."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifications.errors import AttemptUnderWay, OutcomeUnknown, RecipientErased
from notifications.models import Claim, Notification, mailbox
from notifications.ports import Notifications
from notifications.repository import DynamoNotifications
from shared.calls.deadline import Deadline
from shared.pages import Page
from shared.storage.dynamodb import Table
from tests.notifications.builders import a_notification
from tests.support.aws import before_next, wired_table
from tests.support.clock import NOON
from tests.support.context import a_deadline

ALICE = mailbox("alice-1")
BOB = mailbox("bob-1")
MINUTE = timedelta(minutes=1)
FIRST, SECOND, THIRD = (a_notification(minute) for minute in range(3))
KEPT = replace(FIRST, channel="inbox", status="sent")


@pytest.fixture
def table() -> Table:
    return wired_table("NotificationsTable")


@pytest.fixture
def notifications(table: Table) -> DynamoNotifications:
    return DynamoNotifications(table)


def claim(
    notifications: Notifications,
    minutes: float = 0,
    *,
    of: Notification = FIRST,
    box: str = ALICE,
) -> Claim | None:
    """Claim a notification so many minutes after noon, for one minute."""
    return notifications.claim(box, of, now=NOON + minutes * MINUTE, lease=MINUTE)


def attempts(notifications: Notifications, minutes: float) -> int | type[Exception] | None:
    """The attempts that a claim counts, or the error that it raises."""
    try:
        claimed = claim(notifications, minutes)
    except (AttemptUnderWay, OutcomeUnknown) as error:
        return type(error)
    return claimed.attempts if claimed else None


def send(notifications: Notifications) -> None:
    notifications.mark_sent(ALICE, FIRST.position, message_id="m-1", at=NOON)


def refuse(notifications: Notifications) -> None:
    notifications.mark_failed(ALICE, FIRST.position, reason="MessageRejected", at=NOON)


def read(notifications: Notifications, minutes: float = 0) -> Notification | None:
    return notifications.mark_read(ALICE, FIRST.position, at=NOON + minutes * MINUTE)


def erase(notifications: Notifications) -> int:
    """Erase Alice's mailbox completely; return how many notifications were overwritten."""
    erased, is_done = notifications.erase(ALICE, at=NOON, deadline=a_deadline())
    assert is_done
    return erased


def stored(
    notifications: Notifications, box: str = ALICE, *, unread: bool | None = None
) -> list[Notification]:
    return notifications.newest_first(box, unread=unread, before=None, limit=200).items


@pytest.mark.parametrize(
    "history",
    [
        [(0, 1), (0.98, AttemptUnderWay), (1, 2)],
        [(0, 1), (2, 2), (2, AttemptUnderWay)],
        [(0, 1), (15, 2), (16, OutcomeUnknown), (75, OutcomeUnknown), (76, 1)],
    ],
    ids=["lease", "takeover", "parked for an hour"],
)
def test_claim_stores_the_notification_and_counts_attempts_without_a_response(
    notifications: Notifications, history: list[tuple[float, int | type[Exception]]]
) -> None:
    assert [(minutes, attempts(notifications, minutes)) for minutes, _ in history] == history
    assert stored(notifications) == [FIRST]


def test_released_claim_does_not_count(notifications: Notifications) -> None:
    for _ in range(3):
        claimed = claim(notifications)
        assert claimed
        assert claimed.attempts == 1
        notifications.release(ALICE, FIRST.position, claimed, at=NOON)
    lost = claim(notifications)
    assert lost
    second = claim(notifications, 2)
    assert second
    assert second.attempts == 2
    # A claim that was lost releases nothing.
    notifications.release(ALICE, FIRST.position, lost, at=NOON + 2 * MINUTE)
    assert attempts(notifications, 2) is AttemptUnderWay
    notifications.release(ALICE, FIRST.position, second, at=NOON + 2 * MINUTE)
    assert attempts(notifications, 2) == 2


def test_kept_notification_is_sent_without_an_email_until_it_is_claimed(
    notifications: Notifications,
) -> None:
    assert all(notifications.keep(ALICE, KEPT) for _ in range(2))
    assert stored(notifications) == [KEPT]
    assert attempts(notifications, 0) == 1
    assert stored(notifications) == [FIRST]
    # The attempt has to be repeated.
    assert not notifications.keep(ALICE, KEPT)
    assert attempts(notifications, 2) == 2
    send(notifications)
    assert notifications.keep(ALICE, KEPT)
    assert stored(notifications) == [replace(FIRST, status="sent")]
    assert notifications.totals() == {"sent": 1, "failed": 0}


def test_keeping_ends_a_claim_without_an_attempt(notifications: Notifications) -> None:
    claimed = claim(notifications)
    assert claimed
    notifications.release(ALICE, FIRST.position, claimed, at=NOON)
    assert notifications.keep(ALICE, KEPT)
    assert stored(notifications) == [KEPT]
    assert notifications.totals() == {"sent": 0, "failed": 0}


@pytest.mark.parametrize(("settle", "status"), [(send, "sent"), (refuse, "failed")])
def test_settled_notification_stays_settled_and_counts_once(
    notifications: Notifications, settle: Callable[[Notifications], None], status: str
) -> None:
    assert notifications.totals() == {"sent": 0, "failed": 0}
    claim(notifications)
    settle(notifications)
    send(notifications)
    refuse(notifications)
    notifications.store(ALICE, FIRST)
    assert claim(notifications, 60) is None
    assert [found.status for found in stored(notifications)] == [status]
    assert notifications.totals() == {"sent": 0, "failed": 0} | {status: 1}


@pytest.mark.parametrize("unread", [None, True])
def test_list_is_newest_first_before_a_position(
    notifications: Notifications, unread: bool | None
) -> None:
    for one in (THIRD, FIRST, SECOND):
        claim(notifications, of=one)
    claim(notifications, of=FIRST, box=BOB)
    assert stored(notifications, unread=unread) == [THIRD, SECOND, FIRST]
    page = notifications.newest_first(ALICE, unread=unread, before=THIRD.position, limit=1)
    assert page == Page([SECOND], SECOND.position)
    assert stored(notifications, BOB, unread=unread) == [FIRST]


def test_mark_read_moves_a_notification_once(notifications: Notifications) -> None:
    assert read(notifications) is None
    for one in (FIRST, SECOND):
        claim(notifications, of=one)
    first = read(notifications)
    assert first == replace(FIRST, read_at="2026-11-20T12:00:00.000Z")
    assert read(notifications, 1) == first
    assert stored(notifications, unread=True) == [SECOND]
    assert stored(notifications, unread=False) == [first]
    # It stays read when it is sent.
    assert claim(notifications, 2)
    send(notifications)
    assert stored(notifications, unread=False) == [replace(first, status="sent")]


def test_erase_overwrites_the_texts_of_one_mailbox(notifications: Notifications) -> None:
    for one in (FIRST, SECOND):
        claim(notifications, of=one)
    claim(notifications, box=BOB)
    first = read(notifications)
    assert first
    assert erase(notifications) == 2
    assert stored(notifications) == [SECOND.erased(), first.erased()]
    assert first.erased() == replace(first, subject="Erased", body="Erased")
    assert stored(notifications, BOB) == [FIRST]
    # Its sender may still be at work.
    send(notifications)
    assert stored(notifications, unread=False) == [replace(first.erased(), status="sent")]
    assert notifications.totals() == {"sent": 1, "failed": 0}
    assert erase(notifications) == 0


@pytest.mark.parametrize("before", [True, False], ids=["claimed before", "claimed after"])
def test_erased_mailbox_is_never_sent_to(notifications: Notifications, before: bool) -> None:
    if before:
        claim(notifications)
    erase(notifications)
    # Also after the worker that was refused has died before it stored the erased notification.
    for minutes in (2, 4):
        with pytest.raises(RecipientErased):
            claim(notifications, minutes)
    notifications.store(ALICE, FIRST.erased())
    assert stored(notifications) == [FIRST.erased()]
    refuse(notifications)
    assert claim(notifications, 6) is None
    assert claim(notifications, box=BOB)


@pytest.mark.parametrize(
    ("method", "rival", "minutes", "outcome"),
    [
        ("update_item", send, 2, None),
        ("update_item", lambda n: claim(n, 2), 2, AttemptUnderWay),
        ("update_item", erase, 2, RecipientErased),
        ("put_item", erase, None, RecipientErased),
    ],
    ids=["sender is done at last", "another takeover", "erasure", "erasure before the first write"],
)
def test_claim_loses_to_a_concurrent_change(
    table: Table,
    method: str,
    rival: Callable[[Notifications], Any],
    minutes: int | None,
    outcome: type[Exception] | None,
) -> None:
    notifications = DynamoNotifications(table)
    if minutes is not None:
        claim(notifications)
    before_next(table, method, lambda: rival(notifications))
    if outcome is None:
        assert claim(notifications, minutes or 0) is None
    else:
        with pytest.raises(outcome):
            claim(notifications, minutes or 0)


@pytest.mark.parametrize(
    ("rival", "outcome"),
    [(lambda n: claim(n, 2), AttemptUnderWay), (erase, None)],
    ids=["another claim", "erasure"],
)
def test_claim_of_a_kept_notification_loses_to_a_concurrent_change(
    table: Table,
    notifications: DynamoNotifications,
    rival: Callable[[Notifications], Any],
    outcome: type[Exception] | None,
) -> None:
    notifications.keep(ALICE, KEPT)
    before_next(table, "update_item", lambda: rival(notifications))
    if outcome is None:
        assert claim(notifications, 2) is None
    else:
        with pytest.raises(outcome):
            claim(notifications, 2)


def test_kept_notification_of_an_erased_mailbox_loses_its_text(
    table: Table, notifications: DynamoNotifications
) -> None:
    # Its tombstone is written before the notification, and its search is over.
    before_next(table, "put_item", lambda: erase(notifications))
    for _ in range(2):  # also after the worker has died before it stored the erased notification
        with pytest.raises(RecipientErased):
            notifications.keep(ALICE, KEPT)
    with pytest.raises(RecipientErased):
        claim(notifications, 2)
    notifications.store(ALICE, FIRST.erased())
    assert stored(notifications) == [FIRST.erased()]
    refuse(notifications)
    assert notifications.keep(ALICE, KEPT)
    assert notifications.totals() == {"sent": 0, "failed": 1}


def test_erase_finds_what_was_claimed_before_its_tombstone(
    table: Table, notifications: Notifications
) -> None:
    before_next(table, "put_item", lambda: claim(notifications))
    assert erase(notifications) == 1
    assert "Hello" not in repr(table.client.scan(TableName=table.name)["Items"])


def test_erase_stops_at_its_deadline_and_continues_later(
    notifications: Notifications,
) -> None:
    for one in (FIRST, SECOND):
        claim(notifications, of=one)
    left = iter([6, 6, 5])
    assert notifications.erase(ALICE, at=NOON, deadline=Deadline(lambda: next(left))) == (1, False)
    assert erase(notifications) == 1


def test_unread_list_has_nothing_that_was_read_after_the_index(
    table: Table, notifications: Notifications
) -> None:
    claim(notifications)
    # The index is queried before the items are read.
    before_next(table, "batch_get_item", lambda: read(notifications))
    assert stored(notifications, unread=True) == []


@pytest.mark.parametrize(
    ("operation", "before", "count"),
    [
        ("PutItem", lambda _: None, 1),
        ("UpdateItem", claim, 2),
        ("UpdateItem", lambda n: n.keep(ALICE, KEPT), 1),
    ],
    ids=["first write", "takeover", "kept one"],
)
def test_claim_is_one_attempt_when_the_sdk_retries_the_write(
    table: Table,
    notifications: DynamoNotifications,
    operation: str,
    before: Callable[[Notifications], Any],
    count: int,
) -> None:
    before(notifications)
    calls: list[int] = []

    def retry_once(attempts: int, **_: Any) -> int | None:
        calls.append(attempts)
        return 0 if attempts == 1 else None

    events: Any = table.client.meta.events
    events.register_first(f"needs-retry.dynamodb.{operation}", retry_once)
    assert attempts(notifications, 1) == count
    assert calls == [1, 2]


def test_notifications_of_an_order_are_found_by_one_bounded_query(
    table: Table, notifications: DynamoNotifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.repository._MAX_BATCH", 2)
    another = replace(SECOND, order_id="order-8")
    for one in (FIRST, another, THIRD):
        claim(notifications, of=one)
    assert notifications.of_order_since(ALICE, another) == [another]
    assert notifications.of_order_since(ALICE, SECOND) == [THIRD]
    before_next(table, "query", lambda: None, lambda: pytest.fail("a second query"))
    # The third one is beyond the bound.
    assert notifications.of_order_since(ALICE, FIRST) == [FIRST]

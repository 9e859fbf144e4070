"""The notifications over HTTP."""

from datetime import timedelta

import pytest

from notifications.models import ADMINS, Notification, mailbox
from notifications.repository import DynamoNotifications
from notifications.routes import router
from notifications.service import NotificationService
from shared.auth.tokens import Caller
from tests.notifications.builders import a_notification
from tests.support.aws import simulated_table
from tests.support.callers import ADMIN, ALICE, BOB
from tests.support.clock import NOON, ManualClock
from tests.support.http import Answer, HttpClient, serve

PATH = "/api/v1/notifications"


def served(notifications: DynamoNotifications) -> HttpClient:
    return serve(router, service=NotificationService(notifications, clock=ManualClock()))


@pytest.fixture
def notifications() -> DynamoNotifications:
    return DynamoNotifications(simulated_table("NotificationsTable"))


@pytest.fixture
def http(notifications: DynamoNotifications) -> HttpClient:
    return served(notifications)


def store(
    notifications: DynamoNotifications, minute: int = 0, box: str = mailbox(ALICE.id)
) -> Notification:
    notification = a_notification(minute)
    notifications.claim(box, notification, now=NOON, lease=timedelta(minutes=1))
    return notification


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    assert answer.json["count"] == len(answer.json["notifications"])
    return [notification["id"] for notification in answer.json["notifications"]]


def test_list_has_the_fields_of_the_contract(
    http: HttpClient, notifications: DynamoNotifications
) -> None:
    sent = store(notifications)
    notifications.mark_sent(mailbox(ALICE.id), sent.position, message_id="m-1", at=NOON)
    assert http.get(PATH, caller=ALICE).json == {
        "notifications": [
            {
                "id": sent.id,
                "type": "order.placed",
                "subject": "Your order",
                "body": "Hello",
                "channel": "email",
                "status": "sent",
                "order_id": "order-7",
                "created_at": "2026-11-20T12:00:00.000Z",
            }
        ],
        "count": 1,
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("caller", "query", "minutes"),
    [
        (ALICE, "", [2, 0]),
        (ALICE, f"?user_id={ALICE.id}", [2, 0]),
        (ALICE, "?unread=true", [2]),
        (ALICE, "?unread=false", [0]),
        (BOB, "", []),
        (ADMIN, "", [3, 1]),
        (ADMIN, f"?user_id={ADMIN.id}", [3, 1]),
        (ADMIN, f"?user_id={ALICE.id}", [2, 0]),
    ],
)
def test_list_shows_the_callers_own_or_for_an_admin_another_users(
    http: HttpClient,
    notifications: DynamoNotifications,
    caller: Caller,
    query: str,
    minutes: list[int],
) -> None:
    boxes = (mailbox(ALICE.id), ADMINS, mailbox(ALICE.id), mailbox(ADMIN.id))
    stored = [store(notifications, minute, box) for minute, box in enumerate(boxes)]
    assert http.post(f"{PATH}/{stored[0].id}/read", caller=ALICE).status == 200
    found = ids(http.get(PATH + query, caller=caller))
    assert found == [stored[minute].id for minute in minutes]


def test_pages_merge_the_mailboxes_to_the_end(
    http: HttpClient, notifications: DynamoNotifications
) -> None:
    boxes = (mailbox(ADMIN.id), ADMINS) * 2
    stored = [store(notifications, minute, box).id for minute, box in enumerate(boxes)]
    first = http.get(f"{PATH}?limit=2", caller=ADMIN)
    assert ids(first) == [stored[3], stored[2]]
    path = f"{PATH}?limit=2&cursor={first.json['next_cursor']}"
    second = http.get(path, caller=ADMIN)
    assert ids(second) == [stored[1], stored[0]]
    assert second.json["next_cursor"] is None
    for foreign in (http.get(path, caller=BOB), http.get(f"{path}&unread=true", caller=ADMIN)):
        assert (foreign.status, foreign.code) == (400, "invalid-cursor")


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_short_pages_of_the_mailboxes_have_each_notification_once(
    http: HttpClient,
    notifications: DynamoNotifications,
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("notifications.repository._MAX_BATCH", 2)
    boxes = [mailbox(ADMIN.id) if minute in (1, 2, 6) else ADMINS for minute in range(9)]
    stored = [store(notifications, minute, box).id for minute, box in enumerate(boxes)]
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        path = f"{PATH}?unread=true&limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = http.get(path, caller=ADMIN)
        assert len(ids(page)) <= limit
        found += ids(page)
        cursor = page.json["next_cursor"]
    assert found == stored[::-1]


@pytest.mark.parametrize(
    ("caller", "query", "problem"),
    [
        (BOB, f"user_id={ALICE.id}", "403 forbidden"),
        (ADMIN, "limit=0", "422 invalid-request"),
        (ADMIN, "limit=101", "422 invalid-request"),
        (ADMIN, "unread=perhaps", "422 invalid-request"),
        (ADMIN, "user_id=", "422 invalid-request"),
        (ADMIN, "user_id=" + "x" * 129, "422 invalid-request"),
    ],
)
def test_list_refuses_an_invalid_or_forbidden_query(
    http: HttpClient, caller: Caller, query: str, problem: str
) -> None:
    refused = http.get(f"{PATH}?{query}", caller=caller)
    assert f"{refused.status} {refused.code}" == problem
    if refused.status == 422:
        assert refused.json["errors"][0]["pointer"] == f"#/query/{query.partition('=')[0]}"


@pytest.mark.parametrize(("reader", "box"), [(ALICE, mailbox(ALICE.id)), (ADMIN, ADMINS)])
def test_read_marks_the_callers_own_once(
    http: HttpClient, notifications: DynamoNotifications, reader: Caller, box: str
) -> None:
    path = f"{PATH}/{store(notifications, 0, box).id}/read"
    first = http.post(path, caller=reader)
    assert (first.status, first.json["read_at"]) == (200, "2026-11-20T12:00:00.000Z")
    assert http.post(path, caller=reader).json == first.json


@pytest.mark.parametrize(
    ("reader", "box"), [(BOB, mailbox(ALICE.id)), (ADMIN, mailbox(ALICE.id)), (ALICE, ADMINS)]
)
def test_read_does_not_find_what_is_not_the_callers(
    http: HttpClient, notifications: DynamoNotifications, reader: Caller, box: str
) -> None:
    notification = store(notifications, 0, box)
    refused = http.post(f"{PATH}/{notification.id}/read", caller=reader)
    assert (refused.status, refused.code) == (404, "notification-not-found")
    unread = notifications.newest_first(box, unread=True, before=None, limit=1)
    assert unread.items == [notification]


@pytest.mark.parametrize("id_", ["x", "nothing", "w_-", "é", "....", "A" * 2000, "_w", "%20"])
def test_read_does_not_find_a_malformed_id(http: HttpClient, id_: str) -> None:
    missing = http.post(f"{PATH}/{id_}/read", caller=ALICE)
    assert (missing.status, missing.code) == (404, "notification-not-found")


def test_health_has_the_totals(http: HttpClient, notifications: DynamoNotifications) -> None:
    for minute in range(3):
        one = store(notifications, minute)
        notifications.mark_sent(mailbox(ALICE.id), one.position, message_id="m", at=NOON)
    health = http.get("/health/notifications").json
    assert (health["status"], health["sent"], health["failed"]) == ("healthy", 3, 0)


def test_health_is_degraded_when_the_totals_cannot_be_read() -> None:
    class Unreachable(DynamoNotifications):
        def totals(self) -> dict[str, int]:
            raise ConnectionError

    answer = served(Unreachable(simulated_table("NotificationsTable"))).get("/health/notifications")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert set(answer.json) == {"status", "uptime_seconds", "memory_mb"}

"""The notifications over HTTP."""

from datetime import timedelta

import pytest

from notifications import api
from notifications.models import ADMINS, Notification, mailbox
from notifications.service import NotificationService
from shared.auth.tokens import Caller
from shared.contracts.events import Event
from shared.runtime.entry import Entry
from shared.web.cursors import Cursors
from tests.notifications.builders import (
    a_low_stock_event,
    a_notification,
    a_user_event,
    an_order_event,
)
from tests.notifications.fakes import InMemoryNotifications
from tests.support.callers import ADMIN, ALICE, BOB, FakeVerifier
from tests.support.clock import NOON, ManualClock
from tests.support.environment import given_environment
from tests.support.http import Answer, HttpClient

PATH = "/api/v1/notifications"


def serve(notifications: InMemoryNotifications) -> HttpClient:
    service = NotificationService(notifications, clock=ManualClock())
    cursors = Cursors(lambda: b"k" * 32)
    return HttpClient(api.create_app(service, verifier=FakeVerifier(), cursors=cursors))


@pytest.fixture
def notifications() -> InMemoryNotifications:
    return InMemoryNotifications()


@pytest.fixture
def http(notifications: InMemoryNotifications) -> HttpClient:
    return serve(notifications)


def store(
    notifications: InMemoryNotifications, event: Event, box: str = mailbox(ALICE.id)
) -> Notification:
    order_id = "order-7" if event.type.startswith("order.") else None
    notification = a_notification(event, order_id=order_id)
    notifications.claim(box, notification, now=NOON, lease=timedelta(minutes=1))
    return notification


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    assert answer.json["count"] == len(answer.json["notifications"])
    return [notification["id"] for notification in answer.json["notifications"]]


def test_list_has_the_fields_of_the_contract(
    http: HttpClient, notifications: InMemoryNotifications
) -> None:
    sent = store(notifications, an_order_event())
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
    store(notifications, a_user_event(minute=1))
    newest = http.get(PATH, caller=ALICE).json["notifications"][0]
    assert not {"order_id", "read_at"} & set(newest)


@pytest.mark.parametrize(
    ("caller", "query", "listed"),
    [
        (ALICE, "", "placed welcome"),
        (ALICE, f"?user_id={ALICE.id}", "placed welcome"),
        (ALICE, "?unread=true", "placed"),
        (ALICE, "?unread=false", "welcome"),
        (BOB, "", ""),
        (ADMIN, "", "admin's low"),
        (ADMIN, f"?user_id={ADMIN.id}", "admin's low"),
        (ADMIN, f"?user_id={ALICE.id}", "placed welcome"),
    ],
)
def test_list_shows_the_callers_own_or_for_an_admin_another_users(
    http: HttpClient,
    notifications: InMemoryNotifications,
    caller: Caller,
    query: str,
    listed: str,
) -> None:
    stored = {
        "welcome": store(notifications, a_user_event()),
        "low": store(notifications, a_low_stock_event(minute=1), ADMINS),
        "placed": store(notifications, an_order_event(minute=2)),
        "admin's": store(notifications, an_order_event(minute=3), mailbox(ADMIN.id)),
    }
    assert http.post(f"{PATH}/{stored['welcome'].id}/read", caller=ALICE).status == 200
    found = ids(http.get(PATH + query, caller=caller))
    assert found == [stored[name].id for name in listed.split()]


def test_list_of_another_user_is_forbidden_for_customers(http: HttpClient) -> None:
    refused = http.get(f"{PATH}?user_id={ALICE.id}", caller=BOB)
    assert (refused.status, refused.code) == (403, "forbidden")


def test_pages_merge_the_mailboxes_to_the_end(
    http: HttpClient, notifications: InMemoryNotifications
) -> None:
    own = [
        store(notifications, an_order_event(minute=n, version=n + 1), mailbox(ADMIN.id))
        for n in (0, 2)
    ]
    shared = [
        store(notifications, a_low_stock_event(minute=n, product_id=f"p-{n}"), ADMINS)
        for n in (1, 3)
    ]
    first = http.get(f"{PATH}?limit=2", caller=ADMIN)
    assert ids(first) == [shared[1].id, own[1].id]
    second = http.get(f"{PATH}?limit=2&cursor={first.json['next_cursor']}", caller=ADMIN)
    assert ids(second) == [shared[0].id, own[0].id]
    assert second.json["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "caller"),
    [
        ("limit=3&cursor={}", BOB),
        ("unread=true&cursor={}", ALICE),
        (f"user_id={ALICE.id}&cursor={{}}", ADMIN),
        *((f"cursor={cursor}", ALICE) for cursor in ("x", "AAAA", "%00", "é", "A" * 5000)),
    ],
)
def test_cursor_is_refused_when_forged_or_foreign(
    http: HttpClient, notifications: InMemoryNotifications, query: str, caller: Caller
) -> None:
    for n in range(3):
        store(notifications, an_order_event(minute=n, version=n + 1))
    cursor = http.get(f"{PATH}?limit=1", caller=ALICE).json["next_cursor"]
    assert ids(http.get(f"{PATH}?limit=2&cursor={cursor}", caller=ALICE))
    refused = http.get(f"{PATH}?{query.format(cursor)}", caller=caller)
    assert (refused.status, refused.code) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "unread=perhaps", "user_id=", "user_id=" + "x" * 129],
)
def test_list_refuses_an_invalid_query(http: HttpClient, query: str) -> None:
    refused = http.get(f"{PATH}?{query}", caller=ADMIN)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert refused.json["errors"][0]["pointer"] == f"#/query/{query.partition('=')[0]}"


@pytest.mark.parametrize(
    ("reader", "event", "box"),
    [
        (ALICE, an_order_event(), mailbox(ALICE.id)),
        (ADMIN, a_low_stock_event(), ADMINS),
    ],
)
def test_read_marks_the_callers_own_once(
    http: HttpClient, notifications: InMemoryNotifications, reader: Caller, event: Event, box: str
) -> None:
    path = f"{PATH}/{store(notifications, event, box).id}/read"
    first = http.post(path, caller=reader)
    assert (first.status, first.json["read_at"]) == (200, "2026-11-20T12:00:00.000Z")
    assert http.post(path, caller=reader).json == first.json
    assert ids(http.get(f"{PATH}?unread=true", caller=reader)) == []


@pytest.mark.parametrize(
    ("reader", "event", "box"),
    [
        (BOB, an_order_event(), mailbox(ALICE.id)),
        (ADMIN, an_order_event(), mailbox(ALICE.id)),
        (ALICE, a_low_stock_event(), ADMINS),
    ],
)
def test_read_does_not_find_what_is_not_the_callers(
    http: HttpClient, notifications: InMemoryNotifications, reader: Caller, event: Event, box: str
) -> None:
    notification = store(notifications, event, box)
    refused = http.post(f"{PATH}/{notification.id}/read", caller=reader)
    assert (refused.status, refused.code) == (404, "notification-not-found")
    assert notifications.newest_first(box, unread=True, before=None, limit=1) == [notification]


@pytest.mark.parametrize("id_", ["x", "nothing", "w_-", "é", "....", "A" * 2000, "_w", "%20"])
def test_read_does_not_find_a_malformed_id(http: HttpClient, id_: str) -> None:
    missing = http.post(f"{PATH}/{id_}/read", caller=ALICE)
    assert (missing.status, missing.code) == (404, "notification-not-found")


def test_health_has_the_totals_or_is_degraded(notifications: InMemoryNotifications) -> None:
    for n in range(4):
        one = store(notifications, an_order_event(minute=n, version=n + 1))
        if n:
            notifications.mark_sent(mailbox(ALICE.id), one.position, message_id="m", at=NOON)
        else:
            notifications.mark_failed(mailbox(ALICE.id), one.position, reason="no", at=NOON)
    health = serve(notifications).get("/health/notifications").json
    assert (health["status"], health["sent"], health["failed"]) == ("healthy", 3, 1)

    class Unreachable(InMemoryNotifications):
        def totals(self) -> dict[str, int]:
            raise ConnectionError

    answer = serve(Unreachable()).get("/health/notifications")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert set(answer.json) == {"status", "uptime_seconds", "memory_mb"}


def test_entry_serves_dynamodb_and_checks_tokens(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_environment(monkeypatch, "NotificationsTable")
    http = HttpClient(Entry(api.build, api.Settings))
    assert http.get("/health/notifications").json["sent"] == 0
    for headers in ({}, {"Authorization": "Bearer x.y.z"}):
        assert http.get(PATH, headers=headers).code == "unauthenticated"

"""The notifications' part of the contract, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from notifications import api
from notifications.models import ADMINS, Notification, mailbox
from notifications.service import NotificationService
from shared.contracts.events import Event
from shared.runtime.entry import Entry
from shared.web.cursors import Cursors
from tests.notifications.fakes import (
    NOON,
    InMemoryNotifications,
    low_stock,
    notification,
    order_event,
    registered,
)
from tests.support.callers import ADMIN, ALICE, BOB, FakeVerifier
from tests.support.clock import ManualClock
from tests.support.environment import given_environment
from tests.support.http import Answer, HttpClient

PATH = "/api/v1/notifications"


@pytest.fixture
def notifications() -> InMemoryNotifications:
    return InMemoryNotifications()


def serve(service: NotificationService) -> HttpClient:
    cursors = Cursors(lambda: b"k" * 32)
    return HttpClient(api.create_app(service, verifier=FakeVerifier(), cursors=cursors))


@pytest.fixture
def shop(notifications: InMemoryNotifications) -> HttpClient:
    return serve(NotificationService(notifications, clock=ManualClock()))


def told(
    notifications: InMemoryNotifications, fact: Event, box: str = mailbox(ALICE.id), **more: Any
) -> Notification:
    """Somebody was told of an event."""
    kept = notification(fact, **more)
    notifications.claim(box, kept, now=NOON, lease=timedelta(minutes=1))
    return kept


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    assert answer.json["count"] == len(answer.json["notifications"])
    return [notification["id"] for notification in answer.json["notifications"]]


def test_a_notification_has_the_contracts_fields(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    kept = told(notifications, order_event())
    notifications.settle_sent(mailbox(ALICE.id), kept.position, message_id="m-1", at=NOON)
    assert shop.get(PATH, caller=ALICE).json == {
        "notifications": [
            {
                "id": kept.id,
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


def test_what_is_about_no_order_names_none(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    told(notifications, registered(), order_id=None)
    [listed] = shop.get(PATH, caller=ALICE).json["notifications"]
    assert not {"order_id", "read_at"} & set(listed)


def test_one_sees_ones_own_only(shop: HttpClient, notifications: InMemoryNotifications) -> None:
    told(notifications, order_event())
    assert ids(shop.get(PATH, caller=BOB)) == []


def test_a_customer_may_name_oneself_but_nobody_else(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    kept = told(notifications, order_event())
    assert ids(shop.get(f"{PATH}?user_id={ALICE.id}", caller=ALICE)) == [kept.id]
    refused = shop.get(f"{PATH}?user_id={ALICE.id}", caller=BOB)
    assert (refused.status, refused.code) == (403, "forbidden")


def test_an_admin_sees_anothers(shop: HttpClient, notifications: InMemoryNotifications) -> None:
    kept = told(notifications, order_event())
    told(notifications, low_stock(), ADMINS)
    assert ids(shop.get(f"{PATH}?user_id={ALICE.id}", caller=ADMIN)) == [kept.id]


@pytest.mark.parametrize("query", ["", f"?user_id={ADMIN.id}"])
def test_an_admins_own_are_those_to_all_admins_too(
    shop: HttpClient, notifications: InMemoryNotifications, query: str
) -> None:
    mine = told(notifications, registered(ADMIN.id), mailbox(ADMIN.id))
    shops = told(notifications, low_stock(minute=1), ADMINS)
    newer = told(notifications, order_event(minute=2), mailbox(ADMIN.id))
    told(notifications, order_event(minute=3))
    assert ids(shop.get(PATH + query, caller=ADMIN)) == [newer.id, shops.id, mine.id]


def test_pages_follow_each_other_to_the_end(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    everything = [
        told(notifications, order_event(minute=n, version=n + 1), mailbox(ADMIN.id)) for n in (0, 2)
    ] + [told(notifications, low_stock(minute=n, product_id=f"p-{n}"), ADMINS) for n in (1, 3)]
    newest_first = sorted(everything, key=lambda n: n.created_at, reverse=True)
    first = shop.get(f"{PATH}?limit=2", caller=ADMIN)
    assert ids(first) == [n.id for n in newest_first[:2]]
    second = shop.get(f"{PATH}?limit=2&cursor={first.json['next_cursor']}", caller=ADMIN)
    assert ids(second) == [n.id for n in newest_first[2:]]
    assert second.json["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "caller"),
    [("&limit=3", BOB), ("&unread=true", ALICE), (f"&user_id={ALICE.id}", ADMIN)],
)
def test_a_cursor_is_good_for_its_caller_and_query_only(
    shop: HttpClient, notifications: InMemoryNotifications, query: str, caller: Any
) -> None:
    for n in range(3):
        told(notifications, order_event(minute=n, version=n + 1))
    cursor = shop.get(f"{PATH}?limit=1", caller=ALICE).json["next_cursor"]
    assert ids(shop.get(f"{PATH}?limit=2&cursor={cursor}", caller=ALICE))
    foreign = shop.get(f"{PATH}?cursor={cursor}{query}", caller=caller)
    assert (foreign.status, foreign.code) == (400, "invalid-cursor")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "é", "A" * 5000])
def test_a_forged_cursor_is_refused(shop: HttpClient, cursor: str) -> None:
    forged = shop.get(f"{PATH}?cursor={cursor}", caller=ALICE)
    assert (forged.status, forged.code) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "unread=perhaps", "user_id=", "user_id=" + "x" * 129],
)
def test_a_query_that_makes_no_sense_is_refused(shop: HttpClient, query: str) -> None:
    refused = shop.get(f"{PATH}?{query}", caller=ADMIN)
    assert (refused.status, refused.code) == (422, "invalid-request")
    assert refused.json["errors"][0]["pointer"] == f"#/query/{query.partition('=')[0]}"


def test_unread_lists_what_has_not_been_read(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    old = told(notifications, order_event())
    new = told(notifications, order_event("order.confirmed", minute=1, version=2))
    shop.post(f"{PATH}/{old.id}/read", caller=ALICE)
    assert ids(shop.get(f"{PATH}?unread=true", caller=ALICE)) == [new.id]
    assert ids(shop.get(f"{PATH}?unread=false", caller=ALICE)) == [old.id]
    assert ids(shop.get(PATH, caller=ALICE)) == [new.id, old.id]


def test_reading_is_idempotent(shop: HttpClient, notifications: InMemoryNotifications) -> None:
    kept = told(notifications, order_event())
    first = shop.post(f"{PATH}/{kept.id}/read", caller=ALICE)
    assert first.status == 200
    assert first.json["id"] == kept.id
    assert first.json["read_at"] == "2026-11-20T12:00:00.000Z"
    assert shop.post(f"{PATH}/{kept.id}/read", caller=ALICE).json == first.json


def test_any_admin_may_read_for_all(shop: HttpClient, notifications: InMemoryNotifications) -> None:
    kept = told(notifications, low_stock(), ADMINS)
    assert shop.post(f"{PATH}/{kept.id}/read", caller=ADMIN).status == 200
    assert ids(shop.get(f"{PATH}?unread=true", caller=ADMIN)) == []


@pytest.mark.parametrize("caller", [BOB, ADMIN])
def test_somebody_elses_notification_is_not_there(
    shop: HttpClient, notifications: InMemoryNotifications, caller: Any
) -> None:
    kept = told(notifications, order_event())
    stolen = shop.post(f"{PATH}/{kept.id}/read", caller=caller)
    assert (stolen.status, stolen.code) == (404, "notification-not-found")
    assert ids(shop.get(f"{PATH}?unread=true", caller=ALICE)) == [kept.id]


def test_a_customer_cannot_read_what_concerns_the_shop(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    kept = told(notifications, low_stock(), ADMINS)
    assert shop.post(f"{PATH}/{kept.id}/read", caller=ALICE).code == "notification-not-found"


@pytest.mark.parametrize("id_", ["x", "nothing", "A", "w_-", "é", "....", "A" * 2000, "_w", "%20"])
def test_an_id_that_never_was_is_not_found(shop: HttpClient, id_: str) -> None:
    missing = shop.post(f"{PATH}/{id_}/read", caller=ALICE)
    assert (missing.status, missing.code) == (404, "notification-not-found")


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("POST", f"{PATH}/x/read")])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
def test_without_a_token_nobody_gets_in(
    shop: HttpClient, method: str, path: str, headers: dict[str, str]
) -> None:
    refused = shop.request(method, path, headers=headers)
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_health_tells_how_many_were_sent_and_failed(
    shop: HttpClient, notifications: InMemoryNotifications
) -> None:
    for n in range(3):
        kept = told(notifications, order_event(minute=n, version=n + 1))
        notifications.settle_sent(mailbox(ALICE.id), kept.position, message_id="m", at=NOON)
    refused = told(notifications, registered())
    notifications.settle_failed(mailbox(ALICE.id), refused.position, reason="no", at=NOON)
    health = shop.get("/health/notifications").json
    assert {key: health[key] for key in ("status", "sent", "failed")} == {
        "status": "healthy",
        "sent": 3,
        "failed": 1,
    }
    assert health["uptime_seconds"] >= 0
    assert health["memory_mb"] > 0


def test_health_without_its_table_is_degraded(shop: HttpClient) -> None:
    class Unreachable(InMemoryNotifications):
        def totals(self) -> dict[str, int]:
            raise ConnectionError("no table")

    answer = serve(NotificationService(Unreachable())).get("/health/notifications")
    assert answer.status == 200
    assert set(answer.json) == {"status", "uptime_seconds", "memory_mb"}
    assert answer.json["status"] == "degraded"


def test_the_real_graph_stands(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given_environment(monkeypatch, "NotificationsTable")
    shop = HttpClient(Entry(api.build, api.Settings))
    assert shop.get("/health/notifications").json["sent"] == 0
    assert shop.get(PATH, headers={"Authorization": "Bearer x.y.z"}).code == "unauthenticated"

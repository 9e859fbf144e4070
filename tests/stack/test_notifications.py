"""What customers were told, over HTTP on the deployed stack."""

from tests.support.client import Client, code, eventually

FIELDS = {"id", "type", "subject", "body", "channel", "status", "created_at"}


def test_a_notification_is_read_by_its_owner_only(
    customer: Client, other: Client, admin: Client, anyone: Client
) -> None:
    [welcome] = eventually(lambda: customer.get("/api/v1/notifications").json()["notifications"])
    assert set(welcome) == FIELDS
    assert (welcome["channel"], welcome["type"]) == ("email", "user.registered")
    path = f"/api/v1/notifications/{welcome['id']}/read"
    stolen = other.post(path)
    assert (stolen.status_code, stolen.json()["status"]) == (404, 404)
    assert code(anyone.post(path)) == "unauthenticated"
    read = customer.post(path)
    assert read.status_code == 200
    assert set(read.json()) == FIELDS | {"read_at"}
    assert customer.post(path).json()["read_at"] == read.json()["read_at"]
    unread = customer.get("/api/v1/notifications", params={"unread": "true"}).json()
    assert unread["notifications"] == []
    seen_by_admin = admin.get(
        "/api/v1/notifications", params={"user_id": customer.user["id"]}
    ).json()
    assert [n["id"] for n in seen_by_admin["notifications"]] == [welcome["id"]]
    assert code(anyone.get("/api/v1/notifications")) == "unauthenticated"


def test_notifications_are_listed_newest_first_page_by_page(
    admin: Client, customer: Client, other: Client
) -> None:
    placed = customer.order((admin.add_product(), 1))
    customer.order_once(placed["id"], "confirmed")
    eventually(lambda: customer.notifications_of(placed["id"]), lambda told: len(told) == 2)
    listed: list[dict[str, str]] = []
    query: dict[str, str] = {"limit": "1"}
    while True:
        page = customer.get("/api/v1/notifications", params=query).json()
        listed += page["notifications"]
        if page["next_cursor"] is None:
            break
        stolen = other.get("/api/v1/notifications", params={**query, "cursor": page["next_cursor"]})
        assert code(stolen) == "invalid-cursor"
        query["cursor"] = page["next_cursor"]
    assert [n["type"] for n in listed] == ["order.confirmed", "order.placed", "user.registered"]
    assert listed[0]["order_id"] == placed["id"]

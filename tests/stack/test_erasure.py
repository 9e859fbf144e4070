"""A customer who is erased, on the deployed stack: by every service, within seconds."""

from collections.abc import Iterator

import pytest

from tests.support.books import TABLES, read
from tests.support.client import Client, code, eventually
from tests.support.cloud import Cloud


@pytest.fixture
def quiet_checkout(cloud: Cloud) -> Iterator[None]:
    """The erasure's second look, a minute later, waits in the queue, which other tests want to see empty."""
    yield
    cloud.client("sqs").purge_queue(QueueUrl=cloud.physical_id("CheckoutQueue"))


def test_an_erased_customer_is_gone_from_every_service(
    anyone: Client, admin: Client, cloud: Cloud, quiet_checkout: None
) -> None:
    person = {"email": "paula.person@example.com", "full_name": "Paula Person"}
    paula = anyone.register(**person)
    placed = paula.order((admin.add_product(), 1))
    confirmed = paula.order_once(placed["id"], "confirmed")
    user, order = f"/api/v1/users/{paula.user['id']}", f"/api/v1/orders/{placed['id']}"
    eventually(lambda: paula.notifications_of(placed["id"]), lambda told: len(told) == 2)
    stranger = anyone.register()
    assert code(stranger.delete(user, params={"erase": "true"})) == "user-not-found"
    assert code(paula.delete(user, params={"erase": "yes"})) == "invalid-request"
    erased = paula.delete(user, params={"erase": "true"})
    assert (erased.status_code, erased.json()) == (200, {"deactivated": True, "erased": True})
    assert code(paula.get("/api/v1/users/me")) == "unauthenticated"
    assert admin.get(user).json()["full_name"] == "Erased"
    now = eventually(lambda: admin.get(order).json(), lambda o: o["user_name"] == "Erased")
    figures = ("status", "items", "total_amount", "currency", "created_at", "user_id")
    assert [now[name] for name in figures] == [confirmed[name] for name in figures]
    history = admin.get(f"{order}/events").json()["events"]
    assert [event["type"] for event in history] == [
        "order.placed",
        "order.confirmed",
        "user.erased",
    ]
    theirs = {"user_id": paula.user["id"]}
    told = eventually(
        lambda: admin.get("/api/v1/notifications", params=theirs).json()["notifications"],
        lambda found: {(n["subject"], n["body"]) for n in found} == {("Erased", "Erased")},
    )
    assert [n["status"] for n in told] == ["sent"] * 3
    tables = {name: cloud.physical_id(name) for name in TABLES}

    def telling() -> list[str]:
        everything = read(cloud.client("dynamodb"), tables, []).everything
        return [item["pk"] for item in everything if any(p in repr(item) for p in person.values())]

    eventually(telling, lambda found: not found)
    assert admin.delete(user, params={"erase": "true"}).json()["erased"] is True
    assert code(admin.put(user, {"is_active": True})) == "account-erased"
    # The address is free again, and whoever has it now is a stranger.
    again = anyone.register(**person)
    assert code(again.get(order)) == "order-not-found"

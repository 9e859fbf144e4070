"""This release works beside parts of items and events that only a later release knows, and keeps
them: a rollback loses nothing."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.crashes.scenarios import SCENARIOS
from tests.releases.future import LaterTable
from tests.simulation.journeys import JOURNEYS
from tests.simulation.shop import SimulatedShop, opened
from tests.support.invariants import breaches


@pytest.fixture
def later() -> Iterator[tuple[SimulatedShop, dict[str, LaterTable]]]:
    """A shop whose items a later release has written."""
    with opened() as shop:
        dynamodb = shop.cloud.dynamodb
        tables = {name: LaterTable(table) for name, table in dynamodb.tables.items()}
        dynamodb.tables |= tables
        yield shop, tables


def test_writes_keep_the_attributes_of_a_later_release(
    later: tuple[SimulatedShop, dict[str, LaterTable]],
) -> None:
    shop, tables = later
    restore = shop.remember()
    lost: set[tuple[str, str, str]] = set()

    def look(flow: str) -> None:
        shop.come_to_rest()
        assert not breaches(shop.books(), shop.witness), flow
        for name, table in tables.items():
            lost.update((name, pk.partition("#")[0], sk.partition("#")[0]) for pk, sk in table.lost)

    for name, journey in JOURNEYS.items():
        restore()
        journey(shop)
        look(name)
    for scenario in SCENARIOS:
        restore()
        scenario.act(shop, scenario.prepare(shop))
        look(scenario.name)
    assert lost == set()


def test_workers_ignore_events_of_an_unknown_type(
    later: tuple[SimulatedShop, dict[str, LaterTable]],
) -> None:
    shop, _ = later
    order = shop.customer.order((shop.tray, 1))
    shop.come_to_rest()
    before = shop.books()
    event = {
        "id": f"{order['id']}.99",
        "type": "order.reshelved",
        "aggregate_id": order["id"],
        "version": 99,
        "at": "2026-11-20T12:00:00.000Z",
        "request_id": "r",
        "data": {"of_a_later_release": True},
        "of_a_later_release": {},
    }
    for queue in ("CheckoutQueue", "NotificationsQueue"):
        shop.cloud.put(queue, json.dumps(event))
    shop.come_to_rest()
    assert shop.books() == before
    for queue in ("CheckoutDeadLetters", "NotificationsDeadLetters"):
        assert not shop.cloud.queues[queue].messages


def test_an_order_of_a_later_schema_is_not_changed_and_stops_no_other() -> None:
    with opened() as shop:
        orders = shop.cloud.dynamodb.tables["OrdersTable"]
        placed = [shop.customer.order((shop.tray, 1), key=key) for key in "abc"]
        # Whatever is done for them now is the sweepers' work as well.
        with shop.refusing("sns.PublishBatch"):
            shop.settle()
        shop.forget_deliveries()
        key = (f"ORDER#{placed[1]['id']}", "ORDER")
        orders.items[key] = later = {**orders.items[key], "schema": {"N": "2"}}
        for _ in range(5):
            shop.pass_time(timedelta(minutes=1))
            for sweeper in ("OrdersSweeper", "ProductsSweeper"):
                shop.tick(sweeper)
            shop.settle()
        answers = [shop.customer.get(f"/api/v1/orders/{order['id']}") for order in placed]
        assert [answer.status_code for answer in answers] == [200, 503, 200]
        assert answers[1].headers["Retry-After"] == "5"
        assert [answers[place].json()["status"] for place in (0, 2)] == ["confirmed"] * 2
        unchanged = {**orders.items[key], "due_at": later["due_at"]}
        assert unchanged == later


def test_an_order_with_an_unknown_status_and_reason_is_shown() -> None:
    with opened() as shop:
        order = shop.customer.order((shop.tray, 1))
        shop.come_to_rest()
        items = shop.cloud.dynamodb.tables["OrdersTable"].items
        key = (f"ORDER#{order['id']}", "ORDER")
        later = {"status": {"S": "returned"}, "cancel_reason": {"S": "too_late"}}
        items[key] = {**items[key], **later}
        shown = shop.customer.get(f"/api/v1/orders/{order['id']}").json()
        assert (shown["status"], shown["cancel_reason"]) == ("returned", "too_late")
        assert shop.customer.get("/api/v1/orders").json()["orders"] == [shown]
        refused = shop.customer.post(f"/api/v1/orders/{order['id']}/cancel")
        assert refused.status_code == 409


def test_a_history_with_unknown_entries_is_shown_and_erased() -> None:
    with opened() as shop:
        order = shop.customer.order((shop.tray, 1))
        shop.come_to_rest()
        orders = shop.cloud.dynamodb.tables["OrdersTable"].items
        pk = f"ORDER#{order['id']}"
        stored = orders[pk, "EVENT#0000000001"]
        event = stored["event"]["M"]

        def add(version: int, changed: Mapping[str, Any]) -> None:
            sk = f"EVENT#{version:010}"
            numbered = {"M": {**changed, "version": {"N": str(version)}}}
            orders[pk, sk] = {**stored, "sk": {"S": sk}, "event": numbered}

        name = {"user_name": event["data"]["M"]["user_name"]}
        add(3, {**event, "type": {"S": "order.reshelved"}})
        add(4, {**event, "type": {"S": "order.weighed"}, "data": {"M": name}})
        add(5, {"type": {"S": "order.placed"}, "data": {"M": name}})
        add(6, {**event, "type": {"S": "order.packed"}})
        orders[pk, "ORDER"] = {**orders[pk, "ORDER"], "version": {"N": "6"}}
        shown, cursor = [], ""
        while cursor is not None:
            query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = shop.customer.get(f"/api/v1/orders/{order['id']}/events", params=query).json()
            assert page["count"] == len(page["events"])
            shown += [event["type"] for event in page["events"]]
            cursor = page["next_cursor"]
        assert shown == ["order.placed", "order.confirmed", "order.reshelved", "order.packed"]
        path = f"/api/v1/users/{shop.customer.user['id']}"
        assert shop.admin.delete(path, params={"erase": "true"}).is_success
        shop.come_to_rest()
        assert "Carla Customer" not in str(list(orders.values()))

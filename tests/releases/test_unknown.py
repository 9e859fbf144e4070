"""This release works beside parts of items and events that only a later release knows, and keeps them: a rollback loses nothing."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.crashes.scenarios import SCENARIOS
from tests.releases.future import LaterTable
from tests.simulation.journeys import JOURNEYS
from tests.simulation.stage import Stage, opened
from tests.support.invariants import breaches

CONFIRMED: Final = {"S": "order.confirmed"}


@pytest.fixture
def later() -> Iterator[tuple[Stage, dict[str, LaterTable]]]:
    """A stage whose items a later release has written."""
    with opened() as stage:
        dynamodb = stage.town.cloud.dynamodb
        tables = {name: LaterTable(table) for name, table in dynamodb.tables.items()}
        dynamodb.tables |= tables
        yield stage, tables


def test_no_write_takes_away_what_a_later_release_has_added(
    later: tuple[Stage, dict[str, LaterTable]],
) -> None:
    stage, tables = later
    restore = stage.remember()
    lost: set[tuple[str, str, str]] = set()

    def look(flow: str) -> None:
        stage.town.come_to_rest()
        assert not breaches(stage.town.books(), stage.witness), flow
        for name, table in tables.items():
            lost.update((name, pk.partition("#")[0], sk.partition("#")[0]) for pk, sk in table.lost)

    for name, journey in JOURNEYS.items():
        restore()
        journey(stage)
        look(name)
    for scenario in SCENARIOS:
        restore()
        scenario.act(stage, scenario.prepare(stage))
        look(scenario.name)
    assert lost == set()


def test_workers_ignore_events_of_an_unknown_type(
    later: tuple[Stage, dict[str, LaterTable]],
) -> None:
    stage, _ = later
    order = stage.customer.order((stage.tray, 1))
    stage.town.come_to_rest()
    before = stage.town.books()
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
        stage.town.cloud.put(queue, json.dumps(event))
    stage.town.come_to_rest()
    assert stage.town.books() == before
    for queue in ("CheckoutDeadLetters", "NotificationsDeadLetters"):
        assert not stage.town.cloud.queues[queue].messages


def test_an_order_of_a_later_schema_is_left_alone_and_stops_no_other() -> None:
    with opened() as stage:
        town, orders = stage.town, stage.town.cloud.dynamodb.tables["OrdersTable"]
        placed = [stage.customer.order((stage.tray, 1), key=key) for key in "abc"]
        # Whatever is done for them now is the sweepers' work as well.
        with town.refusing("sns.PublishBatch"):
            town.settle()
        town.forget_deliveries()
        key = (f"ORDER#{placed[1]['id']}", "ORDER")
        orders.items[key] = later = {**orders.items[key], "schema": {"N": "2"}}
        for _ in range(5):
            town.pass_time(timedelta(minutes=1))
            for sweeper in ("OrdersSweeper", "ProductsSweeper"):
                town.tick(sweeper)
            town.settle()
        answers = [stage.customer.get(f"/api/v1/orders/{order['id']}") for order in placed]
        assert [answer.status_code for answer in answers] == [200, 503, 200]
        assert answers[1].headers["Retry-After"] == "5"
        assert [answers[place].json()["status"] for place in (0, 2)] == ["confirmed"] * 2
        unchanged = {**orders.items[key], "due_at": later["due_at"]}
        assert unchanged == later


def test_a_history_and_a_mailbox_with_unknown_entries_are_shown_and_erased() -> None:
    with opened() as stage:
        town = stage.town
        order = stage.customer.order((stage.tray, 1))
        town.come_to_rest()
        orders = town.cloud.dynamodb.tables["OrdersTable"]
        pk = f"ORDER#{order['id']}"
        stored = orders.items[pk, "EVENT#0000000001"]
        event = stored["event"]["M"]

        def add(version: int, changed: Mapping[str, Any]) -> None:
            key = pk, f"EVENT#{version:010}"
            number = {"version": {"N": str(version)}}
            orders.items[key] = {
                **stored,
                "sk": {"S": key[1]},
                "event": {"M": {**changed, **number}},
            }

        name = {"user_name": event["data"]["M"]["user_name"]}
        add(3, {**event, "type": {"S": "order.reshelved"}})
        add(4, {**event, "type": {"S": "order.weighed"}, "data": {"M": name}})
        add(5, {"type": {"S": "order.placed"}, "data": {"M": name}})
        add(6, {**event, "type": {"S": "order.packed"}})
        placed = orders.items[pk, "ORDER"]
        orders.items[pk, "ORDER"] = {**placed, "version": {"N": "6"}}
        shown, cursor = [], ""
        while cursor is not None:
            page = stage.customer.get(
                f"/api/v1/orders/{order['id']}/events",
                params={"limit": 2, **({"cursor": cursor} if cursor else {})},
            ).json()
            assert page["count"] == len(page["events"])
            shown += [told["type"] for told in page["events"]]
            cursor = page["next_cursor"]
        assert shown == ["order.placed", "order.confirmed", "order.reshelved", "order.packed"]
        mail = town.cloud.dynamodb.tables["NotificationsTable"]
        [told] = [item for item in mail.items.values() if item.get("type") == CONFIRMED]
        mail.items[told["pk"]["S"], told["sk"]["S"]] = {**told, "type": {"S": "order.reshelved"}}
        listed = stage.customer.get("/api/v1/notifications").json()["notifications"]
        assert "order.reshelved" in [notification["type"] for notification in listed]
        erased = stage.admin.delete(
            f"/api/v1/users/{stage.customer.user['id']}", params={"erase": "true"}
        )
        assert erased.is_success
        town.come_to_rest()
        assert "Carla Customer" not in str(list(orders.items.values()))

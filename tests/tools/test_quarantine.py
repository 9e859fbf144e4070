"""`make dlq`: events that a relay quarantined are listed with the reason, shown, and released to the sweeper."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from shared.messaging import outbox
from shared.messaging.outbox import Relay
from shared.storage.dynamodb import Item, Table
from tests.shared.test_outbox import TOPIC, FakeTopic
from tests.support.aws import make_table
from tests.support.context import a_deadline
from tools.dlq import commands
from tools.dlq.commands import Desk
from tools.dlq.quarantine import QuarantinedEvents, quarantines_of

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

ID = "a.12"
AT = "2020-01-02T12:00:00.000Z"
KEY = {"pk": "ORDER#a", "sk": outbox.sort_key(12)}


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


@pytest.fixture
def relay(table: Table) -> Relay:
    return Relay(table, cast("SNSClient", FakeTopic()), TOPIC)


@pytest.fixture
def quarantine(table: Table, relay: Relay) -> QuarantinedEvents:
    """Two events that are not valid, which a sweep has found."""
    for key in (KEY, {"pk": "ORDER#b", "sk": outbox.sort_key(1)}):
        event = {"type": "order.placed", "id": ID, "data": {"email": "ada@example.com"}}
        table.put({**key, "at": AT, "unsent": "3", "event": event})
    relay.sweep(a_deadline())
    return quarantines_of(table.client, {"OrdersTableName": table.name})["orders-events"]


def a_desk(quarantine: QuarantinedEvents) -> Desk:
    return Desk({"orders-events": quarantine}, "the shop", " PORT=3100", lambda _: "y")


def item(table: Table) -> Item:
    found = table.get(KEY)
    assert found
    return found


def test_quarantined_events_are_listed_with_the_reason(
    quarantine: QuarantinedEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.list_all(a_desk(quarantine))
    said = capsys.readouterr().out
    assert "orders-events       2  the oldest for" in said
    assert "make dlq ACTION=show QUEUE=orders-events PORT=3100" in said
    commands.show(a_desk(quarantine), quarantine, limit=10, only=None)
    said = capsys.readouterr().out
    assert f"id        {ID}" in said
    assert "since     2020-01-02 12:00:00 UTC" in said
    assert "event     order.placed  a.12" in said
    assert "reason    ValidationError: aggregate_id missing" in said
    assert "make dlq ACTION=redrive QUEUE=orders-events PORT=3100" in said
    assert "ada@example.com" not in said
    commands.show(a_desk(quarantine), quarantine, limit=10, only=ID)
    assert "ada@example.com" in capsys.readouterr().out


def test_one_event_is_released_and_published_once_it_is_valid(
    quarantine: QuarantinedEvents, relay: Relay, table: Table
) -> None:
    commands.redrive(a_desk(quarantine), quarantine, only=ID, agreed=True)
    assert item(table)["unsent"] != outbox.QUARANTINE
    assert "reason" not in item(table)
    assert quarantine.count() == 1
    # The release that knows such events is simulated by a valid one.
    valid = outbox.event("order.placed", aggregate_id="a", version=12, at=AT, data={})
    table.update(KEY, "SET #event = :event", values={"event": valid.model_dump()})
    assert relay.sweep(a_deadline()) == 1
    assert "unsent" not in item(table)


def test_an_event_that_is_still_not_valid_comes_back(
    quarantine: QuarantinedEvents, relay: Relay
) -> None:
    commands.redrive(a_desk(quarantine), quarantine, only=None, agreed=True)
    assert quarantine.count() == 0
    relay.sweep(a_deadline())
    assert {letter.id for letter in quarantine.peek(10)} == {ID, "b.1"}


def test_an_event_that_is_given_up_stays_in_the_history_unpublished(
    quarantine: QuarantinedEvents, relay: Relay, table: Table
) -> None:
    desk = replace(a_desk(quarantine), ask=lambda _: "orders-events")
    before = item(table)
    commands.purge(desk, quarantine, only=ID)
    assert quarantine.count() == 1
    assert relay.sweep(a_deadline()) == 0
    assert item(table) == {name: before[name] for name in before if name != "unsent"}

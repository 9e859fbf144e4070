"""Events are written with their change, published at least once, and kept as the history (the table
on moto)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.messaging.outbox import Relay
from shared.runtime import clock, context, metrics
from shared.storage.dynamodb import Item, Table, TransactionFailed, to_wire
from tests.shared.messaging.topic import LARGEST_BYTES, TOPIC, FakeTopic, client_error
from tests.support.aws import make_table
from tests.support.context import a_deadline


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


class Outbox:
    """A table, a topic, and the relay between them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.topic = FakeTopic()
        self._relay = Relay(table, self.topic.client(), TOPIC)

    def write(self, *names: str, minutes_ago: int = 0, text: str = "") -> list[Item]:
        """An event of each aggregate."""
        return [self.record(an_event(n, minutes_ago=minutes_ago, text=text)) for n in names]

    def record(self, fact: Event) -> Item:
        pk = f"THING#{fact.aggregate_id}"
        self.table.transact([outbox.recording(pk, fact)])
        item = self.table.get({"pk": pk, "sk": outbox.sort_key(fact.version)})
        assert item
        return item

    def write_as_another_release(self, name: str, /, **members: Any) -> Item:
        """An event item with these members in its event; `...` leaves one out."""
        fact = an_event(name, minutes_ago=2).model_dump(mode="json")
        event = {member: value for member, value in (fact | members).items() if value is not ...}
        key = {"pk": f"THING#{name}", "sk": outbox.sort_key(1)}
        item = {**key, "at": fact["at"], "unsent": "0", "event": event}
        self.table.put(item)
        return item

    def relay(self, items: Sequence[Item], deadline: Deadline | None = None) -> list[int]:
        """Relay the stream's batch of new items; return the places of those that were not
        published."""
        records = [
            {"eventName": "INSERT", "dynamodb": {"NewImage": to_wire(i), "SequenceNumber": str(n)}}
            for n, i in enumerate(items)
        ]
        answer = self._relay.relay({"Records": records}, deadline or a_deadline())
        return [int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def sweep(self) -> int:
        return self._relay.sweep(a_deadline())

    def unsent(self, items: Sequence[Item]) -> list[int]:
        """The places of those that are still to be published."""
        stored = [self.table.get({"pk": item["pk"], "sk": item["sk"]}) for item in items]
        assert [item and item["event"] for item in stored] == [item["event"] for item in items]
        return [place for place, item in enumerate(stored) if item and "unsent" in item]

    def reason(self, item: Item) -> str | None:
        """Why it is in quarantine; None if it is not."""
        stored = self.table.get({"pk": item["pk"], "sk": item["sk"]})
        assert stored
        assert (stored.get("unsent") == outbox.QUARANTINE) == ("reason" in stored)
        return stored.get("reason")


@pytest.fixture
def box(table: Table) -> Outbox:
    return Outbox(table)


def an_event(
    aggregate_id: str = "a", version: int = 1, *, minutes_ago: int = 0, text: str = ""
) -> Event:
    return outbox.event(
        "order.placed",
        aggregate_id=aggregate_id,
        version=version,
        at=clock.rfc3339(clock.now() - timedelta(minutes=minutes_ago)),
        data={"version": version, "text": text},
    )


def test_event_has_the_id_of_its_version_and_one_item(box: Outbox) -> None:
    context.begin("request-5")
    fact = an_event("a", 3)
    assert (fact.id, fact.request_id) == ("a.3", "request-5")
    box.record(fact)
    with pytest.raises(TransactionFailed):
        box.record(fact)


def test_history_has_an_aggregates_events_oldest_first(box: Outbox, table: Table) -> None:
    facts = [an_event(version=version) for version in (1, 3, 4, 10)]
    for fact in (*facts, an_event("another")):
        box.record(fact)
    # Neither is an event to this release.
    table.put({"pk": "THING#a", "sk": outbox.sort_key(2), "at": "2020", "event": {"type": "new"}})
    table.put({"pk": "THING#a", "sk": outbox.sort_key(5), "at": "2020", "event": "?"})
    assert outbox.history(table, "THING#a") == (facts, None)
    first, last = outbox.history(table, "THING#a", limit=2)
    assert first == facts[:2]
    assert outbox.history(table, "THING#a", limit=9, start=last) == (facts[2:], None)
    after_first = {"pk": "THING#a", "sk": outbox.sort_key(1)}
    assert outbox.history(table, "THING#a", start=after_first)[0] == facts[1:]


def test_erasure_rewrites_a_history_and_loses_nothing_else(box: Outbox, table: Table) -> None:
    instead = {"full_name": "(erased)", "email": "erased@example.com"}
    personal = {"full_name": "Ada", "weight": Decimal("1.5")}
    valid = box.write_as_another_release("a", type="thing.reshelved", cause="b.1", data=personal)
    invalid = {**valid, "sk": outbox.sort_key(2), "event": {"data": {"email": "ada@example.com"}}}
    broken = {**valid, "sk": outbox.sort_key(3), "event": {"data": "?"}}
    empty = {"pk": valid["pk"], "sk": outbox.sort_key(4)}
    later = {**invalid, "sk": outbox.sort_key(6)}
    for item in (invalid, broken, empty, later):
        table.put(item)
    table.transact(outbox.rewriting(table, "THING#a", instead, up_to=5))
    assert table.query("#pk = :pk", {"pk": valid["pk"]}).items == [
        {**valid, "event": {**valid["event"], "data": {**personal, "full_name": "(erased)"}}},
        {**invalid, "event": {"data": {"email": "erased@example.com"}}},
        broken,
        empty,
        later,
    ]


def test_relay_publishes_in_order_ten_at_a_time_and_removes_the_marks(box: Outbox) -> None:
    facts = [an_event("ab"[number % 2], 1 + number // 2) for number in range(25)]
    items = [box.record(fact) for fact in facts]
    assert box.unsent(items) == list(range(25))
    assert box.relay(items) == []
    assert box.topic.events == facts
    assert box.topic.types[0] == {"type": {"DataType": "String", "StringValue": "order.placed"}}
    assert box.topic.batches == [10, 10, 5]
    assert box.unsent(items) == []


def test_relay_ignores_what_is_no_unsent_event(box: Outbox, table: Table) -> None:
    [item] = box.write("a")
    sent = {name: value for name, value in item.items() if name != "unsent"}
    assert box.relay([{"pk": "THING#a", "sk": "THING"}, sent]) == []
    removed = {"Records": [{"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "9"}}]}
    relay = Relay(table, box.topic.client(), TOPIC)
    assert relay.relay(removed, a_deadline()) == {"batchItemFailures": []}
    assert box.topic.events == []


def test_batch_is_no_larger_than_the_topic_takes(box: Outbox) -> None:
    items = box.write(*"abcdefg", text="é" * 40_000)  # two bytes a letter
    assert box.relay(items) == []
    assert box.topic.batches == [3, 3, 1]


def test_relay_publishes_events_of_a_later_release_with_all_members(
    box: Outbox, table: Table
) -> None:
    data = {"weight": Decimal("1.5"), "where": ["é", {"shelf": 3}], "nothing": None}
    item = box.write_as_another_release("a", type="thing.reshelved", cause="b.1", data=data)
    assert box.relay([item]) == []
    assert json.loads(box.topic.texts[0]) == {
        **item["event"],
        "data": {"weight": 1.5, "where": ["é", {"shelf": 3}], "nothing": None},
    }
    assert box.topic.types[0]["type"]["StringValue"] == "thing.reshelved"
    assert box.unsent([item]) == []
    later = Outbox(Table(table.name, table.client, schema=2))
    later.write_as_another_release("b")
    box.sweep()
    assert box.topic.aggregates == ["a", "b"]


INVALID: dict[str, dict[str, Any]] = {
    "ValidationError: aggregate_id missing": {"aggregate_id": ...},
    "ValidationError: version int_parsing": {"version": "ada@example.com"},
    "ValidationError: schema_version less_than_equal": {"schema_version": 2},
    "TypeError at shared.messaging.outbox:": {"data": {"raw": b"ada@example.com"}},
    "_TooLarge: the event has 2": {"data": {"text": "x" * LARGEST_BYTES}},
}


@pytest.mark.parametrize("reason", INVALID)
@pytest.mark.parametrize("by", ["stream", "sweeper"])
def test_invalid_event_is_quarantined_alone(box: Outbox, reason: str, by: str) -> None:
    bad = box.write_as_another_release("bad", **INVALID[reason])
    good = box.write("a", "b", minutes_ago=2)
    if by == "stream":
        assert box.relay([good[0], bad, good[1]]) == []
    else:
        box.sweep()
    assert sorted(box.topic.aggregates) == ["a", "b"]
    written = box.reason(bad)
    assert written
    assert reason in written
    assert "ada@example.com" not in written
    assert box.sweep() == 0


def test_item_without_an_event_is_quarantined(box: Outbox, table: Table) -> None:
    key = {"pk": "THING#a", "sk": outbox.sort_key(1)}
    table.put({**key, "at": "2020", "unsent": "0"})
    box.sweep()
    assert box.reason(key)


REFUSED_EVENT = {"Code": "InvalidParameter", "SenderFault": True}
NO_PERMISSION = {"Code": "AuthorizationError", "SenderFault": True}
KEY_DISABLED = {"Code": "KMSDisabled", "SenderFault": True}
FAULT_OF_SNS = {"Code": "InternalError", "SenderFault": False}


@pytest.mark.parametrize("refusal", [REFUSED_EVENT, NO_PERMISSION, KEY_DISABLED, FAULT_OF_SNS])
def test_refused_event_is_retried_unless_it_is_at_fault_itself(
    box: Outbox, refusal: dict[str, Any]
) -> None:
    items = box.write("a", "b", "c")
    box.topic.refused, box.topic.refusal = {"b"}, refusal
    is_at_fault = refusal is REFUSED_EVENT
    assert box.relay(items) == ([] if is_at_fault else [1])
    assert box.unsent(items) == [1]  # the mark of a quarantined event is another one
    reasons = [box.reason(item) for item in items]
    assert reasons == [
        None,
        "the topic refuses it: InvalidParameter" if is_at_fault else None,
        None,
    ]


def test_one_event_at_fault_does_not_quarantine_its_batch(box: Outbox) -> None:
    items = box.write(*"abcdefghijkl")
    box.topic.broken, box.topic.failure = {"d"}, client_error("InvalidParameterValue")
    assert box.relay(items) == []
    assert box.topic.aggregates == list("abcefghijkl")
    assert [place for place, item in enumerate(items) if box.reason(item)] == [3]


UNREACHABLE = ReadTimeoutError(endpoint_url="aws")


@pytest.mark.parametrize(
    "failure",
    [client_error("InternalError"), EndpointConnectionError(endpoint_url="sns"), UNREACHABLE],
    ids=repr,
)
def test_batch_that_failed_does_not_stop_others(box: Outbox, failure: Exception) -> None:
    items = box.write(*"abcdefghijkl")
    box.topic.broken, box.topic.failure = {"d"}, failure
    assert box.relay(items) == list(range(10))
    assert box.topic.aggregates == ["k", "l"]
    assert box.unsent(items) == list(range(10))


@pytest.mark.parametrize("is_valid", [True, False])
@pytest.mark.parametrize("failure", [client_error("Throttled"), UNREACHABLE], ids=repr)
def test_event_whose_mark_cannot_be_changed_is_retried_alone(
    box: Outbox, table: Table, failure: Exception, is_valid: bool
) -> None:
    items = [
        box.write_as_another_release("a", **{} if is_valid else {"version": ...}),
        *box.write("b"),
    ]
    failures = [failure]

    def fail_once(**_: object) -> None:
        if failures:
            raise failures.pop()

    table.client.meta.events.register("before-call.dynamodb.UpdateItem", fail_once)
    assert box.relay(items) == [0]
    assert box.unsent(items) == [0]
    assert box.reason(items[0]) is None


def test_relay_starts_nothing_without_the_time_to_finish_it(box: Outbox) -> None:
    box.topic.takes_seconds = 1
    deadline = Deadline(lambda: outbox.CALL_SECONDS + 1.5 - box.topic.seconds)
    items = box.write(*(f"{number:02}" for number in range(25)))
    # The second batch was published, but there was no time left to remove its marks.
    assert box.relay(items, deadline) == list(range(10, 25))
    assert box.topic.batches == [10, 10]
    assert box.unsent(items) == list(range(10, 25))


def test_relay_stops_after_three_failed_batches_in_a_row(box: Outbox) -> None:
    items = box.write(*(f"{number:02}" for number in range(60)))
    box.topic.broken = {"00", "10", "30", "40", "50"}
    assert len(box.relay(items)) == 50
    assert len(box.topic.batches) == 6
    box.topic.broken = {"00", "10", "20"}
    assert len(box.relay(items)) == 60
    assert len(box.topic.batches) == 9


def test_relay_does_not_bring_a_deleted_event_back(box: Outbox, table: Table) -> None:
    [item] = box.write("a")
    key = {"pk": item["pk"], "sk": item["sk"]}
    table.delete(key)
    assert box.relay([item]) == []
    assert box.topic.aggregates == ["a"]
    assert table.get(key) is None


def test_sweeper_publishes_what_was_unsent_for_over_a_minute(box: Outbox) -> None:
    old = box.write(*"abcdefgh", minutes_ago=2)  # in more than one shard
    fresh = box.write("z")
    box.topic.refused = {"a"}
    assert box.sweep() == 8
    assert sorted(box.topic.aggregates) == list("bcdefgh")
    assert box.unsent(old + fresh) == [0, 8]
    assert box.sweep() == 1


def test_sweeper_counts_quarantined_events(box: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    def counted() -> list[Any]:
        box.sweep()
        metrics.flush()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line["EventsQuarantined"] for line in lines if "EventsQuarantined" in line]

    metrics.flush()
    capsys.readouterr()
    assert counted() == [[0]]
    box.write_as_another_release("a", version=...)
    assert counted() == [[0, 1]]
    assert counted() == [[1]]

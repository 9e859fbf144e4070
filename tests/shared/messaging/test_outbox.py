"""Events are written with their change, published at least once, and kept as the history."""

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
from shared.messaging.publishing import CALL_SECONDS, QUARANTINE, Relay
from shared.runtime import clock, logging, metrics
from shared.storage.dynamodb import Item, Table, TransactionFailed, to_wire
from tests.shared.messaging.topic import LARGEST_BYTES, TOPIC, FakeTopic, client_error
from tests.support.aws import wired_table
from tests.support.context import a_deadline


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


def key(name: str, version: int = 1) -> dict[str, str]:
    return {"pk": f"THING#{name}", "sk": outbox.sort_key(version)}


class Outbox:
    """A table, a topic, and the relay between them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.topic = FakeTopic()
        self._relay = Relay(table, self.topic.client(), TOPIC)

    def item_of(self, fact: Event) -> Item:
        return outbox.recording(self.table, f"THING#{fact.aggregate_id}", fact).item

    def write(self, *names: str, minutes_ago: int = 0, text: str = "") -> list[Item]:
        """An event of each aggregate."""
        items = [self.item_of(an_event(n, minutes_ago=minutes_ago, text=text)) for n in names]
        for item in items:
            self.table.put(item)
        return items

    def write_as_another_release(self, name: str, /, **members: Any) -> Item:
        """An event item with these members in its event; `...` leaves one out."""
        fact = an_event(name, minutes_ago=2).model_dump(mode="json")
        event = {member: value for member, value in (fact | members).items() if value is not ...}
        item = {**key(name), "at": fact["at"], "unsent": "0", "event": event}
        self.table.put(item)
        return item

    def relay(self, items: Sequence[Item], deadline: Deadline | None = None) -> list[int]:
        """Relay the stream's batch of new items; return the places of those that were not
        published."""
        records = [
            {"eventName": "INSERT", "dynamodb": {"NewImage": to_wire(i), "SequenceNumber": str(n)}}
            for n, i in enumerate(items)
        ]
        removed = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "removed"}}
        answer = self._relay.relay({"Records": [removed, *records]}, deadline or a_deadline())
        return [int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def sweep(self) -> int:
        return self._relay.sweep(a_deadline())

    def unsent(self, items: Sequence[Item]) -> list[int]:
        """The places of those that are still to be published or in quarantine."""
        stored = [self.table.get({"pk": item["pk"], "sk": item["sk"]}) for item in items]
        assert [item and item["event"] for item in stored] == [item["event"] for item in items]
        return [place for place, item in enumerate(stored) if item and "unsent" in item]

    def reason(self, name: str) -> str | None:
        """Why it is in quarantine; None if it is not."""
        stored = self.table.get(key(name))
        assert stored
        assert (stored.get("unsent") == QUARANTINE) == ("reason" in stored)
        return stored.get("reason")


@pytest.fixture
def box() -> Outbox:
    return Outbox(wired_table("OrdersTable"))


def test_version_of_an_aggregate_has_one_event(box: Outbox) -> None:
    logging.begin("request-5")
    fact = an_event("a", 3)
    assert (fact.id, fact.request_id) == ("a.3", "request-5")
    box.table.transact([outbox.recording(box.table, "THING#a", fact)])
    for again in (outbox.recording(box.table, "THING#a", fact), outbox.noting("THING#a", fact)):
        with pytest.raises(TransactionFailed):
            box.table.transact([again])


def test_event_is_published_again_once_by_the_sweeper(box: Outbox) -> None:
    [item] = box.write("a", minutes_ago=2)
    assert box.relay([item]) == []
    for _ in range(2):
        outbox.repeat(box.table, "THING#a", 1)
        box.sweep()
    assert box.topic.aggregates == ["a", "a"]
    assert box.unsent([item]) == []
    # A missing event is not created.
    outbox.repeat(box.table, "THING#b", 1)
    assert box.table.get(key("b")) is None


def test_history_has_an_aggregates_events_oldest_first(box: Outbox) -> None:
    facts = [an_event(version=version) for version in (1, 3, 4, 10)]
    for fact in (*facts, an_event("another")):
        box.table.put(box.item_of(fact))
    # Neither is an event to this release.
    box.table.put({**key("a", 2), "at": "2020", "event": {"type": "new"}})
    box.table.put({**key("a", 5), "at": "2020", "event": "?"})
    assert list(outbox.history(box.table, "THING#a")) == facts
    assert list(outbox.history(box.table, "THING#a", after=3, page_size=1)) == facts[2:]


def test_erasure_rewrites_a_history_and_loses_nothing_else(box: Outbox) -> None:
    instead = {"full_name": "(erased)", "email": "erased@example.com"}
    personal = {"full_name": "Ada", "weight": Decimal("1.5")}
    valid = box.write_as_another_release("a", type="thing.reshelved", cause="b.1", data=personal)
    invalid = {**key("a", 2), "event": {"data": {"email": "ada@example.com"}}}
    broken = {**key("a", 3), "event": {"data": "?"}}
    empty = key("a", 4)
    later = {**invalid, **key("a", 6)}
    for item in (invalid, broken, empty, later):
        box.table.put(item)
    box.table.transact(outbox.rewriting(box.table, "THING#a", instead, up_to=5))
    assert box.table.query("#pk = :pk", {"pk": "THING#a"}).items == [
        {**valid, "event": {**valid["event"], "data": {**personal, "full_name": "(erased)"}}},
        {**invalid, "event": {"data": {"email": "erased@example.com"}}},
        broken,
        empty,
        later,
    ]


def test_relay_publishes_in_order_ten_at_a_time_and_removes_the_marks(box: Outbox) -> None:
    items = [box.item_of(an_event("ab"[number % 2], 1 + number // 2)) for number in range(12)]
    for item in items:
        box.table.put(item)
    no_event = {"pk": "THING#a", "sk": "THING"}
    sent = {name: value for name, value in items[0].items() if name != "unsent"}
    assert box.relay([no_event, sent, *items]) == []
    assert [fact.model_dump(mode="json") for fact in box.topic.events] == [
        item["event"] for item in items
    ]
    assert box.topic.published[0]["MessageAttributes"] == {
        "type": {"DataType": "String", "StringValue": "order.placed"}
    }
    assert box.topic.batches == [10, 2]
    assert box.unsent(items) == []


def test_batch_is_no_larger_than_the_topic_takes(box: Outbox) -> None:
    items = box.write(*"abcd", text="é" * 40_000)  # two bytes a letter
    assert box.relay(items) == []
    assert box.topic.batches == [3, 1]


def test_relay_publishes_events_of_a_later_release_with_all_members(box: Outbox) -> None:
    data = {"weight": Decimal("1.5"), "where": ["é", {"shelf": 3}], "nothing": None}
    item = box.write_as_another_release("a", type="thing.reshelved", cause="b.1", data=data)
    assert box.relay([item]) == []
    [published] = box.topic.published
    assert json.loads(published["Message"]) == {
        **item["event"],
        "data": {"weight": 1.5, "where": ["é", {"shelf": 3}], "nothing": None},
    }
    assert published["MessageAttributes"]["type"]["StringValue"] == "thing.reshelved"
    assert box.unsent([item]) == []
    later = Outbox(Table(box.table.name, box.table.client, schema=2))
    later.write_as_another_release("b")
    box.sweep()
    assert box.topic.aggregates == ["a", "b"]


@pytest.mark.parametrize(
    ("reason", "members"),
    [
        ("ValidationError: aggregate_id missing", {"aggregate_id": ...}),
        ("ValidationError: version int_parsing", {"version": "ada@example.com"}),
        ("ValidationError: schema_version less_than_equal", {"schema_version": 2}),
        ("TypeError at shared.messaging.publishing:", {"data": {"raw": b"ada@example.com"}}),
        ("_TooLarge: the event has 2", {"data": {"text": "x" * LARGEST_BYTES}}),
    ],
)
def test_invalid_event_is_quarantined_alone(
    box: Outbox, reason: str, members: dict[str, Any]
) -> None:
    bad = box.write_as_another_release("bad", **members)
    good = box.write("a", "b")
    assert box.relay([good[0], bad, good[1]]) == []
    assert box.topic.aggregates == ["a", "b"]
    written = box.reason("bad")
    assert written
    assert reason in written
    assert "ada@example.com" not in written
    assert box.sweep() == 0


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
    assert box.unsent(items) == [1]
    reason = "the topic refuses it: InvalidParameter" if is_at_fault else None
    assert [box.reason(name) for name in "abc"] == [None, reason, None]


def test_one_event_at_fault_does_not_quarantine_its_batch(box: Outbox) -> None:
    items = box.write(*"abcdefghijkl")
    box.topic.broken, box.topic.failure = {"d"}, client_error("InvalidParameterValue")
    assert box.relay(items) == []
    assert box.topic.aggregates == list("abcefghijkl")
    assert [name for name in "abcdefghijkl" if box.reason(name)] == ["d"]


@pytest.mark.parametrize(
    "failure",
    [client_error("InternalError"), EndpointConnectionError(endpoint_url="sns")],
    ids=repr,
)
def test_batch_that_failed_does_not_stop_others(box: Outbox, failure: Exception) -> None:
    items = box.write(*"abcdefghijkl")
    box.topic.broken, box.topic.failure = {"d"}, failure
    assert box.relay(items) == list(range(10))
    assert box.topic.aggregates == ["k", "l"]
    assert box.unsent(items) == list(range(10))


@pytest.mark.parametrize("is_valid", [True, False])
@pytest.mark.parametrize(
    "failure", [client_error("Throttled"), ReadTimeoutError(endpoint_url="aws")], ids=repr
)
def test_event_whose_mark_cannot_be_changed_is_retried_alone(
    box: Outbox, failure: Exception, is_valid: bool
) -> None:
    broken = {} if is_valid else {"version": ...}
    items = [box.write_as_another_release("a", **broken), *box.write("b")]
    failures = [failure]

    def fail_once(**_: object) -> None:
        if failures:
            raise failures.pop()

    box.table.client.meta.events.register("before-call.dynamodb.UpdateItem", fail_once)
    assert box.relay(items) == [0]
    assert box.unsent(items) == [0]
    assert box.reason("a") is None


def test_relay_starts_nothing_without_the_time_to_finish_it(box: Outbox) -> None:
    deadline = Deadline(lambda: CALL_SECONDS + 1.5 - len(box.topic.batches))
    items = box.write(*(f"{number:02}" for number in range(21)))
    # The second batch was published, but there was no time left to remove its marks.
    assert box.relay(items, deadline) == list(range(10, 21))
    assert box.topic.batches == [10, 10]
    assert box.unsent(items) == list(range(10, 21))


@pytest.mark.parametrize(
    ("broken", "unpublished", "batches"),
    [({"00", "10", "30", "40", "50"}, 50, 6), ({"00", "10", "20"}, 60, 3)],
)
def test_relay_stops_after_three_failed_batches_in_a_row(
    box: Outbox, broken: set[str], unpublished: int, batches: int
) -> None:
    box.topic.broken = broken
    assert len(box.relay([box.item_of(an_event(f"{n:02}")) for n in range(60)])) == unpublished
    assert len(box.topic.batches) == batches


def test_relay_does_not_bring_a_deleted_event_back(box: Outbox) -> None:
    assert box.relay([box.item_of(an_event("a"))]) == []
    assert box.topic.aggregates == ["a"]
    assert box.table.get(key("a")) is None


def test_sweeper_publishes_what_was_unsent_for_over_a_minute(box: Outbox) -> None:
    old = box.write(*"abcdefgh", minutes_ago=2)  # in more than one shard
    fresh = box.write("z")
    box.topic.refused = {"a"}
    assert box.sweep() == 8
    assert sorted(box.topic.aggregates) == list("bcdefgh")
    assert box.unsent(old + fresh) == [0, 8]
    assert box.sweep() == 1


def test_sweeper_quarantines_and_counts(box: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    def counted() -> list[Any]:
        box.sweep()
        metrics.flush()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line["EventsStuck"] for line in lines if "EventsStuck" in line]

    metrics.flush()
    capsys.readouterr()
    assert counted() == []
    box.table.put({**key("a"), "at": "2020", "unsent": "0"})  # without an event
    # One that a sweeper finds, and that it quarantines.
    assert counted() == [[1, 1]]
    assert box.reason("a")
    assert counted() == [[1]]

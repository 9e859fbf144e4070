"""Events leave with their change, are published at least once, and stay as the history (the table on moto)."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from shared.calls.deadline import Deadline
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.messaging.outbox import Relay
from shared.runtime import clock, context, metrics
from shared.storage.dynamodb import Item, Table, TransactionFailed, to_wire
from tests.support.aws import make_table
from tests.support.context import a_deadline

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

TOPIC = "arn:aws:sns:eu-west-1:123456789012:events"


LARGEST_BATCH, LARGEST_BYTES = 10, 262_144  # "PublishBatch", Amazon SNS API Reference


class FakeTopic:
    """Takes messages, but for those of the aggregates in `refused`; none of a batch with one of those in `broken`.

    Attributes:
        refusal: what it answers for each that it refuses.
        failure: what the client raises for a batch with one of those in `broken`.
    """

    def __init__(self) -> None:
        self.refusal: dict[str, Any] = {"Code": "InternalError", "SenderFault": False}
        self.failure: Exception = a_client_error("InternalError")
        self.texts: list[str] = []
        self.events: list[Event] = []
        self.attributes: list[Any] = []
        self.batches: list[int] = []
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        self.takes_seconds = 0.0
        self.seconds = 0.0

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: Any) -> Any:  # noqa: N803  # boto3's names
        assert TopicArn == TOPIC
        self.seconds += self.takes_seconds
        entries = PublishBatchRequestEntries
        self.batches.append(len(entries))
        facts = {entry["Id"]: Event.model_validate_json(entry["Message"]) for entry in entries}
        assert len(facts) == len(entries) <= LARGEST_BATCH
        if self.broken & {fact.aggregate_id for fact in facts.values()}:
            raise self.failure
        if sum(map(_bytes, entries)) > LARGEST_BYTES:
            raise a_client_error("BatchRequestTooLong")
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            fact = facts[entry["Id"]]
            if fact.aggregate_id in self.refused:
                answer["Failed"].append({"Id": entry["Id"], **self.refusal})
                continue
            self.texts.append(entry["Message"])
            self.events.append(fact)
            self.attributes.append(entry["MessageAttributes"])
            answer["Successful"].append({"Id": entry["Id"], "MessageId": "m"})
        return answer

    def client(self) -> "SNSClient":
        return cast("SNSClient", self)


def a_client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "PublishBatch")


def _bytes(entry: Any) -> int:
    """What SNS counts of a batch's entry."""
    texts = [entry["Message"]]
    for name, attribute in entry["MessageAttributes"].items():
        texts += [name, attribute["DataType"], attribute["StringValue"]]
    return len("".join(texts).encode())


@pytest.fixture
def topic() -> FakeTopic:
    return FakeTopic()


@pytest.fixture
def table(account: None) -> Table:
    return make_table("OrdersTable")


@pytest.fixture
def relay(table: Table, topic: FakeTopic) -> Relay:
    return Relay(table, topic.client(), TOPIC)


def an_event(
    aggregate_id: str = "a", version: int = 1, *, minutes_ago: int = 0, text: str = ""
) -> Event:
    at = clock.rfc3339(clock.now() - timedelta(minutes=minutes_ago))
    data = {"version": version, "text": text}
    return outbox.event(
        "order.placed", aggregate_id=aggregate_id, version=version, at=at, data=data
    )


def recorded(table: Table, fact: Event) -> Item:
    pk = f"THING#{fact.aggregate_id}"
    table.transact([outbox.recording(pk, fact)])
    item = table.get({"pk": pk, "sk": outbox.sort_key(fact.version)})
    assert item
    return item


def is_unsent(table: Table, item: Item) -> bool:
    now = table.get({"pk": item["pk"], "sk": item["sk"]})
    assert now
    assert now["event"] == item["event"]
    return "unsent" in now


def inserted(*items: Item) -> dict[str, Any]:
    """The stream's batch of new items, numbered from 100."""
    return {
        "Records": [
            {"eventName": "INSERT", "dynamodb": {"NewImage": to_wire(i), "SequenceNumber": str(n)}}
            for n, i in enumerate(items, start=100)
        ]
    }


def test_an_event_is_named_by_its_aggregate_and_version_under_the_request() -> None:
    context.begin("request-5")
    fact = an_event("a", 3)
    assert (fact.id, fact.request_id) == ("a.3", "request-5")


def test_a_version_has_one_event(table: Table) -> None:
    recorded(table, an_event())
    with pytest.raises(TransactionFailed):
        recorded(table, an_event())


def test_an_aggregate_s_events_are_its_history_oldest_first(table: Table) -> None:
    facts = [an_event(version=version) for version in (1, 2, 3, 10, 11)]
    for fact in facts:
        recorded(table, fact)
    recorded(table, an_event("another"))
    assert outbox.history(table, "THING#a") == (facts, None)


def test_a_history_goes_on_after_an_event(table: Table) -> None:
    facts = [an_event(version=version) for version in (1, 2, 3)]
    for fact in facts:
        recorded(table, fact)
    first, last = outbox.history(table, "THING#a", limit=2)
    assert first == facts[:2]
    assert outbox.history(table, "THING#a", start=last)[0] == facts[2:]
    after_first = {"pk": "THING#a", "sk": outbox.sort_key(1)}
    assert outbox.history(table, "THING#a", start=after_first)[0] == facts[1:]


def test_a_new_event_is_published_and_its_mark_taken_off(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    fact = an_event()
    item = recorded(table, fact)
    assert is_unsent(table, item)
    assert relay.relay(inserted(item), a_deadline()) == {"batchItemFailures": []}
    assert topic.events == [fact]
    attribute = {"DataType": "String", "StringValue": "order.placed"}
    assert topic.attributes == [{"type": attribute}]
    assert not is_unsent(table, item)


def test_what_is_no_unsent_event_is_passed_over(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    item = recorded(table, an_event())
    sent = {name: value for name, value in item.items() if name != "unsent"}
    batch = inserted({"pk": "THING#a", "sk": "THING"}, sent)
    batch["Records"].append({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "9"}})
    assert relay.relay(batch, a_deadline()) == {"batchItemFailures": []}
    assert topic.events == []


def test_an_event_that_the_topic_does_not_take_comes_again_alone(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    items = [recorded(table, an_event(name)) for name in ("a", "b", "c")]
    topic.refused = {"b"}
    assert relay.relay(inserted(*items), a_deadline()) == {
        "batchItemFailures": [{"itemIdentifier": "101"}]
    }
    assert [is_unsent(table, item) for item in items] == [False, True, False]


def test_events_are_published_in_their_order_ten_at_a_time(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    facts = [an_event("ab"[number % 2], 1 + number // 2) for number in range(25)]
    items = [recorded(table, fact) for fact in facts]
    assert relay.relay(inserted(*items), a_deadline()) == {"batchItemFailures": []}
    assert topic.events == facts
    assert topic.batches == [10, 10, 5]
    assert not any(is_unsent(table, item) for item in items)


def test_a_batch_that_is_not_taken_keeps_no_other_back(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    items = [recorded(table, an_event(str(number))) for number in range(12)]
    topic.broken = {"3"}
    answer = relay.relay(inserted(*items), a_deadline())
    assert [f["itemIdentifier"] for f in answer["batchItemFailures"]] == [
        str(100 + number) for number in range(10)
    ]
    assert [fact.aggregate_id for fact in topic.events] == ["10", "11"]
    assert [is_unsent(table, item) for item in items] == [True] * 10 + [False] * 2


def test_a_batch_is_no_larger_than_the_topic_takes(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    # Two bytes a letter.
    items = [recorded(table, an_event(str(number), text="é" * 40_000)) for number in range(7)]
    assert relay.relay(inserted(*items), a_deadline()) == {"batchItemFailures": []}
    assert topic.batches == [3, 3, 1]


def written(table: Table, name: str, /, **members: Any) -> Item:
    """An item as another release writes it."""
    fact = an_event(name, minutes_ago=2).model_dump(mode="json")
    event = {name: value for name, value in (fact | members).items() if value is not ...}
    key = {"pk": f"THING#{name}", "sk": outbox.sort_key(1)}
    item = {**key, "at": fact["at"], "unsent": "0", "event": event}
    table.put(item)
    return item


def test_an_event_of_an_unknown_type_is_published_with_all_its_members(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    data = {"weight": Decimal("1.5"), "where": ["é", {"shelf": 3}], "nothing": None}
    item = written(table, "a", type="thing.reshelved", cause="b.1", data=data)
    assert relay.relay(inserted(item), a_deadline()) == {"batchItemFailures": []}
    assert json.loads(topic.texts[0]) == {
        **item["event"],
        "data": {"weight": 1.5, "where": ["é", {"shelf": 3}], "nothing": None},
    }
    attribute = {"DataType": "String", "StringValue": "thing.reshelved"}
    assert topic.attributes == [{"type": attribute}]
    assert not is_unsent(table, item)


def test_an_event_item_of_a_later_schema_is_swept(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    written(Table(table.name, table.client, schema=2), "a")
    relay.sweep(a_deadline())
    assert [fact.aggregate_id for fact in topic.events] == ["a"]


INVALID: dict[str, dict[str, Any]] = {
    "ValidationError: aggregate_id missing": {"aggregate_id": ...},
    "ValidationError: version int_parsing": {"version": "ada@example.com"},
    "ValidationError: schema_version less_than_equal": {"schema_version": 2},
    "TypeError at shared.messaging.outbox:": {"data": {"raw": b"ada@example.com"}},
    "_TooLarge: the event has 2": {"data": {"text": "x" * LARGEST_BYTES}},
}


@pytest.mark.parametrize("reason", INVALID)
@pytest.mark.parametrize("by", ["stream", "sweeper"])
def test_an_invalid_event_is_quarantined_with_the_reason_and_keeps_no_other_back(
    relay: Relay, table: Table, topic: FakeTopic, reason: str, by: str
) -> None:
    bad = written(table, "bad", **INVALID[reason])
    good = [recorded(table, an_event(name, minutes_ago=2)) for name in ("a", "b")]
    if by == "stream":
        answer = relay.relay(inserted(good[0], bad, good[1]), a_deadline())
        assert answer == {"batchItemFailures": []}
    else:
        relay.sweep(a_deadline())
    assert sorted(fact.aggregate_id for fact in topic.events) == ["a", "b"]
    now = table.get({"pk": bad["pk"], "sk": bad["sk"]})
    assert now
    assert now["unsent"] == outbox.QUARANTINE
    assert reason in now["reason"]
    assert "ada@example.com" not in now["reason"]
    # It is left alone from now on.
    assert relay.sweep(a_deadline()) == 0


def test_an_item_without_an_event_is_quarantined(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    item = {"pk": "THING#a", "sk": outbox.sort_key(1), "at": "2020", "unsent": "0"}
    table.put(item)
    good = recorded(table, an_event(minutes_ago=2, version=2))
    relay.sweep(a_deadline())
    assert len(topic.events) == 1
    assert not is_unsent(table, good)
    assert table.get({"pk": "THING#a", "sk": item["sk"]})["unsent"] == outbox.QUARANTINE  # type: ignore[index]


def reason_at(table: Table, item: Item) -> str | None:
    now = table.get({"pk": item["pk"], "sk": item["sk"]})
    assert now
    assert (now.get("unsent") == outbox.QUARANTINE) == ("reason" in now)
    return now.get("reason")


def test_an_event_that_the_topic_refuses_for_its_own_fault_is_quarantined(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    items = [recorded(table, an_event(name)) for name in ("a", "b", "c")]
    topic.refused, topic.refusal = {"b"}, {"Code": "InvalidParameter", "SenderFault": True}
    assert relay.relay(inserted(*items), a_deadline()) == {"batchItemFailures": []}
    assert [reason_at(table, item) for item in items] == [
        None,
        "the topic refuses it: InvalidParameter",
        None,
    ]


@pytest.mark.parametrize("code", ["KMSDisabled", "AuthorizationError"])
def test_an_event_that_the_topic_refuses_for_the_fault_of_the_account_comes_again(
    relay: Relay, table: Table, topic: FakeTopic, code: str
) -> None:
    item = recorded(table, an_event())
    topic.refused, topic.refusal = {"a"}, {"Code": code, "SenderFault": True}
    assert len(relay.relay(inserted(item), a_deadline())["batchItemFailures"]) == 1
    assert reason_at(table, item) is None


def test_of_a_batch_that_the_topic_refuses_as_a_whole_only_the_event_at_fault_is_quarantined(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    items = [recorded(table, an_event(str(number))) for number in range(12)]
    topic.broken, topic.failure = {"3"}, a_client_error("InvalidParameterValue")
    assert relay.relay(inserted(*items), a_deadline()) == {"batchItemFailures": []}
    assert [fact.aggregate_id for fact in topic.events] == [str(n) for n in range(12) if n != 3]
    assert [place for place, item in enumerate(items) if reason_at(table, item)] == [3]


@pytest.mark.parametrize(
    "failure",
    [EndpointConnectionError(endpoint_url="sns"), ReadTimeoutError(endpoint_url="sns")],
    ids=repr,
)
def test_a_topic_that_cannot_be_reached_keeps_no_other_batch_back(
    relay: Relay, table: Table, topic: FakeTopic, failure: Exception
) -> None:
    items = [recorded(table, an_event(str(number))) for number in range(12)]
    topic.broken, topic.failure = {"3"}, failure
    assert len(relay.relay(inserted(*items), a_deadline())["batchItemFailures"]) == 10
    assert [fact.aggregate_id for fact in topic.events] == ["10", "11"]


@pytest.mark.parametrize("is_valid", [True, False])
@pytest.mark.parametrize(
    "failure", [a_client_error("Throttled"), ReadTimeoutError(endpoint_url="dynamodb")], ids=repr
)
def test_an_event_whose_mark_cannot_be_changed_comes_again_alone(
    relay: Relay, table: Table, topic: FakeTopic, failure: Exception, is_valid: bool
) -> None:
    first = written(table, "a", **{} if is_valid else {"version": ...})
    second = recorded(table, an_event("b"))
    calls = []

    def fail_once(**_: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise failure

    table.client.meta.events.register("before-call.dynamodb.UpdateItem", fail_once)
    assert relay.relay(inserted(first, second), a_deadline()) == {
        "batchItemFailures": [{"itemIdentifier": "100"}]
    }
    assert is_unsent(table, first)
    assert reason_at(table, first) is None
    assert not is_unsent(table, second)


def test_what_is_in_quarantine_is_counted_at_each_sweep(
    relay: Relay, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    def counted() -> list[Any]:
        relay.sweep(a_deadline())
        metrics.flush()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line["EventsQuarantined"] for line in lines if "EventsQuarantined" in line]

    metrics.flush()
    capsys.readouterr()
    assert counted() == [[0]]
    written(table, "a", version=...)
    assert counted() == [[0, 1]]
    assert counted() == [[1]]


def test_a_history_leaves_out_what_is_no_event_to_this_release(table: Table) -> None:
    facts = [recorded(table, an_event("a", version))["event"] for version in (1, 3, 4)]
    table.put({"pk": "THING#a", "sk": outbox.sort_key(2), "at": "2020", "event": {"type": "new"}})
    table.put({"pk": "THING#a", "sk": outbox.sort_key(5), "at": "2020", "event": "?"})
    shown, last = outbox.history(table, "THING#a", limit=2)
    assert [fact.model_dump() for fact in shown] == facts[:2]
    shown, last = outbox.history(table, "THING#a", limit=2, start=last)
    assert ([fact.model_dump() for fact in shown], last) == (facts[2:], None)


def test_a_history_is_rewritten_without_a_loss(table: Table) -> None:
    instead = {"full_name": "(erased)", "email": "erased@example.com"}
    personal = {"full_name": "Ada", "weight": Decimal("1.5")}
    valid = written(table, "a", type="thing.reshelved", cause="b.1", data=personal)
    invalid = {**valid, "sk": outbox.sort_key(2), "event": {"data": {"email": "ada@example.com"}}}
    broken = {**valid, "sk": outbox.sort_key(3), "event": {"data": "?"}}
    empty = {"pk": valid["pk"], "sk": outbox.sort_key(4)}
    later = {**invalid, "sk": outbox.sort_key(6)}
    for item in (invalid, broken, empty, later):
        table.put(item)
    table.transact(outbox.rewriting(table, "THING#a", instead, up_to=5))
    written_now = table.query("#pk = :pk", {"pk": valid["pk"]}).items
    assert written_now == [
        {**valid, "event": {**valid["event"], "data": {**personal, "full_name": "(erased)"}}},
        {**invalid, "event": {"data": {"email": "erased@example.com"}}},
        broken,
        empty,
        later,
    ]


def test_what_there_is_no_time_for_comes_again(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    topic.takes_seconds = 1
    deadline = Deadline(lambda: outbox.CALL_SECONDS + 1.5 - topic.seconds)
    items = [recorded(table, an_event(str(number))) for number in range(25)]
    answer = relay.relay(inserted(*items), deadline)
    # The second batch was taken, but its marks would be taken off too late.
    assert topic.batches == [10, 10]
    assert len(answer["batchItemFailures"]) == 15
    assert sum(is_unsent(table, item) for item in items) == 15


def test_the_relay_stops_after_three_batches_in_a_row_that_the_topic_did_not_take(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    items = [recorded(table, an_event(f"{number:02}")) for number in range(60)]
    topic.broken = {"00", "10", "30", "40", "50"}
    answer = relay.relay(inserted(*items), a_deadline())
    assert len(topic.batches) == 6
    topic.broken = {"00", "10", "20"}
    assert len(answer["batchItemFailures"]) == 50
    assert len(relay.relay(inserted(*items), a_deadline())["batchItemFailures"]) == 60
    assert len(topic.batches) == 9


def test_an_event_whose_item_is_gone_is_published_all_the_same(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    item = recorded(table, an_event())
    table.delete({"pk": item["pk"], "sk": item["sk"]})
    assert relay.relay(inserted(item), a_deadline()) == {"batchItemFailures": []}
    assert len(topic.events) == 1
    assert table.get({"pk": item["pk"], "sk": item["sk"]}) is None


def test_the_sweeper_publishes_what_stayed_unsent_for_over_a_minute(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    # So many that they hardly lie in one shard of the index.
    old = [recorded(table, an_event(name, minutes_ago=2)) for name in "abcdefgh"]
    fresh = recorded(table, an_event("z"))
    assert relay.sweep(a_deadline()) == 8
    assert sorted(fact.aggregate_id for fact in topic.events) == list("abcdefgh")
    assert not any(is_unsent(table, item) for item in old)
    assert is_unsent(table, fresh)
    assert relay.sweep(a_deadline()) == 0


def test_the_sweeper_leaves_the_mark_on_what_the_topic_does_not_take(
    relay: Relay, table: Table, topic: FakeTopic
) -> None:
    item = recorded(table, an_event("a", minutes_ago=2))
    topic.refused = {"a"}
    assert relay.sweep(a_deadline()) == 1
    assert is_unsent(table, item)

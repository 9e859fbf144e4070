"""DynamoDB as the repositories use it: on moto, and on a client that fails as told."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from shared.errors import ServiceUnavailable
from shared.storage.dynamodb import (
    Check,
    ConditionFailed,
    Delete,
    Item,
    NewerSchema,
    Put,
    Table,
    TransactionContended,
    TransactionFailed,
    Update,
    from_wire,
    to_wire,
)
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A = {"pk": "a", "sk": "a"}
B = {"pk": "b", "sk": "b"}


@pytest.fixture
def table(account: None) -> Table:
    return make_table("ProductsTable")


def test_items_are_plain_dicts_with_whole_numbers(table: Table) -> None:
    item = {**A, "n": 3, "yes": True, "none": None, "list": [1, {"x": 2}], "map": {"y": "z"}}
    table.put(item)
    found = table.get(A)
    assert found == item
    assert type(found["n"]) is int
    assert type(found["list"][1]["x"]) is int


def test_the_typed_form_is_a_stream_images(table: Table) -> None:
    item = {**A, "n": 3, "list": ["x"]}
    assert to_wire(item)["n"] == {"N": "3"}
    assert from_wire(to_wire(item)) == item


def test_nothing_is_none(table: Table) -> None:
    assert table.get(A) is None


def test_names_need_no_care(table: Table) -> None:
    table.put({**A, "name": "x", "status": "y", "size": 1})
    changed = table.update(
        A,
        "SET #status = :status, #size = #size + :more REMOVE #name",
        condition="#name = :name AND #status <> :status",
        values={"status": "z", "more": 2, "name": "x"},
    )
    assert changed == {**A, "status": "z", "size": 3}


def test_many_items_are_read_at_once_and_missing_ones_left_out(table: Table) -> None:
    table.put(A)
    table.put(B)
    found = table.get_many([A, B, {"pk": "c", "sk": "c"}], consistent=True)
    assert sorted(item["pk"] for item in found) == ["a", "b"]
    assert table.get_many([]) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda table: table.put({**A, "n": 2}, condition="attribute_not_exists(#pk)"),
        lambda table: table.update(A, "SET #n = :n", condition="#n > :n", values={"n": 2}),
        lambda table: table.delete(A, condition="#n > :n", values={"n": 2}),
    ],
)
def test_a_failed_condition_tells_what_was_there(
    table: Table, write: Callable[[Table], object]
) -> None:
    table.put({**A, "n": 1})
    with pytest.raises(ConditionFailed) as failed:
        write(table)
    assert failed.value.item == {**A, "n": 1}
    assert table.get(A) == {**A, "n": 1}


def test_a_failed_condition_on_nothing_tells_of_nothing(table: Table) -> None:
    with pytest.raises(ConditionFailed) as failed:
        table.update(A, "SET #n = :n", condition="attribute_exists(#pk)", values={"n": 1})
    assert failed.value.item is None


def test_a_query_goes_on_where_it_stopped_in_either_direction(table: Table) -> None:
    for n in range(5):
        table.put({"pk": "p", "sk": f"{n}", "even": n % 2 == 0})

    def sort_keys(**how: Any) -> list[str]:
        found: list[str] = []
        start: Item | None = None
        while True:
            page = table.query("#pk = :pk", {"pk": "p"}, limit=2, start=start, **how)
            assert len(page.items) <= 2
            found += [item["sk"] for item in page.items]
            start = page.last_key
            if start is None:
                return found

    assert sort_keys() == ["0", "1", "2", "3", "4"]
    assert sort_keys(forward=False, consistent=True) == ["4", "3", "2", "1", "0"]
    page = table.query("#pk = :pk", {"pk": "p", "yes": True}, filter="#even = :yes")
    assert [item["sk"] for item in page.items] == ["0", "2", "4"]


def test_an_index_is_queried_by_its_name(table: Table) -> None:
    table.put({**A, "due": "0", "expires_at": "2026"})
    page = table.query("#due = :due", {"due": "0"}, index="due")
    assert [item["pk"] for item in page.items] == ["a"]


def test_a_transaction_does_all(table: Table) -> None:
    table.put({**A, "n": 1})
    table.put({**B, "n": 1})
    table.put({"pk": "c", "sk": "c"})
    table.transact(
        [
            Put({"pk": "d", "sk": "d"}, condition="attribute_not_exists(#pk)"),
            Update(A, "SET #n = #n + :one", condition="#n = :one", values={"one": 1}),
            Check(B, "#n = :n", values={"n": 1}),
            Delete({"pk": "c", "sk": "c"}),
        ]
    )
    assert table.get(A) == {**A, "n": 2}
    assert table.get({"pk": "c", "sk": "c"}) is None
    assert table.get({"pk": "d", "sk": "d"}) is not None


def test_a_transaction_does_nothing_and_names_what_failed(table: Table) -> None:
    table.put({**A, "n": 1})
    with pytest.raises(TransactionFailed) as failed:
        table.transact(
            [
                Put({"pk": "d", "sk": "d"}),
                Update(A, "SET #n = :n", condition="#n > :n", values={"n": 2}),
                Update(B, "SET #n = :n", condition="attribute_exists(#pk)", values={"n": 2}),
            ]
        )
    assert failed.value.failed[1] == {**A, "n": 1}
    assert failed.value.failed.get(2) is None
    assert 0 not in failed.value.failed
    assert table.get({"pk": "d", "sk": "d"}) is None


# ── What moto cannot do ─────────────────────────────────────────────────────────────────────────────────────────────


def refusal(code: str, *reasons: str, call: str = "TransactWriteItems") -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "no"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(answer, call)


class FailingClient:
    """Gives the prepared answers one after another, and remembers what it was asked."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def _answer(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    transact_write_items = get_item = batch_get_item = put_item = _answer

    def table(self) -> Table:
        return Table("things", cast("DynamoDBClient", self))


CONFLICT = refusal("TransactionCanceledException", "None", "TransactionConflict")


@pytest.mark.parametrize(
    "passing",
    [
        CONFLICT,
        refusal("TransactionInProgressException"),
        refusal("TransactionCanceledException", "ThrottlingError"),
        refusal("TransactionCanceledException", "ProvisionedThroughputExceeded"),
    ],
)
def test_a_transaction_that_met_another_is_tried_again_under_its_token(
    passing: ClientError,
) -> None:
    client = FailingClient(passing, passing, {})
    client.table().transact([Put(A)])
    assert len(client.calls) == 3
    assert len({call["ClientRequestToken"] for call in client.calls}) == 1


def test_no_two_transactions_share_a_token() -> None:
    client = FailingClient({})
    for _ in range(2):
        client.table().transact([Put(A)])
    first, second = (call["ClientRequestToken"] for call in client.calls)
    assert first != second


def test_a_transaction_that_never_gets_through_gives_up() -> None:
    client = FailingClient(CONFLICT)
    with pytest.raises(TransactionContended) as gave_up:
        client.table().transact([Put(A)])
    assert len(client.calls) == 8
    assert isinstance(gave_up.value, ServiceUnavailable)
    assert gave_up.value.headers == {"Retry-After": "1"}


def test_a_failed_condition_counts_more_than_a_conflict() -> None:
    mixed = refusal("TransactionCanceledException", "TransactionConflict", "ConditionalCheckFailed")
    client = FailingClient(mixed)
    with pytest.raises(TransactionFailed) as failed:
        client.table().transact([Put(A), Put(B)])
    assert failed.value.failed == {1: None}
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        refusal("TransactionCanceledException", "ValidationError"),
        refusal("ValidationException"),
        refusal("IdempotentParameterMismatchException"),
        refusal("AccessDeniedException"),
    ],
)
def test_what_trying_again_cannot_mend_is_raised_at_once(error: ClientError) -> None:
    client = FailingClient(error)
    with pytest.raises(ClientError) as raised:
        client.table().transact([Put(A)])
    assert raised.value is error
    assert len(client.calls) == 1


BUSY = refusal("TransactionConflictException", call="PutItem")


def test_a_write_that_met_a_transaction_is_tried_again() -> None:
    client = FailingClient(BUSY, BUSY, {})
    client.table().put(A)
    assert len(client.calls) == 3


def test_a_write_that_never_gets_through_gives_up() -> None:
    client = FailingClient(BUSY)
    with pytest.raises(TransactionContended):
        client.table().put(A)
    assert len(client.calls) == 8


def test_a_write_that_fails_otherwise_is_no_failed_condition() -> None:
    error = refusal("ProvisionedThroughputExceededException", call="PutItem")
    with pytest.raises(ClientError):
        FailingClient(error).table().put(A, condition="attribute_not_exists(#pk)")


def test_an_item_is_read_as_it_was_written_last_unless_older_is_good_enough() -> None:
    client = FailingClient({"Item": to_wire(A)})
    client.table().get(A)
    client.table().get(A, consistent=False)
    assert [call["ConsistentRead"] for call in client.calls] == [True, False]


def batch(*found: dict[str, str], left: list[dict[str, str]] | None = None) -> dict[str, Any]:
    unread = {"things": {"Keys": [to_wire(key) for key in left]}} if left else {}
    return {
        "Responses": {"things": [to_wire(item) for item in found]},
        "UnprocessedKeys": unread,
    }


def test_an_item_of_a_later_schema_is_refused(table: Table) -> None:
    later = Table(table.name, table.client, schema=2)
    later.put({**A, "n": 1})
    assert later.get(A) == {**A, "n": 1}
    key = {"pk": "a"}
    reads: list[Callable[[], object]] = [
        lambda: table.get(A),
        lambda: table.get_many([A]),
        lambda: table.query("#pk = :pk", key),
        lambda: table.update(A, "SET #n = :n", values={"n": 2}),
        lambda: table.update(A, "SET #n = :n", condition="#n > :n", values={"n": 2}),
        lambda: table.put({**A}, condition="attribute_not_exists(#pk)"),
        lambda: table.delete(A, condition="#n > :n", values={"n": 2}),
        lambda: table.transact([Put(A, "attribute_not_exists(#pk)")]),
        lambda: table.transact([Check(A, "attribute_not_exists(#pk)")]),
    ]
    for read in reads:
        with pytest.raises(NewerSchema) as refusal:
            read()
        assert isinstance(refusal.value, ServiceUnavailable)
        assert refusal.value.headers == {"Retry-After": "5"}


def test_an_item_keeps_the_schema_that_wrote_it(table: Table) -> None:
    table.put(A)
    table.transact([Put(B)])
    for key in (A, B):
        stored = table.client.get_item(TableName=table.name, Key=to_wire(key))["Item"]
        assert stored["schema"] == {"N": "1"}
    # An index that projects less of an item shows no schema, and an update writes none.
    assert table.get(A, only=("pk",)) == {"pk": "a"}
    assert table.update({"pk": "c", "sk": "c"}, "SET #n = :n", values={"n": 1})["n"] == 1
    later = Table(table.name, table.client, schema=2)
    assert later.get_many([A, B])


def test_a_number_of_a_later_release_may_have_a_fraction(table: Table) -> None:
    table.put({**A, "n": Decimal("1.50")})
    assert table.get(A) == {**A, "n": Decimal("1.5")}


def test_keys_that_a_batch_skipped_are_asked_for_again() -> None:
    client = FailingClient(batch(A, left=[B]), batch(left=[B]), batch(B))
    assert client.table().get_many([A, B]) == [A, B]
    asked = [call["RequestItems"]["things"]["Keys"] for call in client.calls]
    assert asked == [[to_wire(A), to_wire(B)], [to_wire(B)], [to_wire(B)]]


def test_a_batch_that_is_never_read_whole_gives_up() -> None:
    with pytest.raises(TransactionContended):
        FailingClient(batch(left=[B])).table().get_many([A, B])

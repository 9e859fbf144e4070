"""DynamoDB as the repositories use it, and a client that fails in prepared ways."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from shared.errors import Contended, ServiceUnavailable
from shared.storage.dynamodb import (
    Check,
    ConditionFailed,
    Delete,
    NewerSchema,
    Operation,
    Put,
    Table,
    TransactionContended,
    TransactionFailed,
    Update,
    from_wire,
    to_wire,
)
from tests.support.aws import wired_table, wired_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A = {"pk": "a", "sk": "a"}
B = {"pk": "b", "sk": "b"}
C = {"pk": "c", "sk": "c"}
D = {"pk": "d", "sk": "d"}


@pytest.fixture
def table() -> Table:
    return wired_table("ProductsTable")


def test_item_is_a_plain_dict_with_exact_numbers(table: Table) -> None:
    item: dict[str, object] = {
        **A,
        "n": 3,
        "yes": True,
        "none": None,
        "list": [1, {"x": 2}],
        "map": {"y": "z"},
    }
    item["fraction"] = Decimal("1.5")  # of a later release
    assert table.get(A) is None
    table.put(item)
    found = table.get(A)
    assert found == item
    assert (type(found["n"]), type(found["list"][1]["x"])) == (int, int)
    assert table.get(A, only=("n",)) == {"n": 3}
    assert to_wire(item)["n"] == {"N": "3"}
    assert from_wire(to_wire(item)) == item


@pytest.mark.parametrize(
    "write",
    [
        lambda table: table.put({**A, "n": 2}, condition="attribute_not_exists(#pk)"),
        lambda table: table.update(A, "SET #n = :n", condition="#n > :n", values={"n": 2}),
        lambda table: table.delete(A, condition="#n > :n", values={"n": 2}),
    ],
)
def test_failed_condition_carries_the_stored_item(
    table: Table, write: Callable[[Table], object]
) -> None:
    table.put({**A, "n": 1})
    with pytest.raises(ConditionFailed) as failed:
        write(table)
    assert failed.value.item == table.get(A) == {**A, "n": 1}


def test_transaction_makes_all_changes_or_names_the_failed_operations(table: Table) -> None:
    for item in ({**A, "n": 1}, {**B, "n": 1}, C):
        table.put(item)
    operations: list[Operation] = [
        Put(D, condition="attribute_not_exists(#pk)"),
        Update(A, "SET #n = #n + :one", condition="#n = :one", values={"one": 1}),
        Check(B, "#n = :n", values={"n": 1}),
        Delete(C),
    ]
    table.transact(operations)
    assert [table.get(key) for key in (A, C, D)] == [{**A, "n": 2}, None, D]
    missing = Update(C, "SET #n = :n", condition="attribute_exists(#pk)", values={"n": 2})
    with pytest.raises(TransactionFailed) as failed:
        table.transact([Delete(B), *operations[1:2], missing])
    assert failed.value.failed == {1: {**A, "n": 2}, 2: None}
    assert table.get(B)


def test_transaction_over_two_tables_changes_both_or_none() -> None:
    first, second = wired_tables("UsersTable", "CredentialsTable")
    new = "attribute_not_exists(#pk)"
    first.transact([Put(A)], beside={second: [Put({**A, "n": 1})]})
    assert (first.get(A), second.get(A)) == (A, {**A, "n": 1})
    with pytest.raises(TransactionFailed) as failed:
        first.transact([Put(B), Put(C)], beside={second: [Put(B), Put(A, condition=new)]})
    assert failed.value.failed == {3: {**A, "n": 1}}
    assert [table.get(B) for table in (first, second)] == [None, None]


def test_item_of_a_later_schema_is_refused(table: Table) -> None:
    later = Table(table.name, table.client, schema=2)
    later.put({**A, "n": 1})
    assert later.get(A) == {**A, "n": 1}
    reads: list[Callable[[], object]] = [
        lambda: table.get(A),
        lambda: table.get_many([A]),
        lambda: table.query("#pk = :pk", {"pk": "a"}),
        lambda: table.update(A, "SET #n = :n", values={"n": 2}),
        lambda: table.update(A, "SET #n = :n", condition="#n > :n", values={"n": 2}),
        lambda: table.put({**A}, condition="attribute_not_exists(#pk)"),
        lambda: table.delete(A, condition="#n > :n", values={"n": 2}),
        lambda: table.transact([Check(A, "attribute_not_exists(#pk)")]),
    ]
    for read in reads:
        with pytest.raises(NewerSchema) as refusal:
            read()
        assert refusal.value.headers == {"Retry-After": "5"}


def test_written_item_carries_its_schema(table: Table) -> None:
    table.put(A)
    table.transact([Put(B)])
    for key in (A, B):
        stored = table.client.get_item(TableName=table.name, Key=to_wire(key))["Item"]
        assert stored["schema"] == {"N": "1"}
    # An update writes none.
    assert table.update(C, "SET #n = :n", values={"n": 1}) == {**C, "n": 1}
    assert len(Table(table.name, table.client, schema=2).get_many([A, B, C])) == 3


# What the simulation cannot do.


def refusal(code: str, *reasons: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "no"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(answer, "AnyOperation")


class FailingClient:
    """Gives the prepared answers one after another, the last one for ever, and keeps its calls."""

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


def canceled(*reasons: str) -> ClientError:
    return refusal("TransactionCanceledException", *reasons)


def transact(table: Table) -> None:
    table.transact([Put(A), Put(B)])


def put(table: Table) -> None:
    table.put(A, condition="attribute_not_exists(#pk)")


@pytest.mark.parametrize(
    ("write", "conflict"),
    [
        (transact, canceled("None", "TransactionConflict")),
        (transact, canceled("ThrottlingError")),
        (transact, canceled("ProvisionedThroughputExceeded")),
        (transact, refusal("TransactionInProgressException")),
        (put, refusal("TransactionConflictException")),
    ],
)
def test_write_that_met_a_transaction_is_retried_up_to_eight_times(
    write: Callable[[Table], None], conflict: ClientError
) -> None:
    client = FailingClient(conflict, conflict, {})
    write(client.table())
    assert len(client.calls) == 3
    # DynamoDB recognises a repeated transaction by its token.
    assert len({call.get("ClientRequestToken") for call in client.calls}) == 1
    hopeless = FailingClient(conflict)
    with pytest.raises(Contended) as contended:
        write(hopeless.table())
    assert len(hopeless.calls) == 8
    assert isinstance(contended.value, ServiceUnavailable)
    assert contended.value.headers == {"Retry-After": "1"}


def test_failed_condition_is_reported_before_a_conflict() -> None:
    client = FailingClient(canceled("TransactionConflict", "ConditionalCheckFailed"))
    with pytest.raises(TransactionFailed) as failed:
        transact(client.table())
    assert failed.value.failed == {1: None}
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (transact, canceled("ValidationError")),
        (transact, refusal("ValidationException")),
        (transact, refusal("IdempotentParameterMismatchException")),
        (transact, refusal("AccessDeniedException")),
        (put, refusal("ProvisionedThroughputExceededException")),
    ],
)
def test_other_errors_are_raised_at_once(
    write: Callable[[Table], None], error: ClientError
) -> None:
    client = FailingClient(error)
    with pytest.raises(ClientError) as raised:
        write(client.table())
    assert raised.value is error
    assert len(client.calls) == 1


def test_get_is_consistent() -> None:
    client = FailingClient({"Item": to_wire(A)})
    client.table().get(A)
    assert [call["ConsistentRead"] for call in client.calls] == [True]


def batch(*found: dict[str, str], left: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Responses": {"things": [to_wire(item) for item in found]},
        "UnprocessedKeys": {"things": {"Keys": [to_wire(key) for key in left]}} if left else {},
    }


def test_get_many_reads_keys_again_that_a_batch_skipped() -> None:
    client = FailingClient(batch(A, left=[B]), batch(left=[B]), batch(B, left=[]))
    assert client.table().get_many([A, B, C]) == [A, B]
    keys = [call["RequestItems"]["things"]["Keys"] for call in client.calls]
    assert keys == [[to_wire(key) for key in read] for read in ([A, B, C], [B], [B])]
    last = FailingClient(*[batch(left=[B])] * 7, batch(B, left=[]))
    assert last.table().get_many([B]) == [B]
    with pytest.raises(Contended):
        FailingClient(batch(left=[B])).table().get_many([A, B])
    assert client.table().get_many([]) == []


def test_get_many_reads_keys_again_that_are_refused_after_a_batch_skipped_them() -> None:
    throttled = refusal("ProvisionedThroughputExceededException")
    client = FailingClient(batch(A, left=[B]), throttled, batch(B, left=[]))
    assert client.table().get_many([A, B]) == [A, B]
    with pytest.raises(ClientError):
        FailingClient(throttled).table().get_many([A, B])
    with pytest.raises(ClientError):
        FailingClient(batch(A, left=[B]), refusal("AccessDeniedException")).table().get_many([A, B])


def test_transaction_gives_up_after_as_many_refusals_of_a_place_as_its_caller_waits_for() -> None:
    elsewhere, here = canceled("TransactionConflict", "None"), canceled("None", "ThrottlingError")
    client = FailingClient(here, elsewhere, here, {})
    with pytest.raises(TransactionContended) as contended:
        client.table().transact([Put(A), Put(B)], patience={1: 2})
    assert contended.value.places == {1}
    assert len(client.calls) == 3
    with pytest.raises(Contended):
        FailingClient(elsewhere).table().transact([Put(A), Put(B)], patience={1: 2})

"""One key, one order, one answer: Powertools' idempotency in front of the service (on moto)."""

import time

import pytest

from orders.errors import IdempotencyKeyReused, RequestInProgress
from orders.idempotency import PlacingOnce
from shared.contracts.inventory import OutOfStock
from shared.dynamodb import Item, Table, from_wire
from tests.orders.builders import a_basket
from tests.orders.fakes import Killed
from tests.orders.shop import Shop
from tests.support.aws import make_table
from tests.support.callers import ALICE, BOB
from tests.support.context import LambdaContext


class Till:
    """PlacingOnce on a shop of fakes."""

    def __init__(self, table: Table, table_name: str | None = None) -> None:
        self.table = table
        self.shop = Shop()
        self.placing = PlacingOnce(self.shop.service, table_name or table.name, table.client)

    def records(self) -> list[Item]:
        return [from_wire(i) for i in self.table.client.scan(TableName=self.table.name)["Items"]]


@pytest.fixture
def till(account: None) -> Till:
    return Till(make_table("OrdersTable"))


def test_a_repeated_request_is_answered_from_its_record(till: Till) -> None:
    first = till.placing.place(ALICE, "k", a_basket(), None)
    again = till.placing.place(ALICE, "k", a_basket(), None)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order == first.order
    assert till.shop.customers.asked == 1


def test_the_answer_stays_as_it_was_placed(till: Till) -> None:
    first = till.placing.place(ALICE, "k", a_basket(), None).order
    till.shop.service.cancel(first.id, ALICE)
    again = till.placing.place(ALICE, "k", a_basket(), None).order
    assert (again.status, again.version, again.cancel_reason) == ("pending", 1, None)


def test_a_record_lasts_a_day_and_holds_nobody_s_data(till: Till) -> None:
    till.placing.place(ALICE, "k", a_basket(), None)
    [record] = till.records()
    assert record.keys() == {
        "pk", "sk", "ttl", "state", "data", "validation", "in_progress_expiration",
    }  # fmt: skip
    assert record["ttl"] >= time.time() + 24 * 60 * 60 - 60
    assert set(record["data"]) >= set("order_id")
    assert "Alice" not in str(record)
    assert "example.com" not in str(record)


def test_each_record_has_a_partition_of_its_own(till: Till) -> None:
    for key in ("k", "l"):
        till.placing.place(ALICE, key, a_basket(), None)
    till.placing.place(BOB, "k", a_basket(), None)
    partitions = {record["pk"] for record in till.records()}
    assert len(partitions) == 3
    assert all(pk.startswith("IDEMPOTENCY#orders.place#") for pk in partitions)
    # SHA-256, not the library's md5.
    assert {len(pk.rpartition("#")[2]) for pk in partitions} == {64}


def test_another_basket_is_refused_by_the_record(till: Till) -> None:
    till.placing.place(ALICE, "k", a_basket(), None)
    with pytest.raises(IdempotencyKeyReused):
        till.placing.place(ALICE, "k", a_basket(("mug", 2)), None)
    assert till.shop.customers.asked == 1


def test_a_second_request_does_not_run_beside_the_first(till: Till) -> None:
    seen: list[type[Exception]] = []

    def second() -> None:
        for basket in (a_basket(), a_basket(("mug", 2))):
            with pytest.raises((RequestInProgress, IdempotencyKeyReused)) as refused:
                till.placing.place(ALICE, "k", basket, None)
            seen.append(refused.type)

    till.shop.customers.before = second
    assert not till.placing.place(ALICE, "k", a_basket(), None).replayed
    assert seen == [RequestInProgress, IdempotencyKeyReused]
    assert len(till.shop.orders.orders) == 1


def test_a_refusal_is_not_remembered(till: Till) -> None:
    with pytest.raises(OutOfStock):
        till.placing.place(ALICE, "k", a_basket(("mug", 11)), None)
    assert till.records() == []
    assert till.placing.place(ALICE, "k", a_basket(("mug", 10)), None).order.version == 1


def test_the_lock_of_a_function_that_died_ends_with_its_time(till: Till) -> None:
    def die() -> None:
        raise Killed

    till.shop.customers.before = die
    with pytest.raises(Killed):
        till.placing.place(ALICE, "k", a_basket(), LambdaContext(remaining_ms=60_000))
    with pytest.raises(RequestInProgress):
        till.placing.place(ALICE, "k", a_basket(), None)
    till.shop.customers.before = die
    with pytest.raises(Killed):
        till.placing.place(ALICE, "l", a_basket(), LambdaContext(remaining_ms=-1))
    assert not till.placing.place(ALICE, "l", a_basket(), None).replayed


def test_without_its_records_there_is_still_one_order(account: None) -> None:
    till = Till(make_table("OrdersTable"), table_name="NoSuchTable")
    first = till.placing.place(ALICE, "k", a_basket(), None)
    again = till.placing.place(ALICE, "k", a_basket(), None)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order == first.order
    with pytest.raises(IdempotencyKeyReused):
        till.placing.place(ALICE, "k", a_basket(("mug", 2)), None)


def test_an_order_whose_record_could_not_be_finished_is_answered_as_new(till: Till) -> None:
    till.shop.customers.before = lambda: till.table.client.delete_table(TableName=till.table.name)
    assert not till.placing.place(ALICE, "k", a_basket(), None).replayed
    assert till.shop.customers.asked == 1

"""Request units by the examples of DynamoDB's developer guide and of its price page."""

from typing import Any

import pytest

from tests.costs import capacity
from tests.costs.capacity import Units

KB = 1024
TABLE: Any = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-status",
            "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"]},
        }
    ],
}


def item(size: float, **others: str) -> dict[str, Any]:
    """An item of that many KB in all."""
    small = {name: {"S": value} for name, value in others.items()}
    rest = int(size * KB) - capacity.size(small) - len("pk")
    return small | {"pk": {"S": "x" * rest}}


@pytest.mark.parametrize(
    ("attribute", "size"),
    [
        ({"name": {"S": "Süß"}}, 4 + 5),
        ({"n": {"N": "7"}}, 1 + 2),
        ({"n": {"N": "1234"}}, 1 + 3),
        ({"n": {"N": "-1234"}}, 1 + 4),
        ({"n": {"N": "12000"}}, 1 + 2),
        ({"n": {"N": "0"}}, 1 + 1),
        ({"b": {"BOOL": True}}, 1 + 1),
        ({"b": {"NULL": True}}, 1 + 1),
        ({"l": {"L": []}}, 1 + 3),
        ({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}, 1 + 3 + 3 + 2),
        ({"m": {"M": {"key": {"S": "ab"}}}}, 1 + 3 + 5 + 1),
    ],
)
def test_size_of_an_attribute_is_that_of_its_name_and_value(attribute: Any, size: int) -> None:
    assert capacity.size(attribute) == size


@pytest.mark.parametrize(
    ("kilobytes", "consistent", "units"),
    [(4, True, 1), (4, False, 0.5), (8, True, 2), (8, False, 1), (0.3, True, 1), (0, False, 0.5)],
)
def test_an_item_is_read_in_steps_of_4_kb(kilobytes: float, consistent: bool, units: float) -> None:
    assert capacity.read([int(kilobytes * KB)], consistent=consistent) == units


def test_items_of_a_batch_are_rounded_one_by_one() -> None:
    assert capacity.read([int(1.5 * KB), int(6.5 * KB)], consistent=True) == 3


def test_items_of_a_query_are_rounded_together() -> None:
    assert capacity.query([64] * 1500, consistent=True) == 24
    assert capacity.query([int(4.08 * KB)] * 10, consistent=True) == 11
    assert capacity.query([], consistent=False) == 0.5


@pytest.mark.parametrize(
    ("kilobytes", "in_transaction", "units"),
    [(1, False, 1), (0.5, False, 1), (3, False, 3), (3.5, False, 4), (1, True, 2), (3, True, 6)],
)
def test_an_item_is_written_in_steps_of_1_kb(
    kilobytes: float, in_transaction: bool, units: float
) -> None:
    written = capacity.write(TABLE, None, item(kilobytes), in_transaction=in_transaction)
    assert written == Units(written=units)


def test_an_update_is_charged_for_the_larger_of_before_and_after() -> None:
    assert capacity.write(TABLE, item(3), item(1)).write == 3
    assert capacity.write(TABLE, item(1), item(3)).write == 3
    assert capacity.write(TABLE, item(3), None).write == 3
    assert capacity.write(TABLE, None, None).write == 1


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, item(5, status="new", name="a"), 1),
        (item(5), item(5, status="new"), 1),
        (item(5, status="new"), item(5), 1),
        (item(5, status="new"), item(5, status="old"), 2),
        (item(5, status="new", name="a"), item(5, status="new", name="b"), 1),
        (item(5, status="new", other="a"), item(5, status="new", other="b"), 0),
        (item(5), item(6), 0),
    ],
)
def test_an_index_is_charged_for_what_it_shows_of_a_change(
    before: Any, after: Any, units: float
) -> None:
    for one in (before, after):
        if one:
            # The index has the key as well.
            one["pk"] = {"S": "1"}
    assert capacity.write(TABLE, before, after).indexes.get("by-status", 0) == units


def test_index_share_of_a_transaction_counts_once() -> None:
    after = {"pk": {"S": "1"}, "status": {"S": "new"}, "other": {"S": "x" * 5 * KB}}
    written = capacity.write(TABLE, None, after, in_transaction=True)
    assert written == Units(written=12, indexes={"by-status": 1})


def test_write_with_a_failed_condition_is_charged_without_indexes() -> None:
    after = item(1, status="new")
    assert capacity.write(TABLE, None, after, is_done=False) == Units(written=1)

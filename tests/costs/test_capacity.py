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


def item(kilobytes: float, **others: str) -> dict[str, Any]:
    """An item of that size; what is not in `others` is in no index."""
    small = {name: {"S": value} for name, value in {"pk": "1", **others}.items()}
    return small | {"rest": {"S": "x" * (int(kilobytes * KB) - capacity.size(small) - 4)}}


@pytest.mark.parametrize(
    ("attribute", "size"),
    [
        ({"name": {"S": "Süß"}}, 4 + 5),
        ({"n": {"N": "1234"}}, 1 + 3),
        ({"n": {"N": "-1234"}}, 1 + 4),
        ({"n": {"N": "12000"}}, 1 + 2),
        ({"n": {"N": "0"}}, 1 + 1),
        ({"b": {"BOOL": True}}, 1 + 1),
        ({"b": {"B": "AAECAw=="}}, 1 + 4),
        ({"b": {"B": b"abc"}}, 1 + 3),
        ({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}, 1 + 3 + 3 + 2),
        ({"m": {"M": {"key": {"S": "ab"}}}}, 1 + 3 + 5 + 1),
    ],
)
def test_size_of_an_attribute_is_that_of_its_name_and_value(attribute: Any, size: int) -> None:
    assert capacity.size(attribute) == size


def test_items_are_read_in_steps_of_4_kb() -> None:
    assert capacity.read([4 * KB], consistent=True) == 1
    assert capacity.read([0], consistent=False) == 0.5
    # Those of a batch are rounded one by one, those of a query together.
    assert capacity.read([int(1.5 * KB), int(6.5 * KB)], consistent=True) == 3
    assert capacity.query([64] * 1500, consistent=True) == 24
    assert capacity.query([], consistent=False) == 0.5


@pytest.mark.parametrize(
    ("before", "after", "of_table", "of_index"),
    [
        (None, item(1), 1, 0),
        (None, item(3.5), 4, 0),
        (item(3), item(1), 3, 0),
        (item(3), None, 3, 0),
        (None, None, 1, 0),
        (None, item(5, status="new", name="a"), 5, 1),
        (item(5, status="new"), item(5), 5, 1),
        (item(5, status="new"), item(5, status="old"), 5, 2),
        (item(5, status="new", name="a"), item(5, status="new", name="b"), 5, 1),
        (item(5, status="new", other="a"), item(5, status="new", other="b"), 5, 0),
    ],
)
def test_a_write_is_charged_by_the_larger_item_and_what_an_index_shows_of_the_change(
    before: Any, after: Any, of_table: float, of_index: float
) -> None:
    indexes = {"by-status": of_index} if of_index else {}
    assert capacity.write(TABLE, before, after) == Units(0, of_table, indexes)
    # Twice in a transaction, except for the index; a failed condition writes no index.
    in_transaction = capacity.write(TABLE, before, after, in_transaction=True)
    assert in_transaction == Units(0, 2 * of_table, indexes)
    assert capacity.write(TABLE, before, after, is_done=False) == Units(0, of_table)

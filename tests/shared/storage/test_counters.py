"""Totals are changed in the transaction that they count."""

from collections import Counter

from shared.storage import counters
from shared.storage.dynamodb import Table
from tests.support.aws import wired_table


def test_totals_add_up_over_all_shards() -> None:
    table = wired_table("ProductsTable")
    assert counters.totals(table) == {}
    for _ in range(20):
        table.transact([counters.adding(table, {"total": 1, "stock": 3})])
    table.transact([counters.adding(table, {"stock": -50})])
    assert counters.totals(table) == {"total": 20, "stock": 10}
    assert 1 < len(table.query("#pk = :pk", {"pk": "COUNTERS"}).items) <= 16


def test_totals_add_up_over_the_partitions_of_a_table_with_more_shards() -> None:
    table = wired_table("ProductsTable")
    table.transact([counters.adding(table, {"total": 1})])
    spread = Table(table.name, table.client, shards=4)
    for _ in range(40):
        spread.transact([counters.adding(spread, {"total": 1})])
    assert counters.totals(spread) == {"total": 41}
    items = table.client.scan(TableName=table.name)["Items"]
    per_partition = Counter(item["pk"]["S"] for item in items)
    assert per_partition.keys() == {"COUNTERS", "COUNTERS#1", "COUNTERS#2", "COUNTERS#3"}
    assert max(per_partition.values()) <= 16

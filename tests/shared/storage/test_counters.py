"""Totals are changed in the transaction that they count."""

from shared.storage import counters
from tests.support.aws import wired_table


def test_totals_add_up_over_all_shards() -> None:
    table = wired_table("ProductsTable")
    assert counters.totals(table) == {}
    for _ in range(20):
        table.transact([counters.adding({"total": 1, "stock": 3})])
    table.transact([counters.adding({"stock": -50})])
    assert counters.totals(table) == {"total": 20, "stock": 10}
    assert 1 < len(table.query("#pk = :pk", {"pk": "COUNTERS"}).items) <= 16

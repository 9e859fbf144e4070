"""Totals are changed in the transaction that they count."""

import pytest

from shared.storage import counters
from shared.storage.dynamodb import Put, Table, TransactionFailed
from tests.support.aws import make_table


@pytest.fixture
def table(account: None) -> Table:
    return make_table("ProductsTable")


def test_totals_add_up_over_all_shards(table: Table) -> None:
    assert counters.totals(table) == {}
    for _ in range(40):
        table.transact([counters.adding({"total": 1, "stock": 3})])
    table.transact([counters.adding({"stock": -50})])
    assert counters.totals(table) == {"total": 40, "stock": 70}
    assert 1 < len(table.query("#pk = :pk", {"pk": "COUNTERS"}).items) <= 16


def test_failed_transaction_is_not_counted(table: Table) -> None:
    thing = Put({"pk": "thing", "sk": "thing"}, condition="attribute_not_exists(#pk)")
    table.transact([thing, counters.adding({"total": 1})])
    with pytest.raises(TransactionFailed):
        table.transact([thing, counters.adding({"total": 1})])
    assert counters.totals(table) == {"total": 1}

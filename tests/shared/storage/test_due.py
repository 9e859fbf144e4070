"""Items that wait for a sweeper."""

from shared.storage.due import due_items
from tests.support.aws import wired_table


def test_due_items_come_oldest_first_over_all_shards_and_pages() -> None:
    table = wired_table("ProductsTable")
    for minute in range(20):
        key = {"pk": f"{minute:02}", "sk": "x"}
        table.put({**key, "due": str(minute % 3), "expires_at": f"2026-11-20T08:{minute:02}"})
    found = due_items(table, at="expires_at", before="2026-11-20T08:15", shards=3)
    assert [item["pk"] for item in found] == [f"{minute:02}" for minute in range(15)]
    pages = table.iterate("#due = :due", {"due": "1"}, index="due", page_size=2, forward=False)
    assert [item["pk"] for item in pages] == ["19", "16", "13", "10", "07", "04", "01"]

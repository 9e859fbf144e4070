"""Items that wait for a sweeper."""

from shared.storage.due import due_items, due_mark
from shared.storage.dynamodb import Table
from tests.support.aws import wired_table


def test_due_items_come_oldest_first_over_all_shards_and_pages() -> None:
    table = wired_table("ProductsTable")
    for minute in range(20):
        key = {"pk": f"{minute:02}", "sk": "x"}
        table.put({**key, "due": str(minute % 4), "expires_at": f"2026-11-20T08:{minute:02}"})
    found = due_items(table, at="expires_at", before="2026-11-20T08:15")
    assert [item["pk"] for item in found] == [f"{minute:02}" for minute in range(15)]
    pages = table.iterate("#due = :due", {"due": "1"}, index="due", page_size=2, forward=False)
    assert [item["pk"] for item in pages] == ["17", "13", "09", "05", "01"]


def test_due_items_are_found_when_a_table_has_got_more_shards() -> None:
    table = wired_table("ProductsTable")
    spread = Table(table.name, table.client, shards=4)
    marks = []
    for minute in range(40):
        marks.append(due_mark(table if minute < 20 else spread, minute))
        key = {"pk": f"{minute:02}", "sk": "x"}
        table.put({**key, "due": marks[-1], "expires_at": f"2026-11-20T08:{minute:02}"})
    assert (len(set(marks[:20])), len(set(marks[20:]))) == (4, 16)
    found = due_items(spread, at="expires_at", before="2026-11-20T09:00")
    assert [item["pk"] for item in found] == [f"{minute:02}" for minute in range(40)]

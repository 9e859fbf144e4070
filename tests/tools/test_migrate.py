"""A migration changes what it has to, once, and never what changed meanwhile."""

from pathlib import Path

import pytest

from shared.storage.dynamodb import Item, Table
from tests.support.aws import make_table
from tools import migrate


@pytest.fixture
def table(account: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(migrate, "_PAGE", 2)
    table = make_table("UsersTable")
    for number in range(10):
        table.put({"pk": f"USER#{number}", "sk": "USER", "number": number})
    return table


def doubled(item: Item) -> Item | None:
    return None if "double" in item else {"double": 2 * item["number"]}


def run(table: Table, file: Path, change: migrate.Change = doubled, *, write: bool = True) -> int:
    return migrate.migrate(table, change, file, rate=1e6, write=write).changed


def item(table: Table, number: int) -> Item | None:
    return table.get({"pk": f"USER#{number}", "sk": "USER"})


def test_each_item_is_changed_once(table: Table, tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    before = {"pk": "USER#7", "sk": "USER", "number": 7}
    assert run(table, file, write=False) == 10
    assert item(table, 7) == before
    assert run(table, file) == 10
    assert item(table, 7) == {**before, "double": 14}
    assert run(table, file) == 0
    assert not file.exists()


def test_stopped_run_continues_after_its_last_page(table: Table, tmp_path: Path) -> None:
    seen: list[int] = []

    def stopping(found: Item) -> Item | None:
        seen.append(found["number"])
        if len(seen) == 6:
            raise KeyboardInterrupt
        return doubled(found)

    file = tmp_path / "progress.json"
    with pytest.raises(KeyboardInterrupt):
        run(table, file, stopping)
    assert run(table, file, write=False) == 5
    assert run(table, file, stopping) == 9  # the fifth item was changed in a page that was not kept
    assert len(seen) == 6 + 6


def test_concurrent_change_is_kept_and_migrated(table: Table, tmp_path: Path) -> None:
    def overtaken(found: Item) -> Item | None:
        key = {"pk": found["pk"], "sk": found["sk"]}
        if found["number"] == 3:
            table.update(key, "SET #number = :new", values={"new": 300})
        if found["number"] == 4:
            table.delete(key)
        return doubled(found)

    assert run(table, tmp_path / "progress.json", overtaken) == 9
    assert (item(table, 3) or {})["double"] == 600
    assert item(table, 4) is None


def test_change_that_rewrites_its_item_in_place_is_written(table: Table, tmp_path: Path) -> None:
    table.put({"pk": "USER#in-place", "sk": "USER", "lines": [{"price": 1}]})
    calls = 0

    def in_place(found: Item) -> Item | None:
        nonlocal calls
        calls += 1
        assert calls < 20, "the change is tried for ever"
        if "lines" not in found or "currency" in found["lines"][0]:
            return None
        found["lines"][0]["currency"] = "EUR"
        return {"lines": found["lines"]}

    assert run(table, tmp_path / "progress.json", in_place) == 1


def test_new_attribute_has_its_value_whatever_its_name(table: Table, tmp_path: Path) -> None:
    assert run(table, tmp_path / "progress.json", lambda found: {"seen_number": -1}) == 10
    assert (item(table, 7) or {})["seen_number"] == -1


def test_item_is_given_as_it_is_stored_when_it_is_read_again(table: Table, tmp_path: Path) -> None:
    schemas: list[int] = []

    def overtaken(found: Item) -> Item | None:
        if found["number"] != 3:
            return None
        schemas.append(found["schema"])
        if len(schemas) == 1:
            later = Table(table.name, table.client, schema=2)
            later.put({"pk": "USER#3", "sk": "USER", "number": 3})
        return doubled(found)

    assert run(table, tmp_path / "progress.json", overtaken) == 1
    assert schemas == [1, 2]

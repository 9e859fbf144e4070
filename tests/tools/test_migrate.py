"""A migration changes what it has to, once, and never what changed meanwhile."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.errors import Contended
from shared.storage.dynamodb import Item, Table
from tests.support.aws import make_table
from tools import migrate, migrations
from tools.progress import Problem
from tools.template import ROOT


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


@pytest.fixture
def command(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`make migrate`, with `doubled` as the migration `doubling`, and others in the folder."""
    monkeypatch.setattr(migrate, "STATE", tmp_path)
    monkeypatch.setattr(migrate, "where", lambda _options: None)
    monkeypatch.setattr(migrate, "_table", lambda _shop, _logical_id: table)
    monkeypatch.setattr(migrations, "__path__", [str(tmp_path)])
    doubling = SimpleNamespace(TABLE="UsersTable", change=doubled)
    monkeypatch.setitem(sys.modules, "tools.migrations.doubling", doubling)

    def make_migrate(*arguments: str, name: str = "doubling") -> None:
        monkeypatch.setattr("sys.argv", ["migrate", "--port=3000", f"--name={name}", *arguments])
        migrate.main()

    return make_migrate


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


def test_position_that_is_no_position_is_named(table: Table, tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    for text in ("", "[1]", '{"page": 7}', "\0"):
        file.write_text(text)
        with pytest.raises(Problem, match=r"progress\.json holds no position"):
            run(table, file)


@pytest.mark.parametrize("name", ["", "nothing", "nothing.more", "doubling.py"])
def test_name_of_no_migration_is_named(command: Callable[..., None], name: str) -> None:
    with pytest.raises(Problem, match="NAME= is a module of tools/migrations"):
        command(name=name)


def test_import_that_fails_in_a_migration_is_not_its_name(
    command: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "importing.py").write_text("import no_such_module\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        command(name="importing")


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "fast"])
def test_rate_is_a_number_of_writes(command: Callable[..., None], rate: str) -> None:
    with pytest.raises(Problem, match="rate"):
        command("--write", f"--rate={rate}")


def test_second_run_at_once_is_refused(
    command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def second_run(found: Item) -> Item | None:
        command("--write", "--rate=1e6")
        return doubled(found)

    monkeypatch.setattr(sys.modules["tools.migrations.doubling"], "change", second_run)
    with pytest.raises(Problem, match="under way"):
        command("--write")


def test_position_is_that_of_one_table_though_another_has_its_name(
    command: Callable[..., None], table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = table.client.update_item

    def throttled(**request: Any) -> Any:
        if request["Key"]["pk"] == {"S": "USER#5"}:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return update(**request)

    with monkeypatch.context() as busy:
        busy.setattr(table.client, "update_item", throttled)
        with pytest.raises(Problem, match=r"Throttling(.|\n)* continues"):
            command("--write", "--rate=1e6")
    table.client.delete_table(TableName=table.name)
    make_table(table.name).put({"pk": "USER#0", "sk": "USER", "number": 0})
    command("--write", "--rate=1e6")
    assert (item(table, 0) or {})["double"] == 0


def test_item_that_transactions_hold_stops_the_run_with_a_sentence(
    command: Callable[..., None], table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(**_request: Any) -> Any:
        raise Contended

    monkeypatch.setattr(table.client, "update_item", held)
    with pytest.raises(Problem, match="continues"):
        command("--write")


@pytest.mark.parametrize(("given", "written"), [("", False), ("0", False), ("1", True)])
def test_make_writes_with_write_1_only(given: str, written: bool) -> None:
    recipe = subprocess.check_output(
        ["make", "-n", "migrate", "NAME=x", f"WRITE={given}"], cwd=ROOT, text=True
    )
    assert ("--write" in recipe) is written

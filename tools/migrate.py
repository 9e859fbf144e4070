"""`make migrate NAME=…`: sets attributes of items that exist, such as the keys of a new index.

Without --write it only counts. It reads the table page by page, and writes an item only if the item
is still as it was read; one that a concurrent writer changed is read again. After each page its
position is kept in a file on this machine, where a run that was stopped continues. Without the file
(it is lost, or another machine runs the migration) the table is read from its beginning: that costs
reads and writes nothing twice, so the table itself holds no state of the tool.
"""

import argparse
import copy
import fcntl
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import Contended
from shared.storage.dynamodb import Item, Table, from_wire, to_wire
from tools.local.arguments import Parser, Where, add_where, where
from tools.local.places import STATE
from tools.progress import Problem, exit_code

type Change = Callable[[Item], Mapping[str, Any] | None]

_PAGE: Final = 500


@dataclass
class Progress:
    """How far a migration is: the key after which its next page starts, and what was done."""

    start: Item | None = None
    read: int = 0
    changed: int = 0


def migrate(table: Table, change: Change, file: Path, *, rate: float, write: bool) -> Progress:
    """Run a migration from its start, or from where an earlier run was stopped.

    Args:
        change: returns the attributes to set in an item, None for nothing.
        file: keeps the progress until the migration is done.
        rate: the most writes a second.
        write: False to count only; then no progress is kept.
    """
    done = _kept(file) if write and file.exists() else Progress()
    while True:
        start: Any = {"ExclusiveStartKey": done.start} if done.start else {}
        page = table.client.scan(TableName=table.name, Limit=_PAGE, **start)
        for item in page["Items"]:
            done.read += 1
            if _is_changed(table, from_wire(item), change, write=write):
                done.changed += 1
                time.sleep(1 / rate if write else 0)
        done.start = page.get("LastEvaluatedKey")
        what = "changed" if write else "to change"
        print(f"\r  {done.read} items read, {done.changed} {what}", end="", flush=True)
        if done.start is None:
            print()
            if write:
                file.unlink(missing_ok=True)
            return done
        if write:
            new = file.with_suffix(".new")
            new.write_text(json.dumps(asdict(done)))
            new.replace(file)


def _kept(file: Path) -> Progress:
    try:
        return Progress(**json.loads(file.read_text()))
    except (ValueError, TypeError):
        raise Problem(
            f"{file} holds no position: delete it, and the table is read from its beginning."
        ) from None


def _is_changed(table: Table, found: Item, change: Change, *, write: bool) -> bool:
    item: Item | None = found
    # A copy, because a change in place would never meet its own condition.
    while item and (changes := change(copy.deepcopy(item))):
        if not write or _is_written(table, item, changes):
            return True
        # As the scan shows it: whatever its schema.
        key = to_wire({"pk": item["pk"], "sk": item["sk"]})
        answer = table.client.get_item(TableName=table.name, Key=key, ConsistentRead=True)
        item = from_wire(answer.get("Item", {}))
    return False


def _is_written(table: Table, item: Item, changes: Mapping[str, Any]) -> bool:
    """Set the attributes; False if the item is not as it was read any more."""
    as_read = [f"#{name} = :seen_{name}" for name in item]
    absent = [f"attribute_not_exists(#{name})" for name in changes if name not in item]
    return table.update_unseen(
        {"pk": item["pk"], "sk": item["sk"]},
        "SET " + ", ".join(f"#{name} = :new_{name}" for name in changes),
        condition=" AND ".join([*as_read, *absent]),
        values={
            **{f"new_{name}": value for name, value in changes.items()},
            **{f"seen_{name}": value for name, value in item.items()},
        },
    )


def _table(shop: Where, logical_id: str) -> Table:
    found = shop.client("cloudformation").describe_stack_resource(
        StackName=shop.stack, LogicalResourceId=logical_id
    )
    table = found["StackResourceDetail"]["PhysicalResourceId"]
    return Table(table, shop.client("dynamodb"))


def _position(table: Table, name: str) -> Path:
    """The file of the migration's position in this table: others may have its name, such as those
    of other accounts."""
    made = table.client.describe_table(TableName=table.name)["Table"]["CreationDateTime"]
    file = STATE / "migrations" / f"{name}-{table.name}-{made.timestamp()}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _hold(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem("This migration is under way already: wait until it ends.") from None


def rate(text: str) -> float:
    if (number := float(text)) > 0:
        return number
    raise argparse.ArgumentTypeError(f"{text} is no number of writes a second")


def main() -> None:
    parser = Parser(prog="make migrate", description=__doc__)
    add_where(parser)
    parser.add_argument("--name", required=True, help="a module of tools/migrations")
    parser.add_argument("--rate", type=rate, default=200, help="the most writes a second")
    parser.add_argument("--write", action="store_true", help="change the items, and not only count")
    options = parser.parse_args()
    name = f"tools.migrations.{options.name}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as cause:
        if not name.startswith(str(cause.name)):
            raise
        raise Problem(f"{cause}: NAME= is a module of tools/migrations.") from None
    try:
        table = _table(where(options), module.TABLE)
        file = _position(table, options.name)
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"The table cannot be used: {cause}") from None
    try:
        with file.with_suffix(".lock").open("w") as lock:
            if options.write:
                _hold(lock)
            migrate(table, module.change, file, rate=options.rate, write=options.write)
    except (BotoCoreError, ClientError, Contended) as cause:
        again = "The same command continues." if options.write else "Nothing was written."
        raise Problem(f"The migration stopped: {cause}\n{again}") from None
    print("▸ done" if options.write else "▸ nothing was written: WRITE=1 does")


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""What each change of the layer gains: a start with all of them, and without each.

python -m bench.gains UsersDirectory --rounds 3
"""

import shutil
import sys
from dataclasses import replace
from typing import Final

from bench import cold, packages, stand
from bench.report import Column, compared, console, shown
from bench.subjects import FLOOR, NAIVE, Subject
from tools.layer.__main__ import make
from tools.layer.changes import ALL, Change
from tools.local import sam
from tools.local.arguments import Parser
from tools.progress import exit_code, step

_FOLDER: Final = packages.CACHE / "gains"
_SHARED: Final = sam.BUILD / "SharedLayer/python/shared"


def _without(function: Subject, *left_out: Change) -> Subject:
    """The function on a layer that lacks these changes."""
    name = " and ".join(left_out) if set(left_out) != set(ALL) else "all of them"
    folder = _FOLDER / name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    _, bare = packages.layers()
    shutil.copytree(bare, folder, ignore=shutil.ignore_patterns("tests"))
    make(folder / "python", ALL - set(left_out))
    shutil.copytree(_SHARED, folder / "python/shared", dirs_exist_ok=True)
    return replace(function, name=f"without {name}", layer=folder)


def main() -> None:
    parser = Parser(prog="python -m bench.gains", description=__doc__)
    parser.add_argument("function", nargs="?", default="ProductsApi")
    parser.add_argument("--rounds", type=int, default=cold.ROUNDS)
    asked = parser.parse_args()
    with stand.opened(step) as at:
        [function] = at.chosen([asked.function])
        with step("make the layers"):
            without = [_without(function, change) for change in sorted(ALL)]
            without.append(_without(function, *ALL))
        subjects = [function, *without, *at.chosen([FLOOR, NAIVE])]
        runs = cold.starts(at, subjects, step, rounds=asked.rounds)
    columns = [
        Column("CPU until ready, ms", "cpu"),
        Column("÷ all changes", "cpu", function.name),
        Column("M instructions", "instructions"),
        Column("÷ all changes", "instructions", function.name),
    ]
    shown(console(), [compared("What the layer's changes gain", runs, runs, columns)])


if __name__ == "__main__":
    sys.exit(exit_code(main))

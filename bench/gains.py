"""What each change of the layer gains: a start with all of them, and without each.

python -m bench.gains UsersDirectory --rounds 3
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from bench import packages, stand, starts
from bench.report import Table, console, shown, spread
from bench.subjects import FLOOR, NAIVE, Subject
from tools.layer.__main__ import make
from tools.layer.changes import ALL, Change
from tools.local import sam
from tools.local.arguments import Parser
from tools.progress import Problem, step, stop

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
    return replace(function, name=f"without {name}", layer=Path(folder))


def _table(function: str, runs: dict[str, starts.Runs]) -> Table:
    with_all = runs[function]
    rows = []
    for name, of in runs.items():
        each = [1 - one / other for one, other in zip(with_all.cpu_ms, of.cpu_ms, strict=True)]
        counted = with_all.instructions_against(of)
        rows.append(
            (
                name,
                spread(of.cpu_ms),
                f"{median(each):.1%}",
                f"{of.instructions / 1e6:,.0f}" if of.instructions else "",
                f"{1 - counted:.1%}" if counted else "",
            )
        )
    columns = ("", "CPU until ready, ms", "all gain", "M instructions", "all gain")
    return Table(f"What the layer's changes gain for {function}", columns, tuple(rows))


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m bench.gains", description=__doc__)
    parser.add_argument("function", nargs="?", default="ProductsApi")
    parser.add_argument("--rounds", type=int, default=starts.ROUNDS)
    parser.add_argument("--instructions", action="store_true", help="count them as well")
    try:
        asked = parser.parse_args(arguments)
        with stand.opened(step) as at:
            [function] = at.chosen([asked.function])
            with step("make the layers"):
                variants = [_without(function, change) for change in sorted(ALL)]
                variants += [_without(function, *ALL), *at.chosen([FLOOR, NAIVE])]
            runs = starts.measure(
                at,
                [function, *variants],
                step,
                rounds=asked.rounds,
                with_instructions=asked.instructions,
            )
    except Problem as problem:
        return stop(problem)
    shown(console(), [_table(function.name, runs)])
    return 0


if __name__ == "__main__":
    sys.exit(main())

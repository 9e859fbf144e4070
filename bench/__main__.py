"""The command behind `make bench`: `python -m bench --only cold,warm`. A whole run writes docs/benchmarks.md."""

import argparse
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from bench import cold, document, fanout, gains, memory, orders, report, size, volume, warm
from bench.report import Table
from tools.local.arguments import Parser
from tools.progress import Problem, step, stop

SECTIONS: Final[dict[str, ModuleType]] = {
    "cold": cold,
    "warm": warm,
    "memory": memory,
    "size": size,
    "orders": orders,
    "volume": volume,
    "fanout": fanout,
}
# What takes too long for a whole run, and has a document of its own.
APART: Final[dict[str, tuple[ModuleType, Path]]] = {
    "gains": (gains, document.TARGET.with_name("benchmarks-gains.md")),
}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    # An empty argument is a variable of make that nobody has set.
    parser = Parser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join((*SECTIONS, *APART))}")
    return parser.parse_args(arguments)


def _chosen(only: str) -> list[str]:
    names = [name.strip() for name in only.split(",")] if only else list(SECTIONS)
    if unknown := set(names) - SECTIONS.keys() - APART.keys():
        known = ", ".join((*SECTIONS, *APART))
        raise Problem(f"There is no section {', '.join(sorted(unknown))}, but {known}.")
    return names


def main(arguments: list[str] | None = None) -> int:
    console = report.console()
    measured: dict[str, list[Table]] = {}
    try:
        asked = _parse(arguments)
        for name in _chosen(asked.only):
            section, target = APART[name] if name in APART else (SECTIONS[name], None)
            tables = measured[section.TITLE] = section.measure(step)
            console.rule(section.TITLE)
            report.shown(console, tables)
            if target:
                document.write_apart(target, section.TITLE, tables)
        if not asked.only:
            with step("docs/benchmarks.md"):
                document.write(measured)
    except Problem as problem:
        return stop(problem)
    return 0


if __name__ == "__main__":
    sys.exit(main())

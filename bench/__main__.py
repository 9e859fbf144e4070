"""`make bench`: `python -m bench --only cold,warm`; without --only it writes docs/benchmarks.md."""

import sys
from types import ModuleType
from typing import Final

from bench import cold, document, fanout, memory, report, size, warm
from bench.report import Table
from tools.local.arguments import Parser
from tools.progress import Problem, step, stop

SECTIONS: Final[dict[str, ModuleType]] = {
    "cold": cold,
    "warm": warm,
    "memory": memory,
    "size": size,
    "fanout": fanout,
}


def _chosen(only: str) -> list[str]:
    names = [name.strip() for name in only.split(",")] if only else list(SECTIONS)
    if unknown := set(names) - SECTIONS.keys():
        raise Problem(f"There is no section {', '.join(unknown)}, but {', '.join(SECTIONS)}.")
    return names


def main(arguments: list[str] | None = None) -> int:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(SECTIONS)}")
    console = report.console()
    measured: dict[str, list[Table]] = {}
    try:
        only = parser.parse_args(arguments).only
        for name in _chosen(only):
            section = SECTIONS[name]
            tables = measured[section.TITLE] = section.measure(step)
            console.rule(section.TITLE)
            report.shown(console, tables)
        if not only:
            with step("docs/benchmarks.md"):
                document.write(measured)
    except Problem as problem:
        return stop(problem)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: `python -m bench --only cold,warm`; without --only it writes docs/benchmarks.md."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from bench import cold, document, fanout, idle, size, warm
from bench.quiet import Machine
from bench.report import Table, markdown
from tools.local.arguments import Parser
from tools.progress import exit_code, step

SECTIONS: Final[dict[str, tuple[str, Callable[[], list[Table]]]]] = {
    "idle": ("The first order after idle", idle.measure),
    "cold": ("Cold start", cold.measure),
    "memory": ("Memory", cold.memory),
    "warm": ("Warm requests", warm.measure),
    "size": ("Size", size.measure),
    "fanout": ("From the order to the e-mail", fanout.measure),
}
# The others keep all processors busy by themselves, or measure no time.
_TIMED: Final = ("idle", "cold", "warm")


def main() -> None:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(SECTIONS)}")
    measured: dict[str, list[Table]] = {}
    machine = Machine()
    only = parser.parse_args().only
    names = [name.strip() for name in only.split(",")] if only else list(SECTIONS)
    if unknown := set(names) - SECTIONS.keys():
        parser.error(f"there is no section {', '.join(unknown)}, but {', '.join(SECTIONS)}")
    for name in names:
        title, measure = SECTIONS[name]
        with machine.watched(title) if name in _TIMED else nullcontext():
            measured[title] = measure()
        print(markdown(title, measured[title]))
    if machine.sections:
        measured["The machine"] = [machine.table()]
        print(markdown("The machine", measured["The machine"]), machine.verdict(), sep="\n")
    if not only:
        with step("docs/benchmarks.md"):
            document.write(measured, machine.verdict())


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""`make bench`: `python -m bench --only cold,warm`; without --only it writes docs/benchmarks.md."""

import sys
from collections.abc import Callable
from typing import Final

from bench import cold, document, fanout, idle, size, warm
from bench.report import Table, markdown
from tools.local.arguments import Parser
from tools.progress import exit_code, step

SECTIONS: Final[dict[str, tuple[str, Callable[[], list[Table]]]]] = {
    "idle": ("The first order after idle", idle.measure),
    "cold": ("Cold start", cold.measure),
    "warm": ("Warm requests", warm.measure),
    "memory": ("Memory", cold.memory),
    "size": ("Size", size.measure),
    "fanout": ("From the order to the e-mail", fanout.measure),
}


def main() -> None:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {', '.join(SECTIONS)}")
    measured: dict[str, list[Table]] = {}
    only = parser.parse_args().only
    names = [name.strip() for name in only.split(",")] if only else list(SECTIONS)
    if unknown := set(names) - SECTIONS.keys():
        parser.error(f"there is no section {', '.join(unknown)}, but {', '.join(SECTIONS)}")
    for name in names:
        title, measure = SECTIONS[name]
        measured[title] = measure()
        print(markdown(title, measured[title]))
    if not only:
        with step("docs/benchmarks.md"):
            document.write(measured)


if __name__ == "__main__":
    sys.exit(exit_code(main))

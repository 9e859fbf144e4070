"""A quick look at what a change gains: `python -m bench.compare ProductsApi naive floor --rounds 3 --instructions`.

Every figure stands beside its ratio to the last subject named.
"""

import sys
from statistics import median

from bench import stand, starts
from bench.report import Table, console, shown, spread
from tools.local.arguments import Parser
from tools.progress import Problem, step, stop


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("subjects", nargs="+", help="functions of the template, or baselines")
    parser.add_argument("--rounds", type=int, default=starts.ROUNDS, help="starts of each")
    parser.add_argument("--instructions", action="store_true", help="count them as well")
    try:
        asked = parser.parse_args(arguments)
        with stand.opened(step) as at:
            runs = starts.measure(
                at,
                at.chosen(asked.subjects),
                step,
                rounds=asked.rounds,
                with_instructions=asked.instructions,
            )
    except Problem as problem:
        return stop(problem)
    print()
    shown(console(), [_table(runs)])
    return 0


def _table(runs: dict[str, starts.Runs]) -> Table:
    names = list(runs)
    base = runs[names[-1]]
    rows = []
    for name, of in runs.items():
        counted, ratio = of.instructions, of.instructions_against(base)
        rows.append(
            (
                name,
                spread(of.cpu_ms),
                f"{of.cpu / base.cpu:.3f}",
                f"{counted / 1e6:,.1f}" if counted else "-",
                f"{ratio:.3f}" if ratio else "-",
                spread(of.first_cpu_ms, digits=1),
                f"{median(of.first_cpu_ms) / median(base.first_cpu_ms):.3f}",
                f"{median(of.resident_mb):.1f}",
                f"{median(of.resident_mb) / median(base.resident_mb):.3f}",
            )
        )
    against = f"÷ {names[-1]}"
    columns = (
        *("cold start", "CPU ms", against, "M instructions", against),
        *("first answer, CPU ms", against, "MB", against),
    )
    return Table("Cold start, first answer, memory after it", columns, tuple(rows))


if __name__ == "__main__":
    sys.exit(main())

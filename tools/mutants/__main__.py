"""The command behind `make mutants`: `python -m tools.mutants --only outbox --jobs 1`."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tools.local.arguments import Parser
from tools.mutants import library
from tools.mutants.mutant import Mutant
from tools.mutants.runner import Result, run
from tools.mutants.seeded import MUTANTS
from tools.progress import Problem, exit_code, step

_WIDTH: Final = max(len(mutant.name) for mutant in MUTANTS)


def _is_caught(mutant: Mutant) -> bool:
    result = run(mutant.tests, mutant)
    print(f"▸ {mutant.name:<{_WIDTH}}{result.seconds:7.1f} s  {_verdict(result)}", flush=True)
    return result.outcome == "caught"


def _verdict(result: Result) -> str:
    test = result.test.removeprefix("tests/")
    return f"✓ {test}" if result.outcome == "caught" else f"✗ {result.outcome} {test}"


def _try_seeded(only: str, jobs: int) -> bool:
    chosen = [mutant for mutant in MUTANTS if only in mutant.name or only in mutant.target]
    if not chosen:
        raise Problem(f"No mutant has “{only}” in its name or target.")
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        with step("their tests, unbroken"):
            for result in pool.map(run, dict.fromkeys(mutant.tests for mutant in chosen)):
                if result.outcome != "survived":
                    raise Problem(f"Without a mutant: {result.outcome}.\n{result.output}")
        caught = sum(pool.map(_is_caught, chosen))
    print(f"{caught} of {len(chosen)} caught")
    return caught == len(chosen)


def main() -> bool:
    # An empty argument is a variable of make that is not set.
    parser = Parser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names or targets of those to try")
    parser.add_argument("--jobs", default=os.cpu_count(), type=int, help="how many at a time")
    parser.add_argument("--module", default="", help="have cosmic-ray make mutants of this module")
    parser.add_argument("--tests", default="", help="the tests for --module")
    options = parser.parse_args()
    if options.module:
        library.run(options.module, options.tests)
        return True
    return _try_seeded(options.only, options.jobs)


if __name__ == "__main__":
    sys.exit(exit_code(main))

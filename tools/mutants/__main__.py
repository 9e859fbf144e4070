"""The command behind `make mutants`: `python -m tools.mutants --only outbox --jobs 1`."""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final

from tools.local.arguments import Parser
from tools.mutants.catalogue import MUTANTS
from tools.mutants.mutant import Mutant
from tools.mutants.runner import Outcome, Result, Workshop, workshop
from tools.progress import Problem, step, stop

_WIDEST_TEST: Final = 90


def _jobs(text: str) -> int:
    if not text:
        return os.cpu_count() or 1
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of jobs")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    # An empty argument is a variable of make that nobody has set.
    parser = Parser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names or files of those to try")
    parser.add_argument("--jobs", default="", type=_jobs, help="how many at a time")
    return parser.parse_args(arguments)


def _chosen(only: str) -> list[Mutant]:
    chosen = [mutant for mutant in MUTANTS if only in mutant.name or only in mutant.file]
    if not chosen:
        raise Problem(f"No mutant has “{only}” in its name or file.")
    return chosen


def _try_all(shop: Workshop, mutants: Sequence[Mutant], jobs: int) -> list[tuple[Mutant, Result]]:
    """Each with what came of it, in the catalogue's order; a line is printed as soon as one is done."""
    results: dict[Mutant, Result] = {}
    width = max(len(mutant.name) for mutant in mutants)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = {pool.submit(shop.try_on, mutant): mutant for mutant in mutants}
        try:
            for future in as_completed(futures):
                mutant, result = futures[future], future.result()
                results[mutant] = result
                sign = "✓" if result.outcome is Outcome.CAUGHT else f"✗ {result.outcome.value}"
                print(f"▸ {mutant.name:<{width}}{result.seconds:8.1f} s  {sign}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            shop.close()
            raise
    return [(mutant, results[mutant]) for mutant in mutants]


def _table(results: Sequence[tuple[Mutant, Result]]) -> None:
    rows = [
        (mutant.name, _short(result.test) or result.outcome.value.upper(), f"{result.seconds:.1f}")
        for mutant, result in results
    ]
    heads = ("mutant", "caught by", "seconds")
    first, second = (max(len(row[place]) for row in (heads, *rows)) for place in (0, 1))
    print()
    for name, test, seconds in (heads, *rows):
        print(f"{name:<{first}}  {test:<{second}}  {seconds:>7}")


def _short(test: str) -> str:
    """A test's id without what all of them have."""
    short = test.removeprefix("tests/").replace(".py::", ": ").replace("test_", "")
    return short if len(short) <= _WIDEST_TEST else f"{short[: _WIDEST_TEST - 1]}…"


def _run(options: argparse.Namespace) -> bool:
    mutants = _chosen(options.only)
    with workshop() as shop:
        with step("their tests, unbroken"):
            shop.prove(mutants)
        results = _try_all(shop, mutants, options.jobs)
    _table(results)
    caught = sum(result.outcome is Outcome.CAUGHT for _, result in results)
    print(f"{caught} of {len(results)} caught")
    return caught == len(results)


def main(arguments: list[str] | None = None) -> int:
    try:
        return 0 if _run(_parse(arguments)) else 1
    except Problem as problem:
        return stop(problem)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

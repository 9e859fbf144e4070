"""`make bench BEFORE=../before`: each function and that of another checkout, cold and warm.

The other checkout is measured as it was built last; `make bench ONLY=size` there builds it. Both
get the variables, events and answers of this one. Functions that the other lacks are left out.
"""

import json
import sys
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path
from typing import Final

from bench import instructions, stand
from bench.environment import Environment
from bench.instructions import Run
from bench.report import Column, Table, compared, markdown
from bench.stand import Stand
from bench.subjects import Subject
from tools.local import sam
from tools.local.arguments import Parser
from tools.local.places import ROOT
from tools.progress import Problem, exit_code, step

_WARMING: Final = 10
_COUNTED: Final = 30
_TIMED: Final = 100
_ROUNDS: Final = 3


@dataclass(frozen=True)
class Case:
    """What a function is asked when it is warm: its first event again, or another one."""

    first: Subject
    then: Subject

    @property
    def title(self) -> str:
        """The function, and what it is asked if that is HTTP."""
        asks = self.then.asks or _route(self.then)
        return f"{self.first.name}: {asks}" if asks else self.first.name

    def of(self, build: Path) -> "Case":
        """The same with the function of another build."""
        task, layer = build / self.first.task.name, build / self.first.layer.name
        name = f"{self.first.name}, before"
        return replace(self, first=replace(self.first, name=name, task=task, layer=layer))

    @property
    def runs(self) -> tuple[Run, Run]:
        """Whose instructions are counted: up to the first answer, and with warm requests."""
        return Run(self.first), Run(self.first, self.then, _COUNTED)

    def times(self, endpoint: str) -> tuple[float, float]:
        """Milliseconds of CPU up to the first answer, and for a warm request."""
        with Environment(self.first, endpoint) as environment:
            environment.until_ready()
            first = environment.answer()
            before = [environment.answer(self.then) for _ in range(_WARMING)][-1]
            after = [environment.answer(self.then) for _ in range(_TIMED)][-1]
        return first.cpu * 1000, after.since(before).cpu / _TIMED * 1000


def cases(at: Stand, build: Path) -> list[Case]:
    """Those of the functions that the other build has too.

    Raises:
        Problem: it has none.
    """
    firsts = [
        first
        for first in at.asked_first.values()
        if first.kind != "baseline" and (build / first.task.name).exists()
    ]
    if not firsts:
        raise Problem(f"{build} is empty: run `make bench ONLY=size` in that checkout first.")
    others = [(first, at.subjects[first.name]) for first in firsts]
    return [
        *(Case(first, first) for first in firsts),
        *(Case(first, other) for first, other in others if _route(other) != _route(first)),
    ]


def _route(subject: Subject) -> str:
    """Of an event of another kind it is empty."""
    return str(json.loads(subject.event).get("resource", ""))


def measure(at: Stand, build: Path) -> list[Table]:
    """The tables of starts with the first answers, and of warm requests."""
    ours = cases(at, build)
    # One after the other, so that other load on the machine affects both alike.
    sides = [
        (case.title, side, one)
        for case in ours
        for side, one in (("before", case.of(build)), ("after", case))
    ]
    found: dict[str, dict[str, list[float]]] = {case.title: {} for case in ours}
    with step("instructions"):
        runs = [run for _, _, case in sides for run in case.runs]
        counts = batched(instructions.count_all(runs, at.endpoint), 2, strict=True)
    for (title, side, _), (first, all_) in zip(sides, counts, strict=True):
        found[title][f"start, instructions {side}"] = [first / 1e6]
        found[title][f"warm, instructions {side}"] = [(all_ - first) / _COUNTED / 1e6]
    for number in range(1, _ROUNDS + 1):
        with step(f"times, {number} of {_ROUNDS}"):
            for title, side, case in sides:
                for figure, spent in zip(("start", "warm"), case.times(at.endpoint), strict=True):
                    found[title].setdefault(f"{figure}, CPU {side}", []).append(spent)
    for figures in found.values():
        for figure in ("start, instructions", "start, CPU", "warm, instructions", "warm, CPU"):
            both = zip(figures[f"{figure} before"], figures[f"{figure} after"], strict=True)
            figures[f"{figure} ÷"] = [after / before for before, after in both]
    starts = [case.title for case in ours if case.then is case.first]
    return [
        compared("Process start to the first answer", found, starts, _columns("start", digits=0)),
        compared("A warm request", found, found, _columns("warm", digits=2)),
    ]


def _columns(figure: str, digits: int) -> list[Column]:
    return [
        Column("M instructions before", f"{figure}, instructions before", digits=digits),
        Column("after", f"{figure}, instructions after", digits=digits),
        Column("÷", f"{figure}, instructions ÷", digits=3),
        Column("CPU before, ms", f"{figure}, CPU before", digits=digits),
        Column("after", f"{figure}, CPU after", digits=digits),
        Column("÷", f"{figure}, CPU ÷", digits=2),
    ]


def main() -> None:
    parser = Parser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the other checkout of this repository")
    build = parser.parse_args().checkout.resolve() / sam.BUILD.relative_to(ROOT)
    with stand.opened() as at:
        tables = measure(at, build)
    print(markdown("Before and after", tables))


if __name__ == "__main__":
    sys.exit(exit_code(main))

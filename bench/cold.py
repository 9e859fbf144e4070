"""Cold starts: from the process's start until it is ready, and to its first answer."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from bench import starts
from bench.report import Progress, Table, reached, spread
from bench.starts import Runs, Starts
from bench.subjects import FLOOR, NAIVE, NAIVE_UNCOMPILED, RESOLVER

TITLE: Final = "Cold start"

_GOALS: Final = {NAIVE: 0.50, RESOLVER: 0.80, FLOOR: 1.9, NAIVE_UNCOMPILED: 0.24}
_WORKER_GOAL: Final = 1.25
_FIRST_ANSWER_GOAL: Final = 0.20
_NOT_COUNTED: Final = "Instructions were not measured: install valgrind."


def measure(progress: Progress) -> list[Table]:
    """Measure, unless another section has, and show it."""
    found = starts.measured(progress)
    return [
        _apis(found),
        _apis_by_instructions(found),
        _first_answers(found),
        _workers(found),
        _others(found),
    ]


def ratios(of: Sequence[float], to: Sequence[float]) -> list[float]:
    """Those of the runs of the same round."""
    return [one / other for one, other in zip(of, to, strict=True)]


def _ratio(of: Sequence[float], to: Sequence[float], goal: float) -> str:
    each = ratios(of, to)
    return reached(median(each), goal, spread(each, digits=2))


def _apis(found: Starts) -> Table:
    rows: list[tuple[str, ...]] = [("goal", "", "", *(f"≤ {goal:g}" for goal in _GOALS.values()))]
    for name in found.names("api"):
        runs = found.runs[name]
        against = (_ratio(runs.cpu_ms, found.runs[b].cpu_ms, goal) for b, goal in _GOALS.items())
        rows.append((name, spread(runs.cpu_ms), spread(runs.wall_ms), *against))
    return Table(
        "API functions, process start to ready: time",
        ("function", "CPU, ms", "wall, ms", *(f"÷ {name}" for name in _GOALS)),
        tuple(rows),
        "Ratios are of the CPU times of the same round.",
    )


def _apis_by_instructions(found: Starts) -> Table:
    rows: list[tuple[str, ...]] = [("goal", "", *(f"≤ {goal:g}" for goal in _GOALS.values()))]
    for name in found.names("api"):
        own = found.runs[name].instructions
        against = (_counted_ratio(found, name, b, goal) for b, goal in _GOALS.items())
        rows.append((name, _millions(own), *against))
    return Table(
        "API functions, process start to ready: instructions",
        ("function", "millions", *(f"÷ {name}" for name in _GOALS)),
        tuple(rows),
        "" if found.are_counted else _NOT_COUNTED,
    )


def _first_answers(found: Starts) -> Table:
    naive = found.runs[NAIVE]
    goal = f"≤ {_FIRST_ANSWER_GOAL:g}"
    rows: list[tuple[str, ...]] = [("goal", "", "", goal, goal)]
    for name in (*found.names("api"), FLOOR, RESOLVER, NAIVE):
        runs = found.runs[name]
        figures = (
            (runs.first_cpu_ms, naive.first_cpu_ms),
            (runs.first_wall_ms, naive.first_wall_ms),
        )
        shown = (spread(of, digits=1) for of, _ in figures)
        rate = _ratio if name in found.names("api") else _plain_ratio
        rows.append((name, *shown, *(rate(of, to, _FIRST_ANSWER_GOAL) for of, to in figures)))
    return Table(
        "Ready to first answer",
        ("function", "CPU, ms", "wall, ms", "CPU ÷ naive", "wall ÷ naive"),
        tuple(rows),
        "The events differ: OrdersApi and NotificationsApi check a token, whose key they fetch"
        " first; GatewayApi invokes four functions.",
    )


def _workers(found: Starts) -> Table:
    goal = f"≤ {_WORKER_GOAL:g}"
    rows: list[tuple[str, ...]] = [("goal", "", "", goal, "", goal)]
    for name in found.names("worker"):
        runs = found.runs[name]
        rows.append(
            (
                name,
                spread(runs.cpu_ms),
                spread(runs.wall_ms),
                _ratio(runs.cpu_ms, found.runs[FLOOR].cpu_ms, _WORKER_GOAL),
                _millions(runs.instructions),
                _counted_ratio(found, name, FLOOR, _WORKER_GOAL),
            )
        )
    return Table(
        "Workers and internal functions, process start to ready",
        (
            "function",
            "CPU, ms",
            "wall, ms",
            "CPU ÷ floor",
            "M instructions",
            "instructions ÷ floor",
        ),
        tuple(rows),
    )


def _others(found: Starts) -> Table:
    rows = []
    for name in found.names("baseline", "traced"):
        runs, naive = found.runs[name], found.runs[NAIVE]
        rows.append(
            (
                name,
                spread(runs.cpu_ms),
                spread(runs.wall_ms),
                _plain_ratio(runs.cpu_ms, naive.cpu_ms),
                _millions(runs.instructions),
                _shown(runs, naive, lambda ratio: f"{ratio:.2f}"),
            )
        )
    return Table(
        "The baselines, and a function with tracing switched on",
        ("", "CPU, ms", "wall, ms", "CPU ÷ naive", "M instructions", "instructions ÷ naive"),
        tuple(rows),
    )


def _plain_ratio(of: Sequence[float], to: Sequence[float], _goal: float = 0) -> str:
    return spread(ratios(of, to), digits=2)


def _counted_ratio(found: Starts, name: str, to: str, goal: float) -> str:
    return _shown(found.runs[name], found.runs[to], lambda ratio: reached(ratio, goal))


def _shown(of: Runs, to: Runs, cell: Callable[[float], str]) -> str:
    ratio = of.instructions_against(to)
    return "not measured" if ratio is None else cell(ratio)


def _millions(count: int | None) -> str:
    return "not measured" if count is None else f"{count / 1e6:,.0f}"

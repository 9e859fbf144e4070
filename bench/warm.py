"""`GET /api/v1/products/{id}` on an environment that has answered before."""

from collections.abc import Mapping, Sequence
from itertools import batched
from statistics import median
from typing import Final

from bench import instructions, stand
from bench.environment import Environment
from bench.report import Progress, Table, reached, spread
from bench.stand import Stand
from bench.subjects import FLOOR, NAIVE, RESOLVER, Subject

TITLE: Final = "Warm requests"

OURS: Final = "ProductsApi"
_SUBJECTS: Final = (OURS, FLOOR, NAIVE, RESOLVER)
_GOALS: Final = {FLOOR: 1.35, NAIVE: 0.45}
_WARMING: Final = 10
_COUNTED: Final = 50
_TIMED: Final = 200
_ROUNDS: Final = 5


def measure(progress: Progress) -> list[Table]:
    """Measure and show."""
    with stand.opened(progress) as at:
        subjects = at.chosen(_SUBJECTS)
        microseconds: dict[str, list[float]] = {name: [] for name in _SUBJECTS}
        for number in range(1, _ROUNDS + 1):
            with progress(f"warm requests, {number} of {_ROUNDS}"):
                for subject in subjects:
                    microseconds[subject.name].append(_timed(subject, at.endpoint))
        counted: Mapping[str, float] = {}
        if instructions.is_installed():
            with progress("instructions of a request"):
                counted = count(subjects, at)
    return [_by_instructions(counted), _by_time(microseconds)]


def _timed(subject: Subject, endpoint: str) -> float:
    """Microseconds of CPU for a request."""
    with Environment(subject, endpoint) as environment:
        environment.until_ready()
        before = [environment.answer() for _ in range(_WARMING)][-1]
        after = [environment.answer() for _ in range(_TIMED)][-1]
    return after.since(before).cpu / _TIMED * 1e6


def count(subjects: Sequence[Subject], at: Stand) -> dict[str, float]:
    """Instructions for a request: what so many more of them add to the whole run's."""
    asked = [(one, requests) for one in subjects for requests in (_WARMING, _WARMING + _COUNTED)]
    counts = instructions.count_all(asked, at.endpoint)
    pairs = zip(subjects, batched(counts, 2, strict=True), strict=True)
    return {subject.name: (more - fewer) / _COUNTED for subject, (fewer, more) in pairs}


def _by_instructions(counted: Mapping[str, float]) -> Table:
    rows = [("goal", "", *(f"≤ {goal:g}" for goal in _GOALS.values()))]
    for name, count in counted.items():
        rows.append((name, f"{count / 1e6:.3f}", *_ratios(name, count, counted)))
    return Table(
        "Instructions of a request",
        ("function", "millions", *(f"÷ {name}" for name in _GOALS)),
        tuple(rows),
        "User space only, the runtime's own part included."
        if counted
        else "Not measured: install valgrind.",
    )


def _by_time(microseconds: Mapping[str, list[float]]) -> Table:
    medians = {name: median(figures) for name, figures in microseconds.items()}
    rows = [
        (name, spread(figures), *(f"{medians[name] / medians[b]:.2f}" for b in _GOALS))
        for name, figures in microseconds.items()
    ]
    return Table(
        "CPU time of a request",
        ("function", "µs", *(f"÷ {name}" for name in _GOALS)),
        tuple(rows),
        f"Each run is the mean of {_TIMED} requests, with the kernel's part.",
    )


def _ratios(name: str, count: float, counted: Mapping[str, float]) -> list[str]:
    if name != OURS:
        return [f"{count / counted[b]:.2f}" for b in _GOALS]
    return [reached(count / counted[b], goal) for b, goal in _GOALS.items()]

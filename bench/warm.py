"""`GET /api/v1/products/{id}` on an environment that has answered before."""

from itertools import batched
from typing import Final

from bench import instructions, stand
from bench.environment import Environment
from bench.instructions import Run
from bench.report import Column, Runs, Table, compared
from bench.stand import Stand
from bench.subjects import FLOOR, LEAN, NAIVE, Subject
from tools.progress import step

OURS: Final = "ProductsApi"
_SUBJECTS: Final = (OURS, FLOOR, LEAN, NAIVE)
_GOALS: Final = {FLOOR: 1.35, NAIVE: 0.45}
_WARMING: Final = 10
_COUNTED: Final = 60
_TIMED: Final = 200
_ROUNDS: Final = 3


def measure() -> list[Table]:
    """The tables of a request's instructions, and of its time."""
    with stand.opened() as at:
        subjects = [at.subjects[name] for name in _SUBJECTS]
        times: dict[str, list[float]] = {name: [] for name in _SUBJECTS}
        for number in range(1, _ROUNDS + 1):
            with step(f"warm requests, {number} of {_ROUNDS}"):
                for subject in subjects:
                    times[subject.name].append(_timed(subject, at.endpoint))
        with step("instructions of a request"):
            counted = _counted(at)
    runs: Runs = {name: {"instructions": [counted[name]], "cpu": times[name]} for name in _SUBJECTS}
    counts = [
        Column("millions", "instructions", digits=3),
        *(Column(f"÷ {name}", "instructions", name, goal) for name, goal in _GOALS.items()),
        Column(f"÷ {LEAN}", "instructions", LEAN),
    ]
    took = [Column("µs", "cpu"), *(Column(f"÷ {name}", "cpu", name) for name in (*_GOALS, LEAN))]
    return [
        compared(
            "Instructions of a request",
            runs,
            _SUBJECTS,
            counts,
            ours=[OURS],
            note="User space only, the runtime's own part included.",
        ),
        compared(
            "CPU time of a request",
            runs,
            _SUBJECTS,
            took,
            note=f"Each run is the mean of {_TIMED} requests, with the kernel's part.",
        ),
    ]


def _timed(subject: Subject, endpoint: str) -> float:
    """Microseconds of CPU for a request."""
    with Environment(subject, endpoint) as environment:
        environment.until_ready()
        before = [environment.answer() for _ in range(_WARMING)][-1]
        after = [environment.answer() for _ in range(_TIMED)][-1]
    return after.since(before).cpu / _TIMED * 1e6


def _counted(at: Stand) -> dict[str, float]:
    """Millions of instructions for a request: what more of them add to those of the first answer,
    which is another one."""
    first = [at.asked_first[name] for name in _SUBJECTS]
    further = [Run(one, at.subjects[one.name], _COUNTED) for one in first]
    counts = instructions.count_all([*map(Run, first), *further], at.endpoint)
    started, ended = batched(counts, len(first), strict=True)
    return {
        name: (more - fewer) / _COUNTED / 1e6
        for name, fewer, more in zip(_SUBJECTS, started, ended, strict=True)
    }

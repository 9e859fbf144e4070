"""Cold starts: from the process's start until it is ready, to its first answer, and its memory.

Rounds are interleaved, so that other load on the machine affects all functions alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final

from bench import instructions, stand
from bench.environment import Environment
from bench.report import Column, Runs, Table, compared
from bench.stand import Stand
from bench.subjects import FLOOR, NAIVE, NAIVE_UNCOMPILED, RESOLVER, Subject
from tools.progress import step

ROUNDS: Final = 5

_GOALS: Final = {NAIVE: 0.50, RESOLVER: 0.80, FLOOR: 1.9, NAIVE_UNCOMPILED: 0.24}
_CPU: Final = Column("CPU, ms", "cpu")
_WALL: Final = Column("wall, ms", "wall")
_INSTRUCTIONS: Final = Column("M instructions", "instructions")


@dataclass(frozen=True)
class _Starts:
    """What was measured: the subjects in their order, and the figures of their runs."""

    subjects: Sequence[Subject]
    runs: Runs

    def names(self, *kinds: str) -> list[str]:
        return [subject.name for subject in self.subjects if subject.kind in kinds]

    def table(
        self, title: str, columns: Sequence[Column], *kinds: str, goals_of: str = "", note: str = ""
    ) -> Table:
        """A table of the subjects of these kinds; the goals are for those of one kind."""
        ours = self.names(goals_of)
        return compared(title, self.runs, self.names(*kinds), columns, ours=ours, note=note)


@cache
def _measured() -> _Starts:
    """The starts of all subjects: both sections show parts of them."""
    with stand.opened() as at:
        subjects = list(at.subjects.values())
        return _Starts(subjects, _runs(at, subjects))


def _runs(at: Stand, subjects: Sequence[Subject]) -> Runs:
    """Start each in every round, then count instructions: that keeps both cores busy."""
    figures = ("cpu", "wall", "first_cpu", "first_wall", "resident", "anonymous", "instructions")
    runs: dict[str, dict[str, list[float]]] = {
        subject.name: {figure: [] for figure in figures} for subject in subjects
    }
    for number in range(1, ROUNDS + 1):
        with step(f"cold starts, {number} of {ROUNDS}"):
            for subject in subjects:
                for figure, value in _started(subject, at.endpoint).items():
                    runs[subject.name][figure].append(value)
    with step("instructions of starts"):
        # The longest first, so that both cores end together.
        longest_first = sorted(subjects, key=lambda one: -median(runs[one.name]["cpu"]))
        counts = instructions.count_all([(one, 0) for one in longest_first], at.endpoint)
        for subject, count in zip(longest_first, counts, strict=True):
            runs[subject.name]["instructions"].append(count / 1e6)
    return runs


def _started(subject: Subject, endpoint: str) -> dict[str, float]:
    """The figures of one start: milliseconds, and millions of bytes after the first answer."""
    with Environment(subject, endpoint) as environment:
        ready = environment.until_ready()
        answered = environment.answer().since(ready)
        memory = environment.memory()
    return {
        "cpu": ready.cpu * 1000,
        "wall": ready.wall * 1000,
        "first_cpu": answered.cpu * 1000,
        "first_wall": answered.wall * 1000,
        "resident": memory.resident / 1e6,
        "anonymous": memory.anonymous / 1e6,
    }


def measure() -> list[Table]:
    """The tables of the starts."""
    found = _measured()
    return [
        found.table(
            "API functions, process start to ready: time",
            [_CPU, _WALL, *(Column(f"÷ {name}", "cpu", name, g) for name, g in _GOALS.items())],
            "api",
            goals_of="api",
            note="Ratios are of the CPU times of the same round.",
        ),
        found.table(
            "API functions, process start to ready: instructions",
            [
                _INSTRUCTIONS,
                *(Column(f"÷ {name}", "instructions", name, g) for name, g in _GOALS.items()),
            ],
            "api",
            goals_of="api",
        ),
        found.table(
            "Ready to first answer",
            [
                Column("CPU, ms", "first_cpu", digits=1),
                Column("wall, ms", "first_wall", digits=1),
                Column("CPU ÷ naive", "first_cpu", NAIVE, 0.20),
                Column("wall ÷ naive", "first_wall", NAIVE, 0.20),
            ],
            *("api", "baseline"),
            goals_of="api",
            note="The events differ: OrdersApi and NotificationsApi check a token, whose key they"
            " fetch first; GatewayApi invokes four functions.",
        ),
        found.table(
            "Workers and internal functions, process start to ready",
            [
                _CPU,
                _WALL,
                Column("CPU ÷ floor", "cpu", FLOOR, 1.25),
                _INSTRUCTIONS,
                Column("instructions ÷ floor", "instructions", FLOOR, 1.25),
            ],
            "worker",
            goals_of="worker",
        ),
        found.table(
            "The baselines, and a function with tracing switched on",
            [
                _CPU,
                _WALL,
                Column("CPU ÷ naive", "cpu", NAIVE),
                _INSTRUCTIONS,
                Column("instructions ÷ naive", "instructions", NAIVE),
            ],
            *("baseline", "traced"),
        ),
    ]


def memory() -> list[Table]:
    """The table of what is held after the first answer."""
    return [
        _measured().table(
            "After the first answer",
            [
                Column("resident, MB", "resident", digits=1),
                Column("÷ naive", "resident", NAIVE, 0.62),
                Column("anonymous, MB", "anonymous", digits=1),
                Column("anonymous ÷ naive", "anonymous", NAIVE),
            ],
            *("api", "worker", "baseline", "traced"),
            goals_of="api",
            note="Resident is the process's memory with shared libraries, as Lambda counts it;"
            " anonymous is the part that was read from no file. The goal is for API functions. 1 MB"
            " is a million bytes.",
        )
    ]

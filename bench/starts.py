"""Cold starts, interleaved so that other load on the machine affects all subjects alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import median
from typing import Final

from bench import instructions, stand
from bench.environment import Environment, Memory, Spent
from bench.report import Progress
from bench.stand import Stand
from bench.subjects import Subject

ROUNDS: Final = 5


@dataclass
class Runs:
    """All runs of one subject, and the instructions of another one's start under cachegrind."""

    ready: list[Spent] = field(default_factory=list)
    """From the start of the process until the runtime asks for its first invocation."""
    first: list[Spent] = field(default_factory=list)
    """From there until it has answered and asks for the next one."""
    memory: list[Memory] = field(default_factory=list)
    """After the first answer."""
    instructions: int | None = None

    @property
    def cpu_ms(self) -> list[float]:
        return [spent.cpu * 1000 for spent in self.ready]

    @property
    def wall_ms(self) -> list[float]:
        return [spent.wall * 1000 for spent in self.ready]

    @property
    def first_cpu_ms(self) -> list[float]:
        return [spent.cpu * 1000 for spent in self.first]

    @property
    def first_wall_ms(self) -> list[float]:
        return [spent.wall * 1000 for spent in self.first]

    @property
    def resident_mb(self) -> list[float]:
        return [memory.resident / 1e6 for memory in self.memory]

    @property
    def anonymous_mb(self) -> list[float]:
        return [memory.anonymous / 1e6 for memory in self.memory]

    @property
    def cpu(self) -> float:
        """The median, in ms."""
        return median(self.cpu_ms)

    def instructions_against(self, other: "Runs") -> float | None:
        """Their ratio to another's; None where they were not counted."""
        if self.instructions is None or other.instructions is None:
            return None
        return self.instructions / other.instructions


@dataclass(frozen=True)
class Starts:
    """What was measured of the cold starts: the subjects in their order, and their runs by name."""

    subjects: Sequence[Subject]
    runs: Mapping[str, Runs]

    def names(self, *kinds: str) -> list[str]:
        """The subjects of these kinds."""
        return [subject.name for subject in self.subjects if subject.kind in kinds]

    @property
    def are_counted(self) -> bool:
        return all(runs.instructions is not None for runs in self.runs.values())


@cache
def measured(progress: Progress) -> Starts:
    """Those of everything. Several sections show parts of it; it is measured once."""
    with stand.opened(progress) as at:
        subjects = list(at.subjects.values())
        return Starts(subjects, measure(at, subjects, progress, rounds=ROUNDS))


def measure(
    at: Stand,
    subjects: Sequence[Subject],
    progress: Progress,
    *,
    rounds: int,
    with_instructions: bool = True,
) -> dict[str, Runs]:
    """The runs of the subjects, by name. Times come first: cachegrind keeps both cores busy."""
    runs = {subject.name: Runs() for subject in subjects}
    for number in range(1, rounds + 1):
        with progress(f"cold starts, {number} of {rounds}"):
            for subject in subjects:
                _run(subject, at.endpoint, runs[subject.name])
    if with_instructions and instructions.is_installed():
        # The longest first, so that both cores end together.
        longest_first = sorted(subjects, key=lambda subject: -runs[subject.name].cpu)
        with progress("instructions of starts"):
            counts = instructions.count_all([(one, 0) for one in longest_first], at.endpoint)
        for subject, count in zip(longest_first, counts, strict=True):
            runs[subject.name].instructions = count
    return runs


def _run(subject: Subject, endpoint: str, runs: Runs) -> None:
    with Environment(subject, endpoint) as environment:
        ready = environment.until_ready()
        answered = environment.answer()
        runs.ready.append(ready)
        runs.first.append(answered.since(ready))
        runs.memory.append(environment.memory())

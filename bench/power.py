"""What each memory size would cost and take: `make power-table`.

Lambda gives a function its share of a processor by its memory. From the CPU time that is measured here follow what a
cold start and a warm invocation take at each size and what they cost. The template's sizes were chosen by these tables.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench import report, stand
from bench.environment import Environment
from bench.pricing import PRICES, answer_ms, memory_mb
from bench.report import Progress, Table
from bench.stand import Stand
from bench.subjects import Subject
from tools.progress import Problem, step, stop

TITLE: Final = "Memory sizes"

# Those that are usual, and the one that is exactly a processor.
SIZES: Final = (256, 512, 1024, 1536, 1769, 2048)
_ROUNDS: Final = 3
_WARMING: Final = 5
_TIMED: Final = 40
# What must stay free of a size: Lambda's own part, and events larger than these.
_SPARE: Final = 1.25
_MB: Final = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """One function's figures: medians, in ms of CPU, of wall clock for waiting, and in MB.

    Attributes:
        cold: from the start of the process to the end of its first answer.
        warm: an answer after that.
        waiting: for the answers of AWS in a warm invocation, by the assumptions of bench/prices.toml.
        memory: the resident set at the end.
    """

    cold: float
    warm: float
    calls: int
    waiting: float
    memory: float

    def duration(self, size: int) -> float:
        """What a warm invocation takes at a size, in ms."""
        smallest = float(PRICES["assumptions"]["smallest_duration_ms"])
        return max(smallest, self.warm / share(size) + self.waiting)

    def start(self, size: int) -> float:
        """What a cold start takes with its first answer's computing, in ms."""
        return self.cold / share(size)

    def fits(self, size: int) -> bool:
        return self.memory * _SPARE <= size


def share(size: int) -> float:
    """Of a processor. The functions compute in one thread, so that more than one does not help them."""
    return min(1.0, size / float(PRICES["assumptions"]["vcpu_memory_mb"]))


def usd_for_a_million(size: int, milliseconds: float) -> float:
    """Invocations that take so long; Lambda bills the request, and the memory for the time."""
    prices = PRICES["lambda"]
    time = milliseconds / 1000 * size / 1024 * float(prices["gb_second_arm64"]) * 1_000_000
    return float(prices["requests_per_million"]) + time


def measure(progress: Progress) -> list[Table]:
    """Measure each function, and reckon."""
    with stand.opened(progress) as at:
        subjects = at.of("api", "worker")
        found: dict[str, Measured] = {}
        for subject in subjects:
            with progress(subject.name):
                found[subject.name] = _measured(at, subject)
    return [_figures(found), _costs(found), _starts(found)]


def _measured(at: Stand, subject: Subject) -> Measured:
    cold, warm, memory = [], [], []
    asked: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        with Environment(subject, at.endpoint) as environment:
            environment.until_ready()
            cold.append(environment.answer().cpu * 1000)
            before = [environment.answer() for _ in range(_WARMING)][-1]
            until_now = at.aws.asked()
            after = [environment.answer() for _ in range(_TIMED)][-1]
            asked = at.aws.asked() - until_now
            warm.append(after.since(before).cpu * 1000 / _TIMED)
            memory.append(environment.memory().resident / _MB)
    waiting = sum(number * answer_ms(*_operation(name)) for name, number in asked.items()) / _TIMED
    calls = round(asked.total() / _TIMED)
    return Measured(median(cold), median(warm), calls, waiting, median(memory))


def _operation(asked: str) -> tuple[str, str]:
    """The service and the operation of a request, by its target or path."""
    if asked.startswith("DynamoDB_"):
        return "dynamodb", asked.partition(".")[2]
    if "/functions/" in asked:
        return "lambda", "Invoke"
    if asked.startswith("/v2/email/"):
        return "sesv2", "SendEmail"
    if asked == "/":
        return "sns", "PublishBatch"
    raise NotImplementedError(asked)


def _figures(found: dict[str, Measured]) -> Table:
    return Table(
        "What was measured",
        (
            "function",
            "cold start, CPU ms",
            "warm, CPU ms",
            "AWS calls",
            "waiting, ms",
            "memory, MB",
        ),
        tuple(
            (
                name,
                f"{m.cold:.0f}",
                f"{m.warm:.2f}",
                f"{m.calls}",
                f"{m.waiting:.0f}",
                f"{m.memory:.0f}",
            )
            for name, m in found.items()
        ),
        f"Medians of {_ROUNDS} environments. A cold start is the start of the process and its first answer, a warm one"
        f" the mean of {_TIMED}; the events are those that `make bench` starts with. Waiting is the number of calls times"
        " the assumption of bench/prices.toml; the time of a function that is called is not in it.",
    )


def _costs(found: dict[str, Measured]) -> Table:
    return _by_size(
        "A million warm invocations: USD, and the ms that each takes",
        found,
        lambda m, size: f"{usd_for_a_million(size, m.duration(size)):.2f} ({m.duration(size):.0f})",
        "▸ is the template's size. A size is too small where what is resident leaves less than a fifth of it free.",
    )


def _starts(found: dict[str, Measured]) -> Table:
    return _by_size(
        "A cold start: ms, and USD for a million of them",
        found,
        lambda m, size: f"{m.start(size):,.0f} ({usd_for_a_million(size, m.start(size)):.2f})",
        "With no more processor than the size buys. Lambda is known to give the init phase more: a small size starts"
        " sooner than is said here.",
    )


def _by_size(
    title: str, found: dict[str, Measured], cell: Callable[[Measured, int], str], note: str
) -> Table:
    def shown(name: str, measured: Measured, size: int) -> str:
        if not measured.fits(size):
            return "too small"
        text = cell(measured, size)
        return f"▸ {text}" if size == memory_mb(name) else text

    return Table(
        title,
        ("function", *(f"{size} MB" for size in SIZES)),
        tuple((name, *(shown(name, m, size) for size in SIZES)) for name, m in found.items()),
        note,
    )


def main() -> int:
    try:
        tables = measure(step)
    except Problem as problem:
        return stop(problem)
    report.shown(report.console(), tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Cold starts: from the process's start until it is ready, to its first answer, and its memory.

Rounds are interleaved, so that other load on the machine affects all functions alike.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final

from bench import instructions, stand
from bench.environment import Environment
from bench.instructions import Run
from bench.report import Column, Runs, Table, compared
from bench.stand import Stand
from bench.subjects import FLOOR, LEAN, NAIVE, RESOLVER, STRIPE, Subject
from tools.progress import step

ROUNDS: Final = 5

_GOALS: Final = {NAIVE: 0.50, RESOLVER: 0.80, FLOOR: 1.9}
_GOALS_OF_ANSWERED: Final = {NAIVE: 0.45, LEAN: 0.55}
_TRACED: Final = ("ProductsApi", "ProductsApi, traced")
_TAKES_PAYMENTS: Final = ("OrdersCheckout", STRIPE, "OrdersWebhooks")
_CPU: Final = Column("CPU, ms", "cpu")
_WALL: Final = Column("wall, ms", "wall")
_INSTRUCTIONS: Final = Column("M instructions", "instructions")


@dataclass(frozen=True)
class _Starts:
    """What was measured: the subjects in their order, and the figures of their runs."""

    subjects: Sequence[Subject]
    runs: Runs

    def table(
        self,
        title: str,
        columns: Sequence[Column],
        *kinds: str,
        goals_of: Collection[str] = (),
        with_requests: bool = False,
        note: str = "",
    ) -> Table:
        """A table of the subjects of these kinds; the goals are for those of some of them."""
        shown = [subject for subject in self.subjects if subject.kind in kinds]
        ours = [subject.name for subject in shown if subject.kind in goals_of]
        titles = {one.name: f"{one.name}: {one.asks}" for one in shown if with_requests}
        names = [one.name for one in shown]
        return compared(title, self.runs, names, columns, ours=ours, titles=titles, note=note)


@cache
def _measured() -> _Starts:
    """The starts of all subjects: both sections show parts of them."""
    with stand.opened() as at:
        subjects = list(at.asked_first.values())
        return _Starts(subjects, _runs(at, subjects))


def _runs(at: Stand, subjects: Sequence[Subject]) -> Runs:
    """Start each in every round, then count instructions: that keeps both cores busy."""
    runs: dict[str, dict[str, list[float]]] = {subject.name: {} for subject in subjects}
    for number in range(1, ROUNDS + 1):
        with step(f"cold starts, {number} of {ROUNDS}"):
            for subject in subjects:
                for figure, value in _started(subject, at.endpoint).items():
                    runs[subject.name].setdefault(figure, []).append(value)
    with step("instructions of starts"):
        counted = [one for one in subjects if one.kind != "worker" or one.name in _TAKES_PAYMENTS]
        # The longest first, so that both cores end together.
        longest_first = sorted(counted, key=lambda one: -median(runs[one.name]["cpu"]))
        counts = instructions.count_all([Run(one) for one in longest_first], at.endpoint)
        for subject, count in zip(longest_first, counts, strict=True):
            runs[subject.name]["instructions"] = [count / 1e6]
    return runs


def _started(subject: Subject, endpoint: str) -> dict[str, float]:
    """The figures of one start: milliseconds, and millions of bytes after the first answer."""
    with Environment(subject, endpoint) as environment:
        ready = environment.until_ready()
        answered = environment.answer()
        memory = environment.memory()
    first = answered.since(ready)
    return {
        "cpu": ready.cpu * 1000,
        "wall": ready.wall * 1000,
        "first_cpu": first.cpu * 1000,
        "first_wall": first.wall * 1000,
        "answered_cpu": answered.cpu * 1000,
        "answered_wall": answered.wall * 1000,
        "resident": memory.resident / 1e6,
        "anonymous": memory.anonymous / 1e6,
    }


def measure() -> list[Table]:
    """The tables of the starts."""
    found = _measured()
    return [
        found.table(
            "Process start to the first answer",
            [
                _INSTRUCTIONS,
                *(Column(f"÷ {n}", "instructions", n, g) for n, g in _GOALS_OF_ANSWERED.items()),
                Column("CPU, ms", "answered_cpu"),
                *(Column(f"÷ {n}", "answered_cpu", n, g) for n, g in _GOALS_OF_ANSWERED.items()),
                Column("wall, ms", "answered_wall"),
            ],
            *("api", "baseline"),
            goals_of=("api",),
            with_requests=True,
            note="With the request that customers send first. The baselines list products, as"
            " ProductsApi does: only there the requests are the same. The list of notifications"
            " needs a token besides, a log-in a password and six writes, an order two other"
            " functions, which answer at once here; the index needs nothing of AWS.",
        ),
        found.table(
            "Ready to the first answer",
            [
                Column("CPU, ms", "first_cpu", digits=1),
                Column("wall, ms", "first_wall", digits=1),
                Column("CPU ÷ naive", "first_cpu", NAIVE),
                Column("CPU ÷ lean", "first_cpu", LEAN),
            ],
            *("api", "baseline"),
            note="The same requests. What is above is the sum of this and of the start below.",
        ),
        found.table(
            "Process start to ready",
            [
                _CPU,
                _WALL,
                *(Column(f"CPU ÷ {name}", "cpu", name, goal) for name, goal in _GOALS.items()),
                Column("CPU ÷ lean", "cpu", LEAN),
            ],
            *("api", "baseline"),
            goals_of=("api",),
        ),
        found.table(
            "Functions that no customer sends requests to, process start to ready",
            [_CPU, _WALL, Column("CPU ÷ floor", "cpu", FLOOR, 1.25)],
            *("internal", "worker"),
            goals_of=("internal", "worker"),
            note="Orders wait for UsersDirectory and ProductsInventory, no request for the others.",
        ),
        compared(
            "Functions that take payments, process start to the first payment or webhook",
            found.runs,
            _TAKES_PAYMENTS,
            [
                _INSTRUCTIONS,
                Column("÷ OrdersCheckout", "instructions", "OrdersCheckout"),
                Column("CPU, ms", "answered_cpu"),
                Column("resident, MB", "resident", digits=1),
            ],
            note="OrdersCheckout brings an order to confirmed: with the sandbox's payments by two"
            " writes of DynamoDB, with Stripe's by three requests, which are answered at once here."
            " OrdersWebhooks checks a signature and sends a message.",
        ),
        compared(
            "Tracing switched on, process start to the first answer",
            found.runs,
            _TRACED,
            [
                _INSTRUCTIONS,
                Column("÷ ProductsApi", "instructions", "ProductsApi"),
                Column("CPU, ms", "answered_cpu"),
            ],
            note="X-Ray has not chosen the request. All other figures are without tracing.",
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
                Column("÷ lean", "resident", LEAN),
                Column("anonymous, MB", "anonymous", digits=1),
                Column("anonymous ÷ naive", "anonymous", NAIVE),
            ],
            *("api", "internal", "baseline"),
            goals_of=("api",),
            note="Resident is the process's memory with shared libraries, as Lambda counts it;"
            " anonymous is the part that was read from no file. 1 MB is a million bytes.",
        )
    ]

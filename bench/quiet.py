"""Whether the machine was quiet: on a busy one, instructions and memory can be believed, times
cannot.

Before, between and after the sections a fixed loop is timed; it takes as long as ever on a quiet
machine. During a section the kernel counts the processors' time: what this benchmark's processes
have not used, others have, or the hypervisor took it away.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.report import Table, spread

_LOOPS: Final = 10
_LOOP: Final = 400_000
_MOST_SPREAD: Final = 1.25  # the slowest loop beside the quickest, without the very slowest
_MOST_OF_OTHERS: Final = 0.10  # of a processor
_MOST_STOLEN: Final = 0.02  # of all processors' time
_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """Seconds of all processors since some moment: on the clock, by all processes, by this
    benchmark's, and taken by the hypervisor."""

    wall: float
    busy: float
    own: float
    stolen: float

    @classmethod
    def now(cls) -> "Used":
        times = [int(count) / _TICK for count in _stat().split()[1:9]]
        user, nice, system, _idle, _waiting, irq, softirq, stolen = times
        own = os.times()
        return cls(
            time.perf_counter(),
            user + nice + system + irq + softirq,
            own.user + own.system + own.children_user + own.children_system,
            stolen,
        )

    def since(self, earlier: "Used") -> "Used":
        return Used(
            self.wall - earlier.wall,
            self.busy - earlier.busy,
            self.own - earlier.own,
            self.stolen - earlier.stolen,
        )

    @property
    def others(self) -> float:
        """How many processors other processes kept busy."""
        return max(0.0, self.busy - self.own) / self.wall

    @property
    def stolen_part(self) -> float:
        """Of the time of all processors."""
        return self.stolen / self.wall / (os.cpu_count() or 1)


@dataclass
class Machine:
    """What was seen of the machine."""

    loops: list[float] = field(default_factory=list)
    sections: dict[str, Used] = field(default_factory=dict)

    @contextmanager
    def watched(self, section: str) -> Iterator[None]:
        """Watch it while a section measures."""
        self.loops += calibrated()
        before = Used.now()
        yield
        self.sections[section] = Used.now().since(before)
        self.loops += calibrated()

    def complaints(self) -> list[str]:
        """Why its times cannot be believed; none if they can."""
        found = []
        slowest = steadiness(self.loops)
        if slowest > _MOST_SPREAD:
            found.append(f"a fixed loop took up to {slowest:.2f} times its shortest time")
        for section, used in self.sections.items():
            if used.others > _MOST_OF_OTHERS:
                found.append(f"{section}: other processes used {used.others:.2f} processors")
            if used.stolen_part > _MOST_STOLEN:
                found.append(f"{section}: the hypervisor took {used.stolen_part:.0%} of the time")
        return found

    def verdict(self) -> str:
        """One sentence for readers of the times."""
        if reasons := self.complaints():
            return (
                "**The machine was busy: believe instructions, memory and sizes, and no time"
                f" below** ({'; '.join(reasons)})."
            )
        return "The machine was quiet: a fixed loop took the same time throughout."

    def table(self) -> Table:
        """What was seen, with what is allowed on a quiet machine."""
        rows = [
            (section, f"{used.others:.2f}", f"{used.stolen_part:.1%}", f"{used.wall:.0f}")
            for section, used in self.sections.items()
        ]
        limits = ("quiet", f"≤ {_MOST_OF_OTHERS:.2f}", f"≤ {_MOST_STOLEN:.1%}", "")
        return Table(
            "While each section measured",
            ("section", "processors used by others", "taken by the hypervisor", "took, s"),
            (limits, *rows),
            f"A fixed loop took {spread([1000 * one for one in self.loops], 1)} ms: without the"
            f" slowest twentieth up to {steadiness(self.loops):.2f} times the shortest, and"
            f" {_MOST_SPREAD} on a quiet machine.",
        )


def calibrated() -> list[float]:
    """Seconds of a fixed loop, some times over."""
    return [_loop() for _ in range(_LOOPS)]


def steadiness(loops: Sequence[float]) -> float:
    """The slowest loop by the quickest, but for the slowest twentieth: a rare pause spoils one run
    of many, and no median."""
    kept = sorted(loops)[: -(len(loops) // 20) or None]
    return kept[-1] / kept[0]


def _loop() -> float:
    started = time.perf_counter()
    for _ in range(_LOOP):
        pass
    return time.perf_counter() - started


def _stat() -> str:
    with Path("/proc/stat").open() as file:
        return file.readline()

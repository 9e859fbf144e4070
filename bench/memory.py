"""Memory after the first answer."""

from statistics import median
from typing import Final

from bench import starts
from bench.report import Progress, Table, reached, spread
from bench.subjects import NAIVE

TITLE: Final = "Memory"

_GOAL: Final = 0.62


def measure(progress: Progress) -> list[Table]:
    """Measure, unless another section has, and show it."""
    found = starts.measured(progress)
    naive = found.runs[NAIVE]
    rows = [("goal", "", f"≤ {_GOAL:g}", "", "")]
    for kind in ("api", "worker", "baseline", "traced"):
        for name in found.names(kind):
            runs = found.runs[name]
            ratio = median(runs.resident_mb) / median(naive.resident_mb)
            own = median(runs.anonymous_mb) / median(naive.anonymous_mb)
            rows.append(
                (
                    name,
                    spread(runs.resident_mb, digits=1),
                    reached(ratio, _GOAL) if kind == "api" else f"{ratio:.2f}",
                    spread(runs.anonymous_mb, digits=1),
                    f"{own:.2f}",
                )
            )
    return [
        Table(
            "After the first answer",
            ("function", "resident, MB", "÷ naive", "anonymous, MB", "÷ naive"),
            tuple(rows),
            "Resident is the process's memory with shared libraries, as Lambda counts it; anonymous"
            " is the part that was read from no file. The goal is for API functions. 1 MB is a"
            " million bytes.",
        )
    ]

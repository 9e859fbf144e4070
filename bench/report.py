"""Tables of the benchmark, as Markdown: on the terminal, and in docs/benchmarks.md."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

type Runs = Mapping[str, Mapping[str, Sequence[float]]]
"""The figures of each function's runs: by the function's name, and by the figure's."""

REACHED: Final = "✓"
MISSED: Final = "✗"
OPEN: Final = "~"
"""Some runs reach the goal and others do not."""

_NO_TITLES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class Table:
    """Rows of text under columns, the first of which names what was measured."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A figure of each function, or its ratio to that of the function `against`.

    Attributes:
        goal: the largest ratio that is good.
    """

    title: str
    figure: str
    against: str = ""
    goal: float | None = None
    digits: int = 0

    def cell(self, runs: Runs, name: str, *, has_goal: bool) -> str:
        own = runs[name][self.figure]
        if not self.against:
            return spread(own, digits=self.digits)
        # Of the runs of the same round.
        ratios = [
            one / other for one, other in zip(own, runs[self.against][self.figure], strict=True)
        ]
        text = spread(ratios, digits=2)
        if self.goal is None or not has_goal:
            return text
        return f"{text} {mark(ratios, self.goal)}"


def compared(
    title: str,
    runs: Runs,
    names: Iterable[str],
    columns: Sequence[Column],
    *,
    ours: Collection[str] = (),
    titles: Mapping[str, str] = _NO_TITLES,
    note: str = "",
) -> Table:
    """The table of these functions. The goals are for those of `ours`; `titles` says more of a
    function than its name."""
    rows = [
        (
            titles.get(name, name),
            *(column.cell(runs, name, has_goal=name in ours) for column in columns),
        )
        for name in names
    ]
    goals = ["" if column.goal is None else f"≤ {column.goal:g}" for column in columns]
    if any(goals):
        rows.insert(0, ("goal", *goals))
    return Table(title, ("function", *(column.title for column in columns)), tuple(rows), note)


def mark(figures: float | Sequence[float], goal: float) -> str:
    """Whether a goal is reached, by the figures as they are shown: with two decimals."""
    all_ = [figures] if isinstance(figures, float | int) else figures
    reached = {round(figure, 2) <= goal for figure in all_}
    if len(reached) > 1:
        return OPEN
    return REACHED if True in reached else MISSED


def spread(figures: Sequence[float], digits: int = 0) -> str:
    """Their median, and the smallest and largest: `412 (403-440)`."""
    low, middle, high = min(figures), median(figures), max(figures)
    text = f"{middle:,.{digits}f}"
    return text if len(figures) == 1 else f"{text} ({low:,.{digits}f}-{high:,.{digits}f})"


def markdown(title: str, tables: Sequence[Table]) -> str:
    """A section of docs/benchmarks.md."""
    parts = [f"## {title}"]
    for table in tables:
        parts.append(f"### {table.title}")
        rule = ("---", *("---:" for _ in table.columns[1:]))
        rows = (table.columns, rule, *table.rows)
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
        if table.note:
            parts.append(table.note)
    return "\n\n".join(parts) + "\n"

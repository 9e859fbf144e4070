"""Tables of the benchmark: on the terminal, and in docs/benchmarks.md."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tools.progress import Step

type Progress = Callable[[str], AbstractContextManager[Step]]
"""`with progress("naive"):` prints a line with the time that it took: tools.progress.step."""
type Runs = Mapping[str, Mapping[str, Sequence[float]]]
"""The figures of each function's runs: by the function's name, and by the figure's."""

YES: Final = "yes"
NO: Final = "**no**"


@dataclass(frozen=True)
class Table:
    """Rows of text under columns, the first of which names what was measured."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {row} does not fit {self.columns}")


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
        return f"{text} {'✓' if round(median(ratios), 2) <= self.goal else '✗'}"


def compared(
    title: str,
    runs: Runs,
    names: Iterable[str],
    columns: Sequence[Column],
    *,
    ours: Collection[str] = (),
    note: str = "",
) -> Table:
    """The table of these functions. The goals are for those of `ours`."""
    rows = [
        (name, *(column.cell(runs, name, has_goal=name in ours) for column in columns))
        for name in names
    ]
    goals = ["" if column.goal is None else f"≤ {column.goal:g}" for column in columns]
    if any(goals):
        rows.insert(0, ("goal", *goals))
    return Table(title, ("function", *(column.title for column in columns)), tuple(rows), note)


def goal(figure: float, at_most: float) -> tuple[str, str]:
    """The cells of a goal and whether it is reached, by the figure as it is shown: two decimals."""
    return f"≤ {at_most:g}", YES if round(figure, 2) <= at_most else NO


def is_mark(cell: str) -> bool:
    """Whether the cell says that a goal is reached, or that it is not."""
    return cell in (YES, NO) or cell.endswith(("✓", "✗"))


def is_reached(cell: str) -> bool:
    """Which of the two."""
    return cell == YES or cell.endswith("✓")


def spread(figures: Sequence[float], digits: int = 0) -> str:
    """Their median, and the smallest and largest: `412 (403-440)`."""
    low, middle, high = min(figures), median(figures), max(figures)
    text = f"{middle:,.{digits}f}"
    return text if len(figures) == 1 else f"{text} ({low:,.{digits}f}-{high:,.{digits}f})"


def shown(console: Console, tables: Sequence[Table]) -> None:
    """Print them."""
    for table in tables:
        grid = RichTable(title=table.title, box=box.SIMPLE_HEAD, title_justify="left")
        for number, column in enumerate(table.columns):
            grid.add_column(column, justify="right" if number else "left")
        for row in table.rows:
            grid.add_row(*map(_coloured, row))
        console.print(grid)
        if table.note:
            console.print(f"  {table.note}\n")


def console() -> Console:
    """The terminal; where there is none, wide enough for every table."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160)


def _coloured(cell: str) -> Text:
    return Text(cell.strip("*"), style="red" if is_mark(cell) and not is_reached(cell) else "")


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

"""Tables of the benchmark: on the terminal, and in docs/benchmarks.md.

A section is a module with `TITLE` and `def measure(progress: Progress) -> list[Table]`.
"""

from collections.abc import Callable, Sequence
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


def goal(figure: float, at_most: float) -> tuple[str, str]:
    """The cells of a goal and whether it is reached, by the figure as it is shown: two decimals."""
    return f"≤ {at_most:g}", YES if round(figure, 2) <= at_most else NO


def reached(figure: float, at_most: float, text: str = "") -> str:
    """A cell of a table with its goals in the first row: the figure, and ✓ or ✗."""
    mark = "✓" if round(figure, 2) <= at_most else "✗"
    return f"{text or f'{figure:.2f}'} {mark}"


def is_mark(cell: str) -> bool:
    """Whether the cell says that a goal is reached, or that it is not."""
    return cell in (YES, NO) or cell.endswith(("✓", "✗"))


def is_reached(cell: str) -> bool:
    """Which of the two."""
    return cell == YES or cell.endswith("✓")


def spread(figures: Sequence[float], unit: str = "", digits: int = 0) -> str:
    """Their median, and the smallest and largest: `412 (403-440) ms`."""
    low, middle, high = min(figures), median(figures), max(figures)
    text = f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"
    return f"{text} {unit}".rstrip()


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
        parts.append("\n".join(_line(row) for row in (table.columns, rule, *table.rows)))
        if table.note:
            parts.append(table.note)
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"

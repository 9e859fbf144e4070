"""Prints a timeline; with colours on a terminal only."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.console import Console
from rich.text import Text

from tools.timeline.rows import Kind, Row, Step

_STYLES: Final[dict[Kind, str]] = {
    "event": "bold",
    "work": "",
    "email": "magenta",
    "stock": "blue",
    "trace": "dim",
    "late": "yellow",
    "error": "bold red",
}
_LONGEST_NAME: Final = 20
_SHORT_ID: Final = 8


def show_head(console: Console, title: str, facts: Iterable[tuple[str, str]]) -> None:
    """Print what the timeline is about."""
    console.print(Text(title, "bold"), soft_wrap=True)
    show_facts(console, facts)


def show_facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Print labels with their texts."""
    for label, text in facts:
        line = Text(f"  {label:<13} ", "dim").append(_printable(text), "not dim")
        console.print(line, soft_wrap=True)


def show_rows(console: Console, rows: Iterable[Row]) -> None:
    """Print rows in the order of their times."""
    ordered = sorted(rows, key=lambda row: row.at)
    width = max((len(row.where) for row in ordered), default=0)
    width = min(max(width, len("where")), _LONGEST_NAME)
    requests = {row.request_id for row in ordered if row.request_id}
    heads = f"  {'time (UTC)':<12}  {'after':>9}  {'took':>8}  {'where':<{width}}  what"
    console.print(Text(heads, "dim"), soft_wrap=True)
    day = None
    for row in ordered:
        if day not in (None, row.at.date()):
            console.print(Text(f"  {row.at.date()}", "dim"), soft_wrap=True)
        day = row.at.date()
        console.print(_line(row, ordered[0].at, width, is_named=len(requests) > 1), soft_wrap=True)
        for step in row.steps:
            console.print(_step_line(step, width), soft_wrap=True)


def _line(row: Row, begin: datetime, width: int, *, is_named: bool) -> Text:
    style = _STYLES[row.kind]
    at = row.at.astimezone(UTC)
    line = Text(f"  {at:%H:%M:%S}.{at.microsecond // 1000:03}  ", "dim")
    line.append(f"{_after(row.at - begin):>9}  ", "not dim")
    line.append(f"{_took(row.seconds):>8}  ", "not dim")
    line.append(f"{_printable(row.where):<{width}}  ", "not dim cyan")
    line.append(_printable(row.text), f"not dim {style}".strip())
    if is_named and row.request_id:
        line.append(f"  ·{_printable(row.request_id[:_SHORT_ID])}")
    return line


def _step_line(step: Step, width: int) -> Text:
    line = Text(f"  {'':<12}  {'':>9}  {_took(step.seconds):>8}  {'':<{width}}    ", "dim")
    line.append(_printable(step.name), "dim")
    return line.append(f"  {_printable(step.error)}" if step.error else "", "not dim yellow")


def _after(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 100:
        return f"+{seconds:.3f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"+{days} d {hours} h"
    return f"+{hours}:{minutes:02}:{rest:02}"


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def _printable(text: str) -> str:
    """Without control characters, which a terminal would execute."""
    return "".join(c if c.isprintable() else " " for c in text)


def show_notes(console: Console, notes: Sequence[str]) -> None:
    """Print notes about the timeline, and the next step."""
    for note in notes:
        console.print(Text(_printable(note), "dim"), soft_wrap=True)

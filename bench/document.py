"""Writes the figures of docs/benchmarks.md, below the text that says how they are measured."""

import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.report import MISSED, OPEN, REACHED, Table, markdown
from tools.local.places import ROOT

TARGET: Final = ROOT / "docs/benchmarks.md"
_BELOW: Final = "## Goals\n"
_MEASURED: Final = re.compile(r"Measured by `make bench` on .*?\n\n", re.DOTALL)


def write(sections: Mapping[str, list[Table]], verdict: str) -> None:
    """Write the tables of each section, by its title, how many goals are reached, and whether the
    times can be believed."""
    text, _, _ = TARGET.read_text().partition(_BELOW)
    measured = f"Measured by `make bench` on {datetime.now(UTC):%Y-%m-%d}, on {_machine()}."
    text = _MEASURED.sub(f"{measured}\n{verdict}\n\n", text, count=1)
    goals = markdown("Goals", [_summary(sections)])
    parts = [text + goals, *(markdown(title, tables) for title, tables in sections.items())]
    TARGET.write_text("\n".join(parts))


def _summary(sections: Mapping[str, list[Table]]) -> Table:
    """How many goals of each table are reached."""
    rows = []
    for title, tables in sections.items():
        for table in tables:
            cells = [cell for row in table.rows for cell in row]
            marks = (REACHED, OPEN, MISSED)
            counts = [sum(cell.endswith(f" {mark}") for cell in cells) for mark in marks]
            if any(counts):
                rows.append((title, table.title, *(str(count or "") for count in counts)))
    return Table(
        "How many are reached",
        ("section", "table", f"{REACHED} reached", f"{OPEN} by some runs", f"{MISSED} missed"),
        tuple(rows),
    )


def _machine() -> str:
    """Its class: what a reader needs to know of it, and nothing that tells whose it is."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = " ".join(cpu[1].replace("(R)", "").split()) if cpu else platform.machine()
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"

"""Writes the figures of docs/benchmarks.md, below the text that says how they are measured."""

import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.report import Table, markdown
from tools.local.places import ROOT

TARGET: Final = ROOT / "docs/benchmarks.md"
_BELOW: Final = "## Goals\n"


def write(sections: Mapping[str, list[Table]]) -> None:
    """Write the tables of each section, by its title, and how many goals are reached."""
    text, _, _ = TARGET.read_text().partition(_BELOW)
    text = re.sub(
        r"Measured by `make bench` on .*\.\n",
        f"Measured by `make bench` on {datetime.now(UTC):%Y-%m-%d}, on {_machine()}.\n",
        text,
    )
    goals = markdown("Goals", [_summary(sections)])
    parts = [text + goals, *(markdown(title, tables) for title, tables in sections.items())]
    TARGET.write_text("\n".join(parts))


def _summary(sections: Mapping[str, list[Table]]) -> Table:
    """How many goals of each table are reached."""
    rows = []
    for title, tables in sections.items():
        for table in tables:
            cells = [cell for row in table.rows for cell in row]
            reached, missed = (sum(cell.endswith(mark) for cell in cells) for mark in "✓✗")
            if reached + missed:
                rows.append((title, table.title, f"{reached} of {reached + missed}"))
    return Table("How many are reached", ("section", "table", "reached"), tuple(rows))


def _machine() -> str:
    """Its class: what a reader needs to know of it, and nothing that tells whose it is."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = " ".join(cpu[1].replace("(R)", "").split()) if cpu else platform.machine()
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"

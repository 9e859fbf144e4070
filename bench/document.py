"""docs/benchmarks.md and its plot, from the tables of a whole run."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from bench import cold, starts
from bench.report import Table, is_mark, is_reached, markdown
from bench.subjects import NAIVE
from tools.local.places import ROOT
from tools.progress import Problem, step

TARGET: Final = ROOT / "docs/benchmarks.md"
PLOT: Final = TARGET.with_suffix(".png")
_PYTHON: Final = ROOT / ".tools/bench/bin/python"

_HEAD: Final = """\
# Benchmarks

Written by `make bench` on {day}, on {machine}. Everything is measured beside
three baselines, in the same minutes: ratios hold on other machines, milliseconds do not.

![Cold starts, relative to the naive function](benchmarks.png)

## What is measured, and how

- **The functions** are what `sam build` has packed, with the layer, each in a process of its own
  that runs AWS's runtime client
  ([`awslambdaric`](https://github.com/aws/aws-lambda-python-runtime-interface-client)) against a
  small server of the Runtime API (`tools/runtime_api.py`). Nothing writes bytecode. Their variables
  are the template's, without tracing unless it says so.
- **AWS** is a server on the loopback interface with fixed answers (`bench/canned`), without TLS,
  in a process of its own that does not count. An operation without an answer there fails the
  benchmark, and so does a wrong answer of a function.
- **The baselines** (`bench/baselines`) have the same three routes of the catalogue. *floor* is a
  bare handler with one low-level client; *resolver* is Powertools' `APIGatewayRestResolver` with
  validation; *naive* is FastAPI, Mangum, two `BaseHTTPMiddleware`s and CORS, `boto3.resource` and
  Powertools' logger, metrics and tracer. Their layer has the shop's versions, installed plainly,
  with bytecode; *naive, no bytecode* is the same without any.
- **CPU time** is the process's, by the kernel's clock (user and system, all threads). A function
  is **ready** when the runtime requests its first invocation. The **first answer** is over when
  the runtime requests the next one.
- Runs are interleaved: each round starts every function once. A figure is the median of {rounds}
  rounds, with the smallest and the largest in brackets; a ratio is that of the runs of one round.
- **Instructions** are counted by cachegrind (`valgrind`), in user space, of one run each, with
  Python's hash seed fixed. A second count of the same start differs by less than 0.1 %.
"""


def write(sections: Mapping[str, list[Table]]) -> None:
    """Write both."""
    head = _HEAD.format(
        day=f"{datetime.now(UTC):%Y-%m-%d}", machine=machine(), rounds=starts.ROUNDS
    )
    goals = markdown("Goals", [summary(sections)])
    parts = [head, goals, *(markdown(title, tables) for title, tables in sections.items())]
    TARGET.write_text("\n".join(parts))
    _draw(PLOT)


def summary(sections: Mapping[str, list[Table]]) -> Table:
    """How many goals of each table are reached."""
    rows = []
    for title, tables in sections.items():
        for table in tables:
            marks = [cell for row in table.rows for cell in row if is_mark(cell)]
            if marks:
                reached = sum(is_reached(cell) for cell in marks)
                rows.append((title, table.title, f"{reached} of {len(marks)}"))
    return Table("How many are reached", ("section", "table", "reached"), tuple(rows))


def machine() -> str:
    """Its class: what a reader needs to know of it, and nothing that tells whose it is."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = " ".join(cpu[1].replace("(R)", "").split()) if cpu else platform.machine()
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"


def _draw(target: Path) -> None:
    found = starts.measured(step)
    naive = found.runs[NAIVE]
    bars = []
    for subject in found.subjects:
        runs = found.runs[subject.name]
        ratios = cold.ratios(runs.cpu_ms, naive.cpu_ms)
        bars.append(
            {
                "name": subject.name,
                "kind": subject.kind,
                "low": min(ratios),
                "median": median(ratios),
                "high": max(ratios),
                "instructions": runs.instructions_against(naive),
            }
        )
    command = (_PYTHON, "-m", "bench.plot", target)
    ended = subprocess.run(
        command, cwd=ROOT, input=json.dumps(bars), capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise Problem(f"The plot could not be drawn: {ended.stderr.strip().splitlines()[-1]}")

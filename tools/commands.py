"""Programs that the tools run quietly. Old Pythons too: it runs before any environment exists."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tools.local.places import ROOT
from tools.progress import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def output(
    problem: str,
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    given: str | None = None,
) -> str:
    """Run a program, and return what it printed.

    Args:
        env: its environment, if not this program's.
        given: its standard input.

    Raises:
        Problem: it failed: `problem`, and the last line of its error.
    """
    ended = subprocess.run(
        command, cwd=ROOT, env=env, input=given, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise Problem(f"{problem}\n  ({last_line(ended.stderr or ended.stdout)})")
    return ended.stdout


def last_line(text: str) -> str:
    """The last line of a program's output, for a sentence."""
    return (text.strip() or "it gave no reason").splitlines()[-1].strip()

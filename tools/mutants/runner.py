"""Runs the tests of seeded mutants, in processes of their own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tools.local.places import ROOT
from tools.mutants.mutant import Mutant
from tools.mutants.plugin import VARIABLE

type Outcome = Literal["caught", "survived", "does not start", "timed out"]

_LIMIT_SECONDS: Final = 600
_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"),
    # The limit above is used instead, so that a slow test is never taken for a failed one.
    *("-p", "tools.mutants.plugin", "--timeout=0"),
)
_OUTCOMES: Final[dict[int, Outcome]] = {0: "survived", 1: "caught"}
_FIRST_FAILURE: Final = re.compile(
    r"^(?:FAILED|ERROR) (\S+\.py(?:::.+?)?)(?: - .*)?$", re.MULTILINE
)


@dataclass(frozen=True)
class Result:
    """`test` is the first that failed."""

    outcome: Outcome
    test: str
    seconds: float
    output: str


def run(tests: Iterable[str], mutant: Mutant | None = None) -> Result:
    """Run tests until one fails, on the code as it is or with a mutant in it."""
    started = time.monotonic()
    process = subprocess.Popen(
        (*_PYTEST, *tests),
        cwd=ROOT,
        # pytest cuts the lines of its summary at the terminal's width.
        env={**os.environ, "COLUMNS": "1000", VARIABLE: mutant.name if mutant else ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    outcome: Outcome = "timed out"
    output = ""
    try:
        output, _ = process.communicate(timeout=_LIMIT_SECONDS)
        outcome = _OUTCOMES.get(process.returncode, "does not start")
    except subprocess.TimeoutExpired:
        pass
    finally:
        # With all that it has started: the crash matrix forks.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    found = _FIRST_FAILURE.search(output) if outcome != "survived" else None
    return Result(outcome, found[1] if found else "", time.monotonic() - started, output)

"""Runs the tests in a copy of the project, as it is or with a mutant in it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from tools.local.places import ROOT
from tools.mutants.mutant import Mutant
from tools.progress import Problem

# Memory where there is some: a copy is made for each mutant.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # what is made in it has a name that nobody can guess
_LIMIT_SECONDS: Final = 900
# That limit stands for the tests' own, so that slowness is never taken for a catch.
_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-x", "-q"),
    *("-p", "no:cacheprovider", "--timeout=0"),
)
_FIRST_FAILURE: Final = re.compile(r"^(?:FAILED|ERROR) (\S+\.py::.+?)(?: - .*)?$", re.MULTILINE)


class Outcome(Enum):
    """How the tests took a mutant. Only what a failed test says is a catch."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    BROKEN = "does not start"
    ENDLESS = "took too long"


@dataclass(frozen=True)
class Result:
    """`test` is the id of the first that failed, if one did."""

    outcome: Outcome
    test: str
    seconds: float
    said: str


@contextlib.contextmanager
def workshop() -> Iterator["Workshop"]:
    """A folder for copies, which goes away with all that is in it."""
    memory = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bodega-mutants-", dir=memory) as folder:
        shop = Workshop(Path(folder))
        try:
            yield shop
        finally:
            shop.close()


class Workshop:
    """Copies of the project, the first of them unbroken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unbroken = folder / "unbroken"
        self._running: set[subprocess.Popen[str]] = set()
        # What begins with a dot is environments, caches and history.
        ignored = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree(ROOT, self._unbroken, ignore=ignored)

    def prove(self, mutants: Iterable[Mutant]) -> None:
        """Run all their tests on the unbroken code.

        Raises:
            Problem: one fails, so what it says of mutants means nothing.
        """
        tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
        result = self._run(self._unbroken, tests)
        if result.outcome is not Outcome.SURVIVED:
            what = result.test or result.outcome.value
            raise Problem(f"Without any mutant the tests are not green ({what}).\n{result.said}")

    def try_on(self, mutant: Mutant) -> Result:
        """Break a copy and run the tests that should notice."""
        copy = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            # The compiled files come along, and know that the broken one is newer than they are.
            shutil.copytree(self._unbroken, copy, dirs_exist_ok=True)
            mutant.apply(copy)
            return self._run(copy, mutant.tests)
        finally:
            shutil.rmtree(copy)

    def close(self) -> None:
        """End what is still running: nobody waits for it any more."""
        for process in tuple(self._running):
            _end(process)

    def _run(self, root: Path, tests: Iterable[str]) -> Result:
        started = time.monotonic()
        process = subprocess.Popen(
            (*_PYTEST, *tests),
            cwd=root,
            # The summary cuts its lines at the terminal's width.
            env={**os.environ, "COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.add(process)
        outcome = Outcome.ENDLESS
        try:
            said, _ = process.communicate(timeout=_LIMIT_SECONDS)
            outcome = _OUTCOMES.get(process.returncode, Outcome.BROKEN)
        except subprocess.TimeoutExpired:
            said = ""
        finally:
            _end(process)
            self._running.discard(process)
        found = _FIRST_FAILURE.search(said) if outcome is Outcome.CAUGHT else None
        return Result(outcome, found[1] if found else "", time.monotonic() - started, said)


def _end(process: subprocess.Popen[str]) -> None:
    """With all that it has started: the matrix forks."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_OUTCOMES: Final = {0: Outcome.SURVIVED, 1: Outcome.CAUGHT}

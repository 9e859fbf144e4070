"""A machine without a browser: `make browser` and tests/browser say what to do, in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

from tools.local.places import ROOT


def _run_without_programs(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", *arguments),
        cwd=ROOT,
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_browser_says_what_is_missing_where_it_cannot_install(tmp_path: Path) -> None:
    ended = _run_without_programs(tmp_path, "tools.browser")
    assert ended.returncode == 1
    assert "no Chromium or Chrome here" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_browser_tests_are_skipped_with_one_line_without_a_browser(tmp_path: Path) -> None:
    ended = _run_without_programs(
        tmp_path, "pytest", "tests/browser", "-q", "-p", "no:cacheprovider"
    )
    assert ended.returncode == 0, ended.stdout
    [line] = [line for line in ended.stdout.splitlines() if line.startswith("SKIPPED")]
    assert "make browser" in line

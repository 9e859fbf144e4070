"""Looks for known vulnerabilities in everything that is pinned: what runs in Lambda, and the tools.

Where the database has no answer, it prints `skipped: …` and passes, so that the other checks can be
used offline. In CI, which sets the variable CI, it fails, unless OFFLINE=1 says that there is no
network.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tools.local.places import ROOT

_AUDIT: Final = ROOT / ".tools/audit/bin/pip-audit"
UNREACHABLE: Final = "the database of vulnerabilities (pypi.org) cannot be reached"


class AuditFailed(Exception):
    """pip-audit failed for another reason than the network; the text is its error."""


def pinned() -> list[str]:
    """All files of pinned requirements, from the project's root."""
    folders = ("requirements", "functions", "layers/shared")
    files = [file for folder in folders for file in sorted((ROOT / folder).glob("*.txt"))]
    return [str(file.relative_to(ROOT)) for file in files]


def fails_closed(environment: Mapping[str, str]) -> bool:
    """Whether each package must have an answer, by the variables of the process."""
    return bool(environment.get("CI")) and not environment.get("OFFLINE")


def report(dependencies: list[dict[str, Any]], *, must_answer: bool) -> tuple[int, str]:
    """An exit code, and what to print, from pip-audit's list.

    Args:
        must_answer: fail where the database has no answer about a package.
    """
    lines = [
        f"{entry['name']} {entry['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version yet'}"
        for entry in dependencies
        for found in entry.get("vulns", ())
    ]
    if lines:
        return 1, "\n".join([*lines, "`make requirements` takes the newest versions that fit."])
    unknown = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    if len(unknown) == len(dependencies):
        return _unanswered(UNREACHABLE, must_answer=must_answer)
    if unknown:
        return _unanswered(f"nothing is known of {', '.join(unknown)}", must_answer=must_answer)
    return 0, f"{len(dependencies)} packages without a known vulnerability"


def _unanswered(reason: str, *, must_answer: bool) -> tuple[int, str]:
    if must_answer:
        return 1, f"{reason}; OFFLINE=1 lets that pass"
    return 0, f"skipped: {reason}"


def audited(file: str) -> list[dict[str, Any]] | None:
    """pip-audit's list for one file; None where the service can't be reached.

    Raises:
        AuditFailed: pip-audit failed for another reason.
    """
    quiet = ("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off")
    ended = subprocess.run(
        (_AUDIT, "-r", file, *quiet),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.stdout.startswith("{"):
        found: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
        return found
    if any(word in ended.stderr for word in ("ConnectionError", "Timeout", "ProxyError")):
        return None
    raise AuditFailed(f"{file}: {ended.stderr.strip()}")


def main() -> int:
    # Each file by itself: the environments have different versions of one package.
    with ThreadPoolExecutor(max_workers=4) as pool:
        lists = list(pool.map(audited, pinned()))
    closed = fails_closed(os.environ)
    answered = [entry for found in lists for entry in found or ()]
    code, text = report(answered, must_answer=closed)
    if None in lists and not code:
        code, text = _unanswered(UNREACHABLE, must_answer=closed)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())

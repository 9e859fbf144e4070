"""Looks for known vulnerabilities in everything that is pinned: what runs in Lambda, and the tools.

Without the network it prints `skipped: …` and passes, so that the other checks can be used offline.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tools.local.places import ROOT

_AUDIT: Final = ROOT / ".tools/audit/bin/pip-audit"
UNREACHABLE: Final = "skipped: the database of vulnerabilities (pypi.org) cannot be reached"


class AuditFailed(Exception):
    """pip-audit failed for another reason than the network; the text is its error."""


def pinned() -> list[str]:
    """All files of pinned requirements, from the project's root."""
    files = sorted((ROOT / "requirements").glob("*.txt"))
    return [
        str(file.relative_to(ROOT)) for file in (*files, ROOT / "layers/shared/requirements.txt")
    ]


def report(dependencies: list[dict[str, Any]]) -> tuple[int, str]:
    """An exit code, and what to print, from pip-audit's list."""
    unknown = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    if len(unknown) == len(dependencies):
        return 0, UNREACHABLE
    lines = [
        f"{entry['name']} {entry['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version yet'}"
        for entry in dependencies
        for found in entry.get("vulns", ())
    ]
    if lines:
        return 1, "\n".join([*lines, "`make requirements` takes the newest versions that fit."])
    looked_at = f"{len(dependencies) - len(unknown)} packages without a known vulnerability"
    return 0, looked_at + (f"; nothing is known of {', '.join(unknown)}" if unknown else "")


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
    if None in lists:
        print(UNREACHABLE)
        return 0
    code, text = report([entry for found in lists for entry in found or ()])
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())

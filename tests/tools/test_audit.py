"""`make check`'s look at known vulnerabilities."""

from typing import Any

import pytest

from tools.audit import UNREACHABLE, fails_closed, report

GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"]}]}
WORSE = {"name": "worse", "version": "1.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found on PyPI"}


def test_vulnerability_fails_with_the_version_that_fixes_it() -> None:
    code, text = report([GOOD, BAD, WORSE, UNKNOWN], must_answer=False)
    assert code == 1
    assert "bad 1.0: CVE-1, fixed in 2.0\nworse 1.0: CVE-2, fixed in no version yet\n" in text
    assert "good" not in text


@pytest.mark.parametrize(
    ("found", "reason"),
    [([], UNREACHABLE), ([UNKNOWN], UNREACHABLE), ([GOOD, UNKNOWN], "nothing is known of own")],
)
def test_missing_answer_fails_where_there_must_be_one(
    found: list[dict[str, Any]], reason: str
) -> None:
    assert report(found, must_answer=False) == (0, f"skipped: {reason}")
    assert report(found, must_answer=True) == (1, f"{reason}; OFFLINE=1 lets that pass")
    assert report([GOOD], must_answer=True)[0] == 0


def test_ci_needs_answers_unless_it_is_offline() -> None:
    assert not fails_closed({})
    assert fails_closed({"CI": "true"})
    assert not fails_closed({"CI": "true", "OFFLINE": "1"})

"""`make check`'s look at known vulnerabilities."""

from tools.audit import UNREACHABLE, report

GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"]}]}
WORSE = {"name": "worse", "version": "1.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found on PyPI"}


def test_vulnerability_fails_with_the_version_that_fixes_it() -> None:
    code, text = report([GOOD, BAD, WORSE])
    assert code == 1
    assert "bad 1.0: CVE-1, fixed in 2.0\nworse 1.0: CVE-2, fixed in no version yet\n" in text
    assert "good" not in text


def test_unknown_packages_are_named_unless_nothing_was_audited() -> None:
    assert report([UNKNOWN, UNKNOWN]) == (0, UNREACHABLE)
    named = "1 packages without a known vulnerability; nothing is known of own"
    assert report([GOOD, UNKNOWN]) == (0, named)

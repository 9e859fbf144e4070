"""`make check`'s look at known vulnerabilities."""

from typing import Any

from tools.audit import UNREACHABLE, pinned, report


def package(name: str, *ids: str, fixed: str = "2.0") -> dict[str, Any]:
    """What pip-audit says of a package that it knows."""
    found = [{"id": id_, "fix_versions": [fixed] if fixed else []} for id_ in ids]
    return {"name": name, "version": "1.0", "vulns": found}


def unknown(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": "Dependency not found on PyPI"}


def test_all_pinned_files_are_audited() -> None:
    assert {"layers/shared/requirements.txt", "requirements/dev.txt"} < set(pinned())


def test_vulnerability_fails_with_the_version_that_fixes_it() -> None:
    known = [package("good"), package("bad", "CVE-1"), package("worse", "CVE-2", fixed="")]
    code, text = report(known)
    assert code == 1
    assert "bad 1.0: CVE-1, fixed in 2.0\nworse 1.0: CVE-2, fixed in no version yet\n" in text
    assert "good" not in text


def test_unknown_packages_are_named_unless_nothing_was_audited() -> None:
    assert report([unknown("one"), unknown("two")]) == (0, UNREACHABLE)
    code, text = report([package("good"), unknown("own")])
    assert (code, text) == (
        0,
        "1 packages without a known vulnerability; nothing is known of own",
    )

"""`make check`'s look at known vulnerabilities."""

from typing import Any

from tools.audit import UNREACHABLE, pinned, report


def package(name: str, *ids: str, fixed: str = "2.0") -> dict[str, Any]:
    """What pip-audit says of a package that it knows."""
    found = [{"id": id_, "fix_versions": [fixed] if fixed else []} for id_ in ids]
    return {"name": name, "version": "1.0", "vulns": found}


def unknown(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": "Dependency not found on PyPI"}


def test_everything_that_is_pinned_is_looked_at() -> None:
    assert {"layers/shared/requirements.txt", "requirements/dev.txt"} < set(pinned())


def test_a_known_vulnerability_fails_and_says_what_mends_it() -> None:
    code, text = report([package("good"), package("bad", "CVE-1", "CVE-2")])
    assert code == 1
    assert "bad 1.0: CVE-1, mended in 2.0\nbad 1.0: CVE-2, mended in 2.0\n" in text
    assert "good" not in text


def test_one_that_nobody_has_mended_yet_fails_as_well() -> None:
    assert report([package("bad", "CVE-1", fixed="")])[1].startswith(
        "bad 1.0: CVE-1, mended in no version yet"
    )


def test_where_nothing_is_known_of_anything_nothing_was_looked_at() -> None:
    assert report([unknown("one"), unknown("two")]) == (0, UNREACHABLE)


def test_a_single_package_that_is_not_known_is_named() -> None:
    code, text = report([package("good"), unknown("own")])
    assert (code, text) == (
        0,
        "1 packages without a known vulnerability; nothing is known of own",
    )

"""Versions as entity tags."""

import pytest

from shared.web.etags import etag, versions


@pytest.mark.parametrize(
    ("header", "weak", "named"),
    [
        (etag(3), False, {3}),
        ('"3", "5"', False, {3, 5}),
        ('W/"3"', True, {3}),
        ('W/"3", "4"', False, {4}),
        ("*", False, None),
        (" * ", True, None),
        ("3", True, set()),
        ("", True, set()),
        ('"abc", "٣", "-1", "1.5"', True, set()),
        ('"' + "9" * 5000 + '"', True, set()),
    ],
)
def test_precondition_names_versions(header: str, weak: bool, named: set[int] | None) -> None:
    assert versions(header, weak=weak) == named

"""Entity tags, and the preconditions that name them."""

import pytest

from shared.web.etags import etag, etag_of, is_known, versions


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (etag(3), {3}),
        ('"3", "5"', {3, 5}),
        ('W/"3", "4"', {4}),
        ("*", None),
        (" * ", None),
        ("3", set()),
        ("", set()),
        ('"abc", "٣", "-1", "1.5"', set()),
        ('"' + "9" * 5000 + '"', set()),
    ],
)
def test_if_match_names_versions(header: str, named: set[int] | None) -> None:
    assert versions(header) == named


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (etag(3), True),
        ('"2", "3"', True),
        ('W/"3"', True),
        (" * ", True),
        (None, False),
        ("", False),
        ("3", False),
        ('"13"', False),
        ('"2"', False),
    ],
)
def test_if_none_match_names_a_tag(header: str | None, known: bool) -> None:
    assert is_known(header, etag(3)) is known


def test_contents_that_differ_have_tags_that_differ() -> None:
    assert etag_of(b"one") == etag_of(b"one") != etag_of(b"two")

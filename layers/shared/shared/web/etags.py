"""Versions as entity tags, and the versions that a precondition names (RFC 9110, 8.8.3, 13.1)."""

import re
from typing import Final

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def versions(header: str, *, weak: bool) -> frozenset[int] | None:
    """The versions that If-Match or If-None-Match names; None for `*`, any version.

    Args:
        weak: whether a weak tag names its version too, as it does in If-None-Match.
    """
    if header.strip() == "*":
        return None
    return frozenset(
        int(tag)
        for is_weak, tag in _TAG.findall(header)
        if (weak or not is_weak) and tag.isascii() and tag.isdecimal() and len(tag) < 20
    )

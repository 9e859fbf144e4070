"""Entity tags of versions and contents, and what a precondition names (RFC 9110, 8.8.3, 13.1)."""

import hashlib
import re
from typing import Final

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def etag_of(content: bytes) -> str:
    """The tag of a content that has no version."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_known(header: str | None, tag: str) -> bool:
    """Whether If-None-Match names the tag, weak or not, or anything (`*`)."""
    if header is None or header.strip() == "*":
        return header is not None
    return tag in (f'"{known}"' for _, known in _TAG.findall(header))


def versions(header: str) -> frozenset[int] | None:
    """The versions that If-Match names, which no weak tag does; None for `*`, any version."""
    if header.strip() == "*":
        return None
    return frozenset(
        int(tag)
        for is_weak, tag in _TAG.findall(header)
        if not is_weak and tag.isascii() and tag.isdecimal() and len(tag) < 20
    )

"""The cookie that holds the refresh token of a browser's session."""

from typing import Final

# A browser stores a cookie with this prefix only as below: no sibling domain, no path and no
# unencrypted answer can set or replace it (RFC 6265bis, section 4.1.3.2).
REFRESH: Final = "__Host-refresh"


def kept(token: str, *, seconds: int) -> str:
    """The `Set-Cookie` that has the browser keep the token for so long."""
    return f"{REFRESH}={token}; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age={seconds}"


def deleted() -> str:
    """The `Set-Cookie` that has the browser delete the token."""
    return kept("", seconds=0)

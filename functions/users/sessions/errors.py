"""Errors of sessions.

BodegaError
└─ Unauthenticated
   ├─ BadCredentials     401
   └─ BadRefreshToken    401

`TokenSuperseded` is between repository and service: no client sees it.
"""

from shared.errors import OwnError, Unauthenticated


class BadCredentials(Unauthenticated):
    """Unknown, wrong or deactivated: the answer does not say which."""

    code, title = "bad-credentials", "The e-mail address or the password is wrong"


class BadRefreshToken(Unauthenticated):
    """Unknown, used before, ended or past its time."""

    code, title = "bad-refresh-token", "The refresh token cannot be used"


class TokenSuperseded(OwnError):
    """The family has ended, or another request rotated its token first; nothing was written."""

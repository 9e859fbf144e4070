"""Errors of sessions.

BodegaError
└─ Unauthenticated
   ├─ BadCredentials     401
   └─ BadRefreshToken    401
"""

from shared.errors import Unauthenticated


class BadCredentials(Unauthenticated):
    """The address is unknown, the password wrong or the account inactive: it does not say which."""

    code, title = "bad-credentials", "The e-mail address or the password is wrong"


class BadRefreshToken(Unauthenticated):
    """The token is unknown, spent, ended or expired."""

    code, title = "bad-refresh-token", "The refresh token cannot be used"

"""Errors of sessions.

BodegaError
├─ NotFound
│  └─ SessionNotFound    404
└─ Unauthenticated
   ├─ BadCredentials     401
   └─ BadRefreshToken    401
"""

from shared.errors import NotFound, Unauthenticated


class SessionNotFound(NotFound):
    """It does not exist, has ended, or is another user's."""

    code, title = "session-not-found", "There is no such session"


class BadCredentials(Unauthenticated):
    """The address is unknown, the password wrong or the account inactive: it does not say which."""

    code, title = "bad-credentials", "The e-mail address or the password is wrong"


class BadRefreshToken(Unauthenticated):
    """The token is unknown, spent, ended or expired."""

    code, title = "bad-refresh-token", "The refresh token cannot be used"

"""Errors of sessions.

BodegaError
├─ Forbidden
│  └─ CrossSiteRequest      403
├─ NotFound
│  └─ SessionNotFound       404
└─ Unauthenticated
   ├─ BadCredentials        401
   └─ BadRefreshToken       401
      └─ BadRefreshCookie   401
"""

from collections.abc import Mapping

from shared.errors import Forbidden, NotFound, Unauthenticated
from users.sessions import cookies


class CrossSiteRequest(Forbidden):
    """A browser sends the request for a page of another origin, or for no page."""

    code, title = "cross-site-request", "Only pages of this origin may do this"


class SessionNotFound(NotFound):
    """It does not exist, has ended, or is another user's."""

    code, title = "session-not-found", "There is no such session"


class BadCredentials(Unauthenticated):
    """The address is unknown, the password wrong or the account inactive: it does not say which."""

    code, title = "bad-credentials", "The e-mail address or the password is wrong"


class BadRefreshToken(Unauthenticated):
    """The token is unknown, spent, ended or expired."""

    code, title = "bad-refresh-token", "The refresh token cannot be used"


class BadRefreshCookie(BadRefreshToken):
    """The cookie is missing, or its token cannot be used. The answer deletes the cookie."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {**super().headers, "Set-Cookie": cookies.deleted()}

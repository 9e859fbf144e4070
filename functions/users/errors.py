"""The users service's own errors.

BodegaError
├─ Unauthenticated
│  ├─ BadCredentials     401
│  └─ BadRefreshToken    401
├─ Conflict
│  ├─ AccountErased      409
│  └─ EmailTaken         409
└─ TooManyAttempts       429

`Outdated` and `TokenSuperseded` are between repository and service: no client sees them.
"""

from collections.abc import Mapping

from shared.errors import BodegaError, Conflict, OwnError, Unauthenticated


class BadCredentials(Unauthenticated):
    """Unknown, wrong or deactivated: the answer does not say which."""

    code, title = "bad-credentials", "The e-mail address or the password is wrong"


class BadRefreshToken(Unauthenticated):
    """Unknown, used before, ended or past its time."""

    code, title = "bad-refresh-token", "The refresh token cannot be used"


class AccountErased(Conflict):
    """The person's data was erased: there is nothing to change any more, and no way back."""

    code, title = "account-erased", "This account was erased and cannot be changed"


class EmailTaken(Conflict):
    """Another account has this address, in whatever case."""

    code, title = "email-taken", "There is an account with this e-mail address"


class TooManyAttempts(BodegaError):
    """Wrong passwords came too often. `retry_after` is in seconds."""

    status, code, title = 429, "too-many-attempts", "Too many failed attempts"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(f"Try again in {retry_after} s.")
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Outdated(OwnError):
    """The user has changed since it was read; nothing was written."""


class TokenSuperseded(OwnError):
    """The family has ended, or another request rotated its token first; nothing was written."""
